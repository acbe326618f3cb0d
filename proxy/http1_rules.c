#include "proxy/http1_rules.h"

#include <stddef.h>

struct rule {
	int status;
	const char *name;
};

static const struct rule rules[HTTP1_RULE_N] = {
	[HTTP1_OK] = { 200, "no rule broken" },
	[HTTP1_TOO_LONG] = { 431,
	    "head or trailers over 64 KiB (RFC 9110 5.4)" },
	[HTTP1_TOO_MANY_LINES] = { 431,
	    "more than 128 field lines (RFC 9110 5.4)" },
	[HTTP1_TOO_MANY_OPTIONS] = { 431,
	    "more than 64 connection options (RFC 9110 7.6.1)" },
	[HTTP1_START_TOO_LONG] = { 414,
	    "start line over 32 KiB (RFC 9112 3)" },
	[HTTP1_BAD_START_LINE] = { 400,
	    "malformed start line (RFC 9112 3, 4)" },
	[HTTP1_BAD_METHOD] = { 400,
	    "method is not a token (RFC 9112 3.1)" },
	[HTTP1_BAD_TARGET] = { 400,
	    "request target empty or with a byte that no target has "
	    "(RFC 9112 3.2)" },
	[HTTP1_BAD_VERSION] = { 505,
	    "version is not HTTP/1.0 or HTTP/1.1 (RFC 9112 2.3)" },
	[HTTP1_BAD_STATUS] = { 400,
	    "status is not three digits from 100 on (RFC 9112 4)" },
	[HTTP1_BARE_CR] = { 400,
	    "CR without LF (RFC 9112 2.2)" },
	[HTTP1_BARE_LF] = { 400,
	    "line ends in LF without CR (RFC 9112 2.2)" },
	[HTTP1_BAD_NAME] = { 400,
	    "field name is not a token (RFC 9112 5)" },
	[HTTP1_SPACE_BEFORE_COLON] = { 400,
	    "space before the colon (RFC 9112 5.1)" },
	[HTTP1_NO_COLON] = { 400,
	    "field line without a colon (RFC 9112 5)" },
	[HTTP1_OBS_FOLD] = { 400,
	    "folded field line (RFC 9112 5.2)" },
	[HTTP1_BAD_VALUE] = { 400,
	    "control byte in a field value (RFC 9110 5.5)" },
	[HTTP1_SPACE_BEFORE_FIELDS] = { 400,
	    "white space before the first field line (RFC 9112 2.2)" },
	[HTTP1_NO_HOST] = { 400,
	    "HTTP/1.1 request without host (RFC 9112 3.2)" },
	[HTTP1_TWO_HOSTS] = { 400,
	    "more than one host (RFC 9112 3.2)" },
	[HTTP1_BAD_HOST] = { 400,
	    "invalid host (RFC 9112 3.2)" },
	[HTTP1_LENGTH_AND_CODING] = { 400,
	    "content-length and transfer-encoding together (RFC 9112 6.1)" },
	[HTTP1_TWO_LENGTHS] = { 400,
	    "more than one content-length (RFC 9112 6.3)" },
	[HTTP1_BAD_LENGTH] = { 400,
	    "content-length is not a number below 2^63 (RFC 9112 6.3)" },
	[HTTP1_CODING_IN_1_0] = { 400,
	    "transfer-encoding in HTTP/1.0 (RFC 9112 6.1)" },
	[HTTP1_BAD_CODING] = { 501,
	    "transfer-encoding is not exactly chunked (RFC 9112 6.1)" },
	[HTTP1_BAD_CHUNK_SIZE] = { 400,
	    "invalid chunk size (RFC 9112 7.1)" },
	[HTTP1_BAD_CHUNK_EXT] = { 400,
	    "invalid chunk extension (RFC 9112 7.1.1)" },
	[HTTP1_CHUNK_LINE_TOO_LONG] = { 400,
	    "chunk-size line over 4 KiB (RFC 9112 7.1.1)" },
	[HTTP1_BAD_CHUNK_END] = { 400,
	    "no CRLF behind chunk data (RFC 9112 7.1)" },
	[HTTP1_BAD_TRAILER] = { 400,
	    "trailer that frames, routes or authenticates (RFC 9110 6.5.1)" },
};

static const struct rule unknown = { 400, "unknown rule" };

static const struct rule *
rule_of(enum http1_rule r)
{
	return (unsigned)r < HTTP1_RULE_N ? &rules[r] : &unknown;
}

const char *
http1_rule_name(enum http1_rule r)
{
	return rule_of(r)->name;
}

int
http1_rule_status(enum http1_rule r)
{
	return rule_of(r)->status;
}
