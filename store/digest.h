/* digest.h - reads an exchange while it passes and picks out what dump lists:
 * endpoint, model, ids, usage, status, error, first token.
 *
 * Thread:  the writer's (a replay or a test may use its own).
 * Memory:  constant per exchange, whatever the sizes of the bodies.
 * Errors:  none; what cannot be understood stays missing and sets a flag.
 * Order:   request head, request data.., request end, response head (the final
 *          one), response data.., response end; response calls may come before
 *          the request's end.  digest_fill may be called at any time.
 */
#ifndef TRACETAPE_STORE_DIGEST_H
#define TRACETAPE_STORE_DIGEST_H

#include "store/exchange.h"
#include "store/ingest.h"

struct digest;

struct digest *digest_new(void);	/* NULL: no memory */
void digest_free(struct digest *d);	/* safe on NULL */

/* Where the items of a trace batch go; called from digest_request_data.  Without it
 * they are only counted. */
void digest_on_item(struct digest *d, ingest_sink *on_item, void *arg);

/* The request is a trace batch: known behind its head. */
bool digest_has_items(const struct digest *d);

/* head: the raw head as received, request line and all, empty line included;
 * heads are valid by the time they get here (proxy/http1). */
void digest_request_head(struct digest *d, struct slice head);
void digest_request_data(struct digest *d, const void *p, size_t n);
void digest_request_end(struct digest *d);

void digest_response_head(struct digest *d, struct slice head);
/* at_us: when these bytes came in, for timing.first_token. */
void digest_response_data(struct digest *d, const void *p, size_t n, int64_t at_us);
/* clean: the body ended as its framing says. */
void digest_response_end(struct digest *d, bool clean);

/* Writes the fields that come out of the bytes: endpoint, status, flags STREAM,
 * BACKGROUND, ODD_*, model.. to ratelimit, items, usage, request/response type, encoding
 * and decoded_bytes, timing.first_token and upstream_ms, method, path.  Leaves
 * the rest alone.  Slices live until the next call on d. */
void digest_fill(struct digest *d, struct exchange *x);

#endif
