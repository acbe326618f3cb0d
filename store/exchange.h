/* exchange.h - what the tape keeps of one request and its response.
 *
 * Plain data, owns nothing: every slice is borrowed from whoever filled it in.
 * All that the writing half (recorder) and the reading half (tools) share.
 *
 * Times:   wall clock in ns since 1970; everything else in microseconds since
 *          time_ns, measured on the monotonic clock.
 * Missing: numbers that were not seen are -1, text that was not seen is a slice
 *          with p == NULL.  Missing is not zero and not empty.
 */
#ifndef TRACETAPE_STORE_EXCHANGE_H
#define TRACETAPE_STORE_EXCHANGE_H

#include "store/bytes.h"

/* How the traffic ended.  Numbers are on disk: only append. */
enum outcome {
	OUTCOME_IN_FLIGHT = 0,	/* not ended yet */
	OUTCOME_COMPLETE,	/* the response's last byte was passed on */
	OUTCOME_CANCELLED,	/* the client left first */
	OUTCOME_UPSTREAM,	/* the upstream could not be had, failed, or cut its
				 * answer short */
	OUTCOME_TIMEOUT,	/* one of our time limits */
	OUTCOME_REFUSED,	/* answered by us: the request may not pass */
	OUTCOME_INTERRUPTED,	/* the recorder died before the end */
	OUTCOME_N
};

/* How the traffic reached us.  On disk: only append. */
enum mode {
	MODE_REVERSE = 0,	/* OPENAI_BASE_URL points at us */
	MODE_FORWARD,		/* CONNECT or absolute-form */
	MODE_REDIRECTED,	/* TLS by SNI */
	MODE_N
};

/* What kind of API call it was.  On disk: only append. */
enum endpoint {
	ENDPOINT_OTHER = 0,
	ENDPOINT_RESPONSES_CREATE,	/* POST .../responses */
	ENDPOINT_RESPONSES_GET,		/* GET .../responses/{id} */
	ENDPOINT_RESPONSES_STREAM,	/* ... with stream=true: a resumed stream */
	ENDPOINT_RESPONSES_CANCEL,	/* POST .../responses/{id}/cancel */
	ENDPOINT_RESPONSES_INPUT_ITEMS,	/* GET .../responses/{id}/input_items */
	ENDPOINT_RESPONSES_COMPACT,	/* POST .../responses/compact */
	ENDPOINT_RESPONSES_INPUT_TOKENS,	/* POST .../responses/input_tokens */
	ENDPOINT_RESPONSES_DELETE,	/* DELETE .../responses/{id} */
	ENDPOINT_CHAT,			/* POST .../chat/completions */
	ENDPOINT_EMBEDDINGS,		/* POST .../embeddings */
	ENDPOINT_INGEST,		/* POST .../traces/ingest */
	ENDPOINT_N
};

/* Facts about the record, not about the traffic.  On disk: only append. */
enum {
	EXCHANGE_REUSED = 1 << 0,	/* went over a pooled upstream connection */
	EXCHANGE_RETRIED = 1 << 1,	/* ... which was dead; sent once more */
	EXCHANGE_STREAM = 1 << 2,	/* the response is text/event-stream */
	EXCHANGE_BACKGROUND = 1 << 3,	/* "background": true */
	EXCHANGE_OURS = 1 << 4,		/* the response is our own error answer */
	EXCHANGE_UPGRADED = 1 << 5,	/* 101: bodies are the two raw byte streams */
	EXCHANGE_TLS_RESUMED = 1 << 6,	/* upstream handshake was a resumption */
	EXCHANGE_ODD_JSON = 1 << 7,	/* a body that should be JSON is not */
	EXCHANGE_ODD_CODING = 1 << 8,	/* a coded body does not decode, or
					 * decodes past the bound */
	EXCHANGE_KEPT_HERE = 1 << 9,	/* proxy.traces = local: a trace batch that
					 * no upstream has seen */
};

/* Where the bytes of an exchange lie in the store (table body: seq, side, part). */
enum side {
	SIDE_REQUEST_HEAD = 0,	/* redacted, up to and with the empty line */
	SIDE_REQUEST_BODY,	/* payload as received, without chunk framing */
	SIDE_REQUEST_TIMES,	/* pairs of varints: bytes, us since the last */
	SIDE_REQUEST_TRAILER,	/* redacted trailer lines */
	SIDE_RESPONSE_HEAD,	/* redacted; 1xx heads first, each whole */
	SIDE_RESPONSE_BODY,
	SIDE_RESPONSE_TIMES,
	SIDE_RESPONSE_TRAILER,
	SIDE_N
};

/* One direction of an exchange. */
struct message {
	int64_t head_bytes;	/* as received, before redaction; -1: none came */
	int64_t body_bytes;	/* payload received */
	int64_t sent_bytes;	/* payload passed on to the other side */
	int64_t kept_bytes;	/* payload in the store; < body_bytes: cut */
	int64_t decoded_bytes;	/* after content decoding; -1: not coded */
	int64_t squeezed_bytes;	/* what it takes so (FORMAT.md 4.6); -1: it is not */
	int64_t prefix;		/* seq of the body it is squeezed with; -1: none */
	uint8_t sha256[32];	/* of the payload received, if has_sha256 */
	bool has_sha256;	/* false while in flight and when cut */
	struct slice type;	/* Content-Type */
	struct slice encoding;	/* Content-Encoding */
};

/* Microseconds since time_ns; -1 where it did not happen. */
struct timing {
	int64_t request_end;	/* last byte of the request came in */
	int64_t dns;		/* duration; -1: reused, or an address */
	int64_t connect;	/* duration, TCP */
	int64_t tls;		/* duration, handshake */
	int64_t sent_first;	/* first request byte handed to the upstream */
	int64_t sent_last;	/* last one */
	int64_t first_byte;	/* first byte of the final response head */
	int64_t first_token;	/* first output delta of a stream */
	int64_t end;		/* last byte passed on, or the failure */
	int64_t upstream_ms;	/* openai-processing-ms, as claimed; ms */
};

/* Tokens, as the API counted them. */
struct usage {
	int64_t input;
	int64_t cached;		/* part of input */
	int64_t cache_write;	/* part of input */
	int64_t output;
	int64_t reasoning;	/* part of output */
	int64_t total;
};

/* The rate-limit headers, as text: a reset is "6m0s", not a number. */
enum ratelimit {
	RATELIMIT_LIMIT_REQUESTS,
	RATELIMIT_REMAINING_REQUESTS,
	RATELIMIT_RESET_REQUESTS,
	RATELIMIT_LIMIT_TOKENS,
	RATELIMIT_REMAINING_TOKENS,
	RATELIMIT_RESET_TOKENS,
	RATELIMIT_N
};

/* Elements of a trace batch, odd ones being neither (store/FORMAT.md 4.4). */
struct ingest_counts {
	int64_t traces, spans, odd;
};

struct exchange {
	uint64_t seq;		/* 1, 2, ... in the order the requests came */
	int64_t time_ns;	/* the request head was complete */
	enum mode mode;
	enum outcome outcome;
	enum endpoint endpoint;
	uint32_t flags;
	int64_t status;		/* of the final response; -1: none came */
	struct slice reason;	/* why it did not complete */
	struct slice client;	/* "127.0.0.1:51234" */
	struct slice label;
	struct slice method;
	struct slice scheme;	/* of the upstream: "http", "https" */
	struct slice host;	/* of the upstream: "api.openai.com:443" */
	struct slice path;	/* of the target, query included */
	struct slice tls_client;	/* "TLSv1.3"; missing: plain */
	struct slice tls_upstream;
	struct slice key_hash;	/* keyed hash of the credentials, 16 hex */
	struct message request;
	struct message response;
	struct timing timing;
	struct usage usage;
	struct slice usage_json;	/* the API's own object, verbatim */
	struct slice tool_usage_json;
	struct slice model;	/* the response's, else the request's */
	struct slice model_asked;	/* the request's */
	struct slice response_id;
	struct slice previous_response_id;
	struct slice conversation;
	struct slice api_status;	/* "completed", "failed", ... */
	struct slice incomplete_reason;
	struct slice service_tier;	/* the response's */
	struct slice error_code;
	struct slice error_type;
	struct slice error_message;
	struct slice request_id;	/* x-request-id */
	struct slice sdk_lang;	/* x-stainless-lang */
	struct slice sdk_version;	/* x-stainless-package-version */
	struct slice user_agent;
	int64_t retry_count;	/* x-stainless-retry-count */
	struct ingest_counts items;	/* of a trace batch; -1: it is none */
	struct slice ratelimit[RATELIMIT_N];
};

/* Sets every number to -1 and every slice to missing; seq, flags, outcome 0. */
void exchange_init(struct exchange *x);

/* Stable names, as tools print them: "in_flight", "complete", "cancelled",
 * "upstream", "timeout", "refused", "interrupted". */
const char *outcome_name(enum outcome o);
const char *mode_name(enum mode m);
const char *endpoint_name(enum endpoint e);
const char *ratelimit_header(enum ratelimit r);	/* "x-ratelimit-limit-requests" */

#endif
