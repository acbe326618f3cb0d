/* http1_rules.h - why the http1 leaf refuses a message.
 *
 * proxy/README.md lists every rule with its section, status and reason.
 */
#ifndef TRACETAPE_PROXY_HTTP1_RULES_H
#define TRACETAPE_PROXY_HTTP1_RULES_H

/* Every rule by which a message is refused; http1_rule_name tells it, with the
 * section, e.g. "content-length and transfer-encoding together (RFC 9112 6.1)". */
enum http1_rule {
	HTTP1_OK = 0,
	HTTP1_TOO_LONG,			/* head over HTTP1_HEAD_MAX: 431 */
	HTTP1_TOO_MANY_LINES,		/* 431 */
	HTTP1_TOO_MANY_OPTIONS,		/* in Connection: 431 */
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

const char *http1_rule_name(enum http1_rule r);

/* The status of our answer to a request that breaks r: 400, 414, 431, 501, 505.
 * A response that breaks any of them is answered with 502. */
int http1_rule_status(enum http1_rule r);

#endif
