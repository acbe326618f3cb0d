/* http1.h - HTTP/1.1 message heads and body framing, strictly (RFC 9112, 9110).
 *
 * Pure and incremental.  Nothing is copied and nothing is printed again: slices
 * point into the caller's bytes, so that what goes out is what came in.  What
 * two parsers could read differently is refused and the rule is named.
 *
 * Memory:  struct http1_head is large (line table); one per connection in work.
 */
#ifndef TRACETAPE_PROXY_HTTP1_H
#define TRACETAPE_PROXY_HTTP1_H

#include "proxy/http1_rules.h"
#include "store/bytes.h"

enum {
	HTTP1_HEAD_MAX = 64 * 1024,	/* bytes of a head or of trailers */
	HTTP1_LINES_MAX = 128,		/* field lines in it */
	HTTP1_START_MAX = 32 * 1024,	/* bytes of a start line */
	HTTP1_OPTIONS_MAX = 64,		/* options in all Connection lines */
	HTTP1_CHUNK_LINE_MAX = 4096,	/* a chunk-size line with its extensions */
};

struct http1_line {
	struct slice name;
	struct slice value;	/* without the white space around it */
	struct slice raw;	/* the whole line with its CRLF */
};

/* How the end of a body is found. */
enum http1_framing {
	HTTP1_NONE,		/* no body */
	HTTP1_LENGTH,		/* `length` bytes */
	HTTP1_CHUNKED,
	HTTP1_UNTIL_CLOSE,	/* responses only */
	HTTP1_TUNNEL,		/* after 101, or 2xx to CONNECT: not HTTP any more */
};

struct http1_head {
	struct slice start;	/* start line with its CRLF */
	struct slice method;	/* requests */
	struct slice target;
	int status;		/* responses */
	struct slice reason;
	unsigned minor;		/* HTTP/1.minor */
	size_t len;		/* of the whole head, empty line included */

	unsigned n;
	struct http1_line line[HTTP1_LINES_MAX];

	/* Read from the lines: */
	enum http1_framing framing;
	uint64_t length;
	struct slice host;	/* requests; p == NULL when absent; may be empty
				 * when the target has its own authority */
	bool has_close;		/* Connection: close */
	bool has_keep_alive;	/* Connection: keep-alive */
	bool has_upgrade;	/* Connection: upgrade, and an Upgrade line */
	bool expects_continue;	/* Expect: 100-continue, in HTTP/1.1 */
};

/* Parse the head at the start of p[0..n).
 *   > 0  bytes of the head: h is filled
 *     0  need more
 *   < 0  -rule (enum http1_rule)
 * A refusal comes with the line that earns it, not with the end of the head.
 * CRLFs before a request line are skipped by the caller with http1_skip_crlf,
 * also when the CR came alone: *seen then stays 0, and 0 means skip first.
 * Work is linear over calls if `seen` is kept between calls on the same head:
 * 0 at first, then ours (it is not a count).  p may move, h need not be kept. */
long http1_request(struct http1_head *h, const void *p, size_t n, size_t *seen);

/* As above.  method is the request's: it decides about the body (RFC 9112 6.3). */
long http1_response(struct http1_head *h, struct slice method, const void *p,
    size_t n, size_t *seen);

/* CRLFs that robust servers ignore before a request line (RFC 9112 2.2). */
size_t http1_skip_crlf(const void *p, size_t n);

/* Value of the first line with this name; p == NULL: absent. */
struct slice http1_find(const struct http1_head *h, const char *name);

/* True for lines that end with this hop (RFC 9110 7.6.1): Connection and all it
 * names, Keep-Alive, Proxy-Connection, Proxy-Authenticate, Proxy-Authorization,
 * Proxy-Authentication-Info, TE (unless "trailers"), Upgrade.  Not
 * Transfer-Encoding, Trailer, Content-Length and Host, even when Connection
 * names them: we pass the framing on, and nobody strips it through us. */
bool http1_is_hop_by_hop(const struct http1_head *h, const struct http1_line *l);

/* True when Connection names one of those: the next hop would drop the line that
 * frames what we send. */
bool http1_disowns_framing(const struct http1_head *h);

/* A body on its way through. */
struct http1_body {
	enum http1_framing framing;
	int state;
	uint64_t left;		/* of a length or of the current chunk */
	uint64_t payload;	/* payload bytes seen so far */
	unsigned line_len;	/* of the chunk line or trailer section so far */
	unsigned lines;
	unsigned name_len;	/* whole, also when name is cut */
	char name[24];		/* of the current trailer, lower case */
	bool done;
};

/* What http1_body_next used: p[0..used) is to be forwarded as it is;
 * p[data, data + data_len) of it is payload; p[trailer, trailer + trailer_len)
 * belongs to the trailer section (lines with CRLFs, without the empty one). */
struct http1_part {
	size_t used;
	size_t data, data_len;
	size_t trailer, trailer_len;
};

void http1_body_init(struct http1_body *b, enum http1_framing framing,
    uint64_t length);

/* Takes the next part of the body from p[0..n), n > 0, !b->done.  0, or -rule
 * (the bytes before the offending one are in *part and may be forwarded; the
 * same rule is given again if asked again).  At most one run of payload and one
 * of trailer bytes a call: call again until done or all is used.  A call that
 * gives 0 uses at least one byte. */
int http1_body_next(struct http1_body *b, const void *p, size_t n,
    struct http1_part *part);

/* The sender is done sending.  True: the body is complete. */
bool http1_body_eof(struct http1_body *b);

#endif
