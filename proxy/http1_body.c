#include "proxy/http1.h"

#include <assert.h>
#include <string.h>

#include "proxy/http1_chars.h"

/* What a chunked body waits for: its grammar (RFC 9112 7.1) read byte by byte,
 * so that it may be cut anywhere.  A refused body has -rule for its state. */
enum state {
	SIZE_BEGIN,		/* the first digit of a chunk size */
	SIZE,			/* another one, or what ends it */
	EXT_BEGIN,		/* the name behind ";" */
	EXT_NAME,
	EXT_NAME_END,		/* white space behind a name */
	EXT_VALUE_BEGIN,	/* behind "=" */
	EXT_TOKEN,
	EXT_QUOTED,
	EXT_ESCAPED,		/* behind "\" in a quoted string */
	EXT_QUOTED_END,
	EXT_VALUE_END,		/* white space behind a value */
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER_BEGIN,		/* a field line, or the empty one */
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	END_LF,
	STATE_N,
};

/* Fields that are forbidden in trailers: they frame, route, authenticate, or
 * change what the content is (RFC 9110 6.5.1), so a reader that merges trailers
 * into the head would read another message than we did. */
static const char *const refused_trailers[] = {
	"api-key", "authorization", "cache-control", "connection", "content-encoding",
	"content-length", "content-range", "content-type", "cookie", "expect",
	"host", "keep-alive", "max-forwards", "proxy-authenticate",
	"proxy-authorization", "proxy-connection", "range", "set-cookie", "te",
	"trailer", "transfer-encoding", "upgrade", "www-authenticate",
	"x-api-key",
};

void
http1_body_init(struct http1_body *b, enum http1_framing framing,
    uint64_t length)
{
	memset(b, 0, sizeof(*b));
	b->framing = framing;
	b->state = SIZE_BEGIN;
	b->left = framing == HTTP1_LENGTH ? length : 0;
	b->done = framing == HTTP1_NONE ||
	    (framing == HTTP1_LENGTH && length == 0);
}

/* One digit, with room for sizes below 2^63. */
static int
size_digit(struct http1_body *b, char c)
{
	unsigned digit = c <= '9' ? (unsigned)(c - '0') :
	    ((unsigned)c | 0x20) - 'a' + 10;

	if (b->left > INT64_MAX >> 4)
		return -HTTP1_BAD_CHUNK_SIZE;
	b->left = b->left << 4 | digit;
	b->state = SIZE;
	return 0;
}

/* What a byte outside of a chunk line's grammar breaks. */
static int
chunk_line_fault(char c, enum http1_rule rule)
{
	return c == '\n' ? -HTTP1_BARE_LF : -(int)rule;
}

static int
on_size(struct http1_body *b, char c)
{
	if (http1_is(c, HTTP1_HEX))
		return size_digit(b, c);
	if (b->state == SIZE_BEGIN || (c != '\r' && c != ';'))
		return chunk_line_fault(c, HTTP1_BAD_CHUNK_SIZE);
	b->state = c == ';' ? EXT_BEGIN : SIZE_LF;
	return 0;
}

/* Between extensions: ";" begins the next, CR ends the line unless white space
 * stands before it, "=" follows a name only. */
static int
ext_next(const struct http1_body *b, char c)
{
	bool is_name = b->state == EXT_NAME || b->state == EXT_NAME_END;
	bool is_blank = b->state == EXT_NAME_END || b->state == EXT_VALUE_END;

	if (http1_is_blank(c))
		return is_name ? EXT_NAME_END : EXT_VALUE_END;
	if (c == ';')
		return EXT_BEGIN;
	if (c == '=' && is_name)
		return EXT_VALUE_BEGIN;
	return c == '\r' && !is_blank ? SIZE_LF : STATE_N;
}

static int
ext_quoted_next(char c)
{
	if (c == '"')
		return EXT_QUOTED_END;
	if (c == '\\')
		return EXT_ESCAPED;
	return http1_is(c, HTTP1_TEXT) ? EXT_QUOTED : STATE_N;
}

/* The state behind c in *( BWS ";" BWS name [ BWS "=" BWS value ] ), STATE_N
 * when c may not stand here (RFC 9112 7.1.1). */
static int
ext_state(const struct http1_body *b, char c)
{
	switch (b->state) {
	case EXT_BEGIN:
		if (http1_is_blank(c))
			return EXT_BEGIN;
		return http1_is(c, HTTP1_TOKEN) ? EXT_NAME : STATE_N;
	case EXT_VALUE_BEGIN:
		if (http1_is_blank(c))
			return EXT_VALUE_BEGIN;
		if (c == '"')
			return EXT_QUOTED;
		return http1_is(c, HTTP1_TOKEN) ? EXT_TOKEN : STATE_N;
	case EXT_QUOTED:
		return ext_quoted_next(c);
	case EXT_ESCAPED:
		return http1_is(c, HTTP1_TEXT) ? EXT_QUOTED : STATE_N;
	case EXT_NAME:
	case EXT_TOKEN:
		return http1_is(c, HTTP1_TOKEN) ? b->state : ext_next(b, c);
	default:
		return ext_next(b, c);
	}
}

static int
on_ext(struct http1_body *b, char c)
{
	int to = ext_state(b, c);

	if (to == STATE_N)
		return chunk_line_fault(c, HTTP1_BAD_CHUNK_EXT);
	b->state = to;
	return 0;
}

static int
on_size_lf(struct http1_body *b, char c)
{
	if (c != '\n')
		return -HTTP1_BARE_CR;
	b->line_len = 0;
	b->state = b->left ? DATA : TRAILER_BEGIN;
	return 0;
}

static int
on_chunk_end(struct http1_body *b, char c)
{
	if (c != (b->state == DATA_CR ? '\r' : '\n'))
		return -HTTP1_BAD_CHUNK_END;
	b->state = b->state == DATA_CR ? DATA_LF : SIZE_BEGIN;
	return 0;
}

static void
name_add(struct http1_body *b, char c)
{
	if (b->name_len < sizeof(b->name))
		b->name[b->name_len] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
	b->name_len++;
	b->state = TRAILER_NAME;
}

static int
on_trailer_begin(struct http1_body *b, char c)
{
	b->name_len = 0;
	if (c == '\r') {
		b->state = END_LF;
		return 0;
	}
	if (c == '\n')
		return -HTTP1_BARE_LF;
	if (http1_is_blank(c))
		return b->lines ? -HTTP1_OBS_FOLD : -HTTP1_SPACE_BEFORE_FIELDS;
	if (!http1_is(c, HTTP1_TOKEN))
		return -HTTP1_BAD_NAME;
	if (++b->lines > HTTP1_LINES_MAX)
		return -HTTP1_TOO_MANY_LINES;
	name_add(b, c);
	return 0;
}

static bool
is_refused_trailer(const struct http1_body *b)
{
	size_t n = sizeof(refused_trailers) / sizeof(*refused_trailers);

	for (size_t i = 0; i < n; i++)
		if (strlen(refused_trailers[i]) == b->name_len &&
		    memcmp(refused_trailers[i], b->name, b->name_len) == 0)
			return true;
	return false;
}

static int
on_trailer_name(struct http1_body *b, char c)
{
	if (http1_is(c, HTTP1_TOKEN)) {
		name_add(b, c);
		return 0;
	}
	if (c == ':') {
		b->state = TRAILER_VALUE;
		return is_refused_trailer(b) ? -HTTP1_BAD_TRAILER : 0;
	}
	if (http1_is_blank(c))
		return -HTTP1_SPACE_BEFORE_COLON;
	if (c == '\n')
		return -HTTP1_BARE_LF;
	return c == '\r' ? -HTTP1_NO_COLON : -HTTP1_BAD_NAME;
}

static int
on_trailer_value(struct http1_body *b, char c)
{
	if (c == '\r')
		b->state = TRAILER_LF;
	else if (!http1_is(c, HTTP1_TEXT))
		return c == '\n' ? -HTTP1_BARE_LF : -HTTP1_BAD_VALUE;
	return 0;
}

/* The LF of a field line or of the empty one. */
static int
on_trailer_lf(struct http1_body *b, char c)
{
	if (c != '\n')
		return -HTTP1_BARE_CR;
	b->done = b->state == END_LF;
	b->state = TRAILER_BEGIN;
	return 0;
}

/* One byte that is not data.  0 or -rule. */
static int
on_byte(struct http1_body *b, char c)
{
	switch ((enum state)b->state) {
	case SIZE_BEGIN:
	case SIZE:
		return on_size(b, c);
	case SIZE_LF:
		return on_size_lf(b, c);
	case DATA_CR:
	case DATA_LF:
		return on_chunk_end(b, c);
	case TRAILER_BEGIN:
		return on_trailer_begin(b, c);
	case TRAILER_NAME:
		return on_trailer_name(b, c);
	case TRAILER_VALUE:
		return on_trailer_value(b, c);
	case TRAILER_LF:
	case END_LF:
		return on_trailer_lf(b, c);
	default:
		return on_ext(b, c);
	}
}

static bool
is_in_trailers(const struct http1_body *b)
{
	return b->state >= TRAILER_BEGIN;
}

/* Counts a byte of a chunk line or of the trailer section against its bound. */
static int
count_byte(struct http1_body *b)
{
	if (b->state == DATA_CR || b->state == DATA_LF)
		return 0;
	if (is_in_trailers(b))
		return ++b->line_len > HTTP1_HEAD_MAX ? -HTTP1_TOO_LONG : 0;
	return ++b->line_len > HTTP1_CHUNK_LINE_MAX ?
	    -HTTP1_CHUNK_LINE_TOO_LONG : 0;
}

/* Up to n bytes of payload at part->used. */
static void
data_take(struct http1_body *b, size_t n, struct http1_part *part)
{
	bool is_bounded = b->framing == HTTP1_LENGTH ||
	    b->framing == HTTP1_CHUNKED;

	if (is_bounded && n > b->left)
		n = (size_t)b->left;
	part->data = part->used;
	part->data_len = n;
	part->used += n;
	b->payload += n;
	if (!is_bounded)
		return;
	b->left -= n;
	if (b->framing == HTTP1_LENGTH)
		b->done = b->left == 0;
	else if (b->left == 0)
		b->state = DATA_CR;
}

/* Uses the byte at part->used, or says which rule it breaks. */
static int
framing_take(struct http1_body *b, char c, struct http1_part *part)
{
	int rc = count_byte(b);

	if (rc == 0)
		rc = on_byte(b, c);
	if (rc)
		return b->state = rc;
	part->used++;
	return 0;
}

/* Trailer lines, to the empty one or to the end of p. */
static int
trailers_take(struct http1_body *b, const char *p, size_t n,
    struct http1_part *part)
{
	int rc = 0;

	part->trailer = part->used;
	while (rc == 0 && part->used < n && !b->done) {
		rc = framing_take(b, p[part->used], part);
		if (rc == 0 && b->state != END_LF && !b->done)
			part->trailer_len = part->used - part->trailer;
	}
	return rc;
}

static int
chunked_next(struct http1_body *b, const char *p, size_t n,
    struct http1_part *part)
{
	int rc = 0;

	while (rc == 0 && part->used < n) {
		if (is_in_trailers(b))
			return trailers_take(b, p, n, part);
		if (b->state != DATA) {
			rc = framing_take(b, p[part->used], part);
			continue;
		}
		if (part->data_len)
			return 0;
		data_take(b, n - part->used, part);
	}
	return rc;
}

int
http1_body_next(struct http1_body *b, const void *p, size_t n,
    struct http1_part *part)
{
	assert(n > 0 && !b->done);
	memset(part, 0, sizeof(*part));
	if (b->state < 0)
		return b->state;
	if (b->framing == HTTP1_CHUNKED)
		return chunked_next(b, p, n, part);
	data_take(b, n, part);
	return 0;
}

bool
http1_body_eof(struct http1_body *b)
{
	if (b->framing == HTTP1_UNTIL_CLOSE || b->framing == HTTP1_TUNNEL)
		b->done = true;
	return b->done;
}
