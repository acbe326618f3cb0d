/* redact.h - heads without their secrets.
 *
 * Replaces the values of Authorization, Proxy-Authorization, Cookie, Set-Cookie,
 * api-key and x-api-key by "<redacted HASH>", HASH being 16 hex digits of
 * HMAC-SHA256 under the store's key: equal secrets can be told equal and nothing
 * more.  "Bearer " and "Basic " stay.  Every other byte is kept.
 */
#ifndef TRACETAPE_STORE_REDACT_H
#define TRACETAPE_STORE_REDACT_H

#include "store/bytes.h"

enum { REDACT_HASH_LEN = 16, REDACT_KEY_LEN = 32 };

/* True for header names whose values never reach the store or a log. */
bool redact_is_secret(struct slice name);

/* Appends head (start line and fields, or trailer fields alone) to out.
 * who, if not NULL, gets the hash of the first credential: Authorization, else
 * api-key, else x-api-key; "" when there is none. */
void redact_head(struct bytes *out, struct slice head,
    const uint8_t key[REDACT_KEY_LEN], char who[REDACT_HASH_LEN + 1]);

#endif
