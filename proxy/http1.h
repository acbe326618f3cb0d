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

#include "store/bytes.h"

enum {
	HTTP1_HEAD_MAX = 64 * 1024,	/* bytes of a head or of trailers */
	HTTP1_LINES_MAX = 128,		/* field lines in it */
	HTTP1_START_MAX = 32 * 1024,	/* bytes of a start line */
	HTTP1_CHUNK_LINE_MAX = 4096,	/* a chunk-size line with its extensions */
};

/* Every rule by which a message is refused; http1_rule_name tells it, with the
 * section, e.g. "content-length and transfer-encoding together (RFC 9112 6.1)". */
enum http1_rule {
	HTTP1_OK = 0,
	HTTP1_TOO_LONG,			/* head over HTTP1_HEAD_MAX: 431 */
	HTTP1_TOO_MANY_LINES,		/* 431 */
	HTTP1_START_TOO_LONG,		/* 414 */
	HTTP1_BAD_START_LINE,
	HTTP1_BAD_METHOD,		/* not a token */
	HTTP1_BAD_TARGET,		/* a byte that no target has; empty */
	HTTP1_BAD_VERSION,		/* not HTTP/1.0 or HTTP/1.1: 505 */
	HTTP1_BAD_STATUS,
	HTTP1_BARE_CR,
	HTTP1_BARE_LF,
	HTTP1_BAD_NAME,			/* empty, or not a token */
	HTTP1_SPACE_BEFORE_COLON,
	HTTP1_NO_COLON,
	HTTP1_OBS_FOLD,
	HTTP1_BAD_VALUE,		/* a control byte other than tab */
	HTTP1_SPACE_BEFORE_FIELDS,	/* white space between start line and fields */
	HTTP1_NO_HOST,			/* HTTP/1.1 request without Host */
	HTTP1_TWO_HOSTS,
	HTTP1_BAD_HOST,
	HTTP1_LENGTH_AND_CODING,	/* Content-Length with Transfer-Encoding */
	HTTP1_TWO_LENGTHS,		/* also when equal, also as a list */
	HTTP1_BAD_LENGTH,		/* not 1*DIGIT, or over 2^63-1 */
	HTTP1_CODING_IN_1_0,
	HTTP1_BAD_CODING,		/* Transfer-Encoding not exactly chunked:
					 * 501 in requests */
	HTTP1_BAD_CHUNK_SIZE,
	HTTP1_BAD_CHUNK_EXT,
	HTTP1_CHUNK_LINE_TOO_LONG,
	HTTP1_BAD_CHUNK_END,		/* no CRLF behind the data */
	HTTP1_BAD_TRAILER,		/* a trailer that frames or routes */
	HTTP1_RULE_N
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
	struct slice host;	/* requests; p == NULL when absent */
	bool has_close;		/* Connection: close */
	bool has_keep_alive;	/* Connection: keep-alive */
	bool has_upgrade;	/* Connection: upgrade, and an Upgrade line */
	bool expects_continue;	/* Expect: 100-continue */
};

/* Parse the head at the start of p[0..n).
 *   > 0  bytes of the head: h is filled
 *     0  need more
 *   < 0  -rule (enum http1_rule)
 * CRLFs before a request line are skipped by the caller with http1_skip_crlf.
 * Work is linear over calls if `seen` is kept: bytes of p that an earlier call
 * on the same head has looked at (0 at first; updated). */
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
 * Transfer-Encoding, Trailer and Content-Length: we pass the framing on. */
bool http1_is_hop_by_hop(const struct http1_head *h, const struct http1_line *l);

const char *http1_rule_name(enum http1_rule r);

/* The status of our answer to a request that breaks r: 400, 414, 431, 501, 505. */
int http1_rule_status(enum http1_rule r);

/* A body on its way through. */
struct http1_body {
	enum http1_framing framing;
	int state;
	uint64_t left;		/* of a length or of the current chunk */
	uint64_t payload;	/* payload bytes seen so far */
	unsigned line_len;	/* of the chunk line or trailer section so far */
	unsigned lines;
	unsigned name_len;
	char name[24];		/* of the current trailer, lower case, cut */
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
 * (the bytes before the offending one are in *part and may be forwarded).  At
 * most one run of payload and one of trailer bytes a call: call again until
 * done or all is used. */
int http1_body_next(struct http1_body *b, const void *p, size_t n,
    struct http1_part *part);

/* The sender is done sending.  True: the body is complete. */
bool http1_body_eof(struct http1_body *b);

#endif
