#include "store/redact.h"

#include <string.h>

#include "store/headline.h"
#include "store/sha256.h"

/* The first three name the caller, in the order in which they are asked. */
static const struct slice secret[] = {
	{ "authorization", 13 },
	{ "api-key", 7 },
	{ "x-api-key", 9 },
	{ "proxy-authorization", 19 },
	{ "cookie", 6 },
	{ "set-cookie", 10 },
};

enum { N_SECRET = sizeof(secret) / sizeof(secret[0]), N_CALLER = 3 };

static unsigned
find_secret(struct slice name)
{
	unsigned i;

	for (i = 0; i < N_SECRET; i++)
		if (slice_eq_nocase(name, secret[i]))
			break;
	return i;
}

bool
redact_is_secret(struct slice name)
{
	return find_secret(name) < N_SECRET;
}

/* Length of "Bearer " or "Basic " and the white space after it; 0 without one,
 * or when nothing follows: then the word itself is the secret. */
static size_t
scheme_len(struct slice value)
{
	static const struct slice scheme[] = { { "bearer", 6 }, { "basic", 5 } };

	for (unsigned i = 0; i < 2; i++) {
		size_t n = scheme[i].len;

		if (value.len <= n + 1 || (value.p[n] != ' ' && value.p[n] != '\t') ||
		    !slice_eq_nocase((struct slice){ value.p, n }, scheme[i]))
			continue;
		while (value.p[n] == ' ' || value.p[n] == '\t')
			n++;	/* ends: the value is trimmed */
		return n;
	}
	return 0;
}

static void
hash_secret(struct slice s, const uint8_t key[REDACT_KEY_LEN],
    char hash[REDACT_HASH_LEN + 1])
{
	static const char digit[] = "0123456789abcdef";
	uint8_t mac[32];

	hmac_sha256(key, REDACT_KEY_LEN, s.p, s.len, mac);
	for (unsigned i = 0; i < REDACT_HASH_LEN; i += 2) {
		hash[i] = digit[mac[i / 2] >> 4];
		hash[i + 1] = digit[mac[i / 2] & 15];
	}
	hash[REDACT_HASH_LEN] = '\0';
}

/* Puts value without its secret; hash becomes "" when there was none. */
static void
put_redacted(struct bytes *out, struct slice value,
    const uint8_t key[REDACT_KEY_LEN], char hash[REDACT_HASH_LEN + 1])
{
	size_t n = scheme_len(value);

	hash[0] = '\0';
	if (value.len == 0)
		return;
	hash_secret((struct slice){ value.p + n, value.len - n }, key, hash);
	bytes_put(out, value.p, n);
	bytes_puts(out, "<redacted ");
	bytes_put(out, hash, REDACT_HASH_LEN);
	bytes_putc(out, '>');
}

/* A folded line goes on with the field above it.  proxy/http1 refuses them; a
 * secret in one must not slip through here all the same. */
static void
unfold(struct headline *h)
{
	const char *p = h->before.p;
	const char *end = h->after.p + h->after.len;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	h->before.len = (size_t)(p - h->before.p);
	while (end > p && (end[-1] == '\n' || end[-1] == '\r' || end[-1] == ' ' ||
	    end[-1] == '\t'))
		end--;
	h->after.len += (size_t)(h->after.p - end);
	h->after.p = end;
	h->value = (struct slice){ p, (size_t)(end - p) };
}

void
redact_head(struct bytes *out, struct slice head,
    const uint8_t key[REDACT_KEY_LEN], char who[REDACT_HASH_LEN + 1])
{
	char found[N_CALLER][REDACT_HASH_LEN + 1] = { "" };
	char hash[REDACT_HASH_LEN + 1];
	unsigned is = N_SECRET;
	struct headline h;

	while (headline_next(&head, &h)) {
		bool folded = h.before.p[0] == ' ' || h.before.p[0] == '\t';

		if (!folded || is == N_SECRET)
			is = find_secret(h.name);
		else
			unfold(&h);
		bytes_put_slice(out, h.before);
		if (is == N_SECRET)
			bytes_put_slice(out, h.value);
		else
			put_redacted(out, h.value, key, hash);
		if (is < N_CALLER && !folded && found[is][0] == '\0')
			memcpy(found[is], hash, sizeof(hash));
		bytes_put_slice(out, h.after);
	}
	if (!who)
		return;
	who[0] = '\0';
	for (unsigned i = 0; i < N_CALLER && who[0] == '\0'; i++)
		memcpy(who, found[i], sizeof(found[i]));
}
