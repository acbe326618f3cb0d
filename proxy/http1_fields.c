#include "proxy/http1_fields.h"

#include <arpa/inet.h>
#include <string.h>

#include "proxy/http1_chars.h"

/* What the lines that frame and route said, before it is judged together. */
struct found {
	unsigned hosts;
	unsigned lengths;
	unsigned codings;
	unsigned options;
	bool has_upgrade_option;
	bool has_upgrade_line;
	struct slice length;		/* the last of them */
	struct slice coding;
	bool codings_may_chunk;		/* "chunked" stands in one of them */
	bool codings_have_empty;
};

/* Takes the next element off a comma-separated list (RFC 9110 5.6.1), which may
 * be empty.  False when there is none left. */
static bool
list_next(struct slice *list, struct slice *item)
{
	const char *comma;
	size_t n;

	if (!list->p)
		return false;
	comma = list->len ? memchr(list->p, ',', list->len) : NULL;
	n = comma ? (size_t)(comma - list->p) : list->len;
	*item = (struct slice){ list->p, n };
	*list = comma ? (struct slice){ comma + 1, list->len - n - 1 } :
	    (struct slice){ NULL, 0 };
	while (item->len && http1_is_blank(item->p[0]))
		item->p++, item->len--;
	while (item->len && http1_is_blank(item->p[item->len - 1]))
		item->len--;
	return true;
}

static bool
list_has(struct slice list, struct slice what)
{
	struct slice item;

	while (list_next(&list, &item))
		if (item.len == what.len && slice_eq_nocase(item, what))
			return true;
	return false;
}

static void
on_connection(struct http1_head *h, struct found *f, struct slice list)
{
	struct slice item;

	while (list_next(&list, &item)) {
		f->options++;
		h->has_close |= slice_eq_nocase(item, SLICE("close"));
		h->has_keep_alive |= slice_eq_nocase(item, SLICE("keep-alive"));
		f->has_upgrade_option |= slice_eq_nocase(item, SLICE("upgrade"));
	}
}

static bool
contains_nocase(struct slice s, struct slice what)
{
	while (s.len >= what.len) {
		if (slice_eq_nocase((struct slice){ s.p, what.len }, what))
			return true;
		s.p++;
		s.len--;
	}
	return false;
}

static void
on_coding(struct found *f, struct slice value)
{
	f->codings++;
	f->coding = value;
	f->codings_have_empty |= value.len == 0;
	f->codings_may_chunk |= contains_nocase(value, SLICE("chunked"));
}

/* One look at the length sends most lines away. */
static void
line_read(struct http1_head *h, struct found *f, const struct http1_line *l)
{
	switch (l->name.len) {
	case 4:
		if (slice_eq_nocase(l->name, SLICE("host"))) {
			f->hosts++;
			h->host = l->value;
		}
		break;
	case 6:
		if (slice_eq_nocase(l->name, SLICE("expect")))
			h->expects_continue |= list_has(l->value,
			    SLICE("100-continue"));
		break;
	case 7:
		f->has_upgrade_line |= slice_eq_nocase(l->name,
		    SLICE("upgrade"));
		break;
	case 10:
		if (slice_eq_nocase(l->name, SLICE("connection")))
			on_connection(h, f, l->value);
		break;
	case 14:
		if (slice_eq_nocase(l->name, SLICE("content-length"))) {
			f->lengths++;
			f->length = l->value;
		}
		break;
	case 17:
		if (slice_eq_nocase(l->name, SLICE("transfer-encoding")))
			on_coding(f, l->value);
		break;
	}
}

static int
lines_read(struct http1_head *h, struct found *f)
{
	h->framing = HTTP1_NONE;
	h->length = 0;
	h->host = (struct slice){ NULL, 0 };
	h->has_close = h->has_keep_alive = h->expects_continue = false;
	for (unsigned i = 0; i < h->n; i++)
		line_read(h, f, &h->line[i]);
	h->has_upgrade = f->has_upgrade_option && f->has_upgrade_line;
	h->expects_continue &= h->minor == 1;	/* RFC 9110 10.1.1 */
	return f->options > HTTP1_OPTIONS_MAX ? -HTTP1_TOO_MANY_OPTIONS : 0;
}

/* 1*DIGIT up to 2^63-1: larger ones wrap in readers with signed numbers. */
static int
length_parse(uint64_t *length, struct slice s)
{
	uint64_t v = 0;

	if (memchr(s.p, ',', s.len))
		return -HTTP1_TWO_LENGTHS;
	if (s.len == 0 || http1_run(s.p, s.len, HTTP1_DIGIT) < s.len)
		return -HTTP1_BAD_LENGTH;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned)(s.p[i] - '0');

		if (v > ((uint64_t)INT64_MAX - digit) / 10)
			return -HTTP1_BAD_LENGTH;
		v = v * 10 + digit;
	}
	*length = v;
	return 0;
}

/* Framing of a body that the message may have (RFC 9112 6.3); otherwise is how
 * it ends when no line says so. */
static int
framing_judge(struct http1_head *h, const struct found *f,
    enum http1_framing otherwise)
{
	if (f->codings && f->lengths)
		return -HTTP1_LENGTH_AND_CODING;
	if (f->codings && h->minor == 0)
		return -HTTP1_CODING_IN_1_0;
	if (f->lengths > 1)
		return -HTTP1_TWO_LENGTHS;
	if (f->codings == 1 && slice_eq_nocase(f->coding, SLICE("chunked"))) {
		h->framing = HTTP1_CHUNKED;
		return 0;
	}
	/* Codings without any "chunked" end with the connection, but only
	 * where the body may: in responses. */
	if (f->codings && (otherwise == HTTP1_NONE || f->codings_may_chunk ||
	    f->codings_have_empty))
		return -HTTP1_BAD_CODING;
	h->framing = f->lengths ? HTTP1_LENGTH : otherwise;
	return f->lengths ? length_parse(&h->length, f->length) : 0;
}

/* reg-name or IPv4address (RFC 3986 3.2.2): bytes of it at s. */
static size_t
reg_name_run(struct slice s)
{
	size_t i = 0;

	while (i < s.len) {
		if (http1_is(s.p[i], HTTP1_HOST))
			i++;
		else if (s.p[i] == '%' && s.len - i > 2 &&
		    http1_run(s.p + i + 1, 2, HTTP1_HEX) == 2)
			i += 3;
		else
			break;
	}
	return i;
}

/* "[" IPv6address "]": bytes of it at s, 0 when it is none.  IPvFuture has no
 * future yet, and a zone never leaves its machine (RFC 6874 4). */
static size_t
ip_literal_run(struct slice s)
{
	const char *end = memchr(s.p, ']', s.len);
	size_t n = end ? (size_t)(end - s.p) - 1 : 0;
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (n == 0 || n >= sizeof(text))
		return 0;
	memcpy(text, s.p + 1, n);
	text[n] = '\0';
	return inet_pton(AF_INET6, text, &address) == 1 ? n + 2 : 0;
}

/* uri-host [ ":" port ] (RFC 9110 7.2), port up to 65535 and maybe empty. */
static bool
is_host(struct slice s)
{
	size_t i = s.len && s.p[0] == '[' ? ip_literal_run(s) : reg_name_run(s);
	unsigned long port = 0;

	if (i == 0)
		return false;
	if (i == s.len)
		return true;
	if (s.p[i++] != ':')
		return false;
	for (; i < s.len; i++) {
		if (!http1_is(s.p[i], HTTP1_DIGIT))
			return false;
		port = port * 10 + (unsigned long)(s.p[i] - '0');
		if (port > 65535)
			return false;
	}
	return true;
}

/* An empty Host says that the target URI has no authority (RFC 9112 3.2), which
 * http and https URIs must have (RFC 9110 4.2): then the target has to have it. */
static int
host_judge(const struct http1_head *h, const struct found *f)
{
	bool is_in_target = h->target.p[0] != '/' && h->target.p[0] != '*';

	if (f->hosts == 0)
		return h->minor == 1 ? -HTTP1_NO_HOST : 0;
	if (f->hosts > 1)
		return -HTTP1_TWO_HOSTS;
	if (h->host.len == 0)
		return is_in_target ? 0 : -HTTP1_BAD_HOST;
	return is_host(h->host) ? 0 : -HTTP1_BAD_HOST;
}

int
http1_fields_request(struct http1_head *h)
{
	struct found f = { 0 };
	int rc = lines_read(h, &f);

	if (rc == 0)
		rc = host_judge(h, &f);
	return rc ? rc : framing_judge(h, &f, HTTP1_NONE);
}

int
http1_fields_response(struct http1_head *h, struct slice method)
{
	struct found f = { 0 };
	int rc = lines_read(h, &f);

	h->host = (struct slice){ NULL, 0 };
	h->expects_continue = false;
	if (rc)
		return rc;
	/* RFC 9112 6.3.  Without a body, or before a tunnel, Content-Length and
	 * Transfer-Encoding are not even looked at. */
	if (h->status == 101) {
		h->framing = HTTP1_TUNNEL;
		return 0;
	}
	if (slice_eq(method, SLICE("CONNECT")) && h->status / 100 == 2) {
		h->framing = HTTP1_TUNNEL;
		return 0;
	}
	if (slice_eq(method, SLICE("HEAD")) || h->status < 200 ||
	    h->status == 204 || h->status == 304)
		return 0;
	return framing_judge(h, &f, HTTP1_UNTIL_CLOSE);
}

/* slice_eq_nocase, but most names differ in length and need no call: every line
 * of every head is asked about a dozen of them. */
static inline bool
is_name(struct slice name, struct slice want)
{
	return name.len == want.len && slice_eq_nocase(name, want);
}

struct slice
http1_find(const struct http1_head *h, const char *name)
{
	struct slice want = { name, strlen(name) };

	for (unsigned i = 0; i < h->n; i++)
		if (is_name(h->line[i].name, want))
			return h->line[i].value;
	return (struct slice){ NULL, 0 };
}

static bool
is_one_of(struct slice name, const struct slice *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_name(name, names[i]))
			return true;
	return false;
}

static bool
connection_names(const struct http1_head *h, struct slice name)
{
	for (unsigned i = 0; i < h->n; i++)
		if (is_name(h->line[i].name, SLICE("connection")) &&
		    list_has(h->line[i].value, name))
			return true;
	return false;
}

#define NAME(literal) { (literal), sizeof(literal) - 1 }

static const struct slice framing_names[] = {
	NAME("content-length"), NAME("host"), NAME("trailer"),
	NAME("transfer-encoding"),
};

enum { N_FRAMING = sizeof(framing_names) / sizeof(*framing_names) };

bool
http1_disowns_framing(const struct http1_head *h)
{
	for (size_t i = 0; i < N_FRAMING; i++)
		if (connection_names(h, framing_names[i]))
			return true;
	return false;
}

bool
http1_is_hop_by_hop(const struct http1_head *h, const struct http1_line *l)
{
	static const struct slice always[] = {
		NAME("connection"), NAME("keep-alive"),
		NAME("proxy-authenticate"), NAME("proxy-authentication-info"),
		NAME("proxy-authorization"), NAME("proxy-connection"),
		NAME("upgrade"),
	};

	if (is_one_of(l->name, always, sizeof(always) / sizeof(*always)))
		return true;
	if (is_one_of(l->name, framing_names, N_FRAMING))
		return false;
	if (is_name(l->name, SLICE("te")) &&
	    !slice_eq_nocase(l->value, SLICE("trailers")))
		return true;
	return connection_names(h, l->name);
}
