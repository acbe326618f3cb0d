#include "certs/der.h"

#include <mbedtls/asn1.h>
#include <string.h>

size_t
der_begin(struct bytes *b, int tag)
{
	bytes_putc(b, tag);
	return b->len;
}

/* Content first, then its length is pushed in before it: certificates are small,
 * and nobody has to know a length in advance. */
void
der_end(struct bytes *b, size_t begin)
{
	uint8_t head[1 + sizeof(size_t)];
	size_t len = b->len - begin, n = 0;

	if (b->failed || !bytes_reserve(b, sizeof(head)))
		return;
	if (len >= 0x80)
		while (n < sizeof(len) && len >> (8 * n) != 0)
			n++;
	head[0] = (uint8_t)(n ? 0x80 | n : len);
	for (size_t i = 0; i < n; i++)
		head[1 + i] = (uint8_t)(len >> (8 * (n - 1 - i)));
	memmove(b->p + begin + 1 + n, b->p + begin, len);
	memcpy(b->p + begin, head, 1 + n);
	b->len += 1 + n;
}

void
der_put(struct bytes *b, int tag, const void *p, size_t n)
{
	size_t begin = der_begin(b, tag);

	bytes_put(b, p, n);
	der_end(b, begin);
}

void
der_put_true(struct bytes *b)
{
	der_put(b, DER_BOOLEAN, "\xff", 1);
}

void
der_put_unsigned(struct bytes *b, const uint8_t *p, size_t n)
{
	size_t begin = der_begin(b, DER_INTEGER);

	while (n > 1 && *p == 0) {
		p++;
		n--;
	}
	if (*p & 0x80)
		bytes_putc(b, 0);	/* or it would be negative */
	bytes_put(b, p, n);
	der_end(b, begin);
}

void
der_put_bits(struct bytes *b, const void *p, size_t n, int unused)
{
	size_t begin = der_begin(b, DER_BIT_STRING);

	bytes_putc(b, unused);
	bytes_put(b, p, n);
	der_end(b, begin);
}

void
der_put_time(struct bytes *b, time_t t)
{
	char text[32];
	struct tm tm;

	if (!gmtime_r(&t, &tm) || tm.tm_year < 50 || tm.tm_year > 9999 - 1900) {
		b->failed = true;
		return;
	}
	if (tm.tm_year < 150)
		strftime(text, sizeof(text), "%y%m%d%H%M%SZ", &tm);
	else
		strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm);
	der_put(b, tm.tm_year < 150 ? DER_UTC_TIME : DER_GENERALIZED_TIME, text,
	    strlen(text));
}

struct der
der_over(const void *p, size_t n)
{
	/* Nothing may be added to NULL, not even nothing. */
	return (struct der){ p, n ? (const uint8_t *)p + n : p, false };
}

bool
der_is_at_end(const struct der *d)
{
	return d->p == d->end;
}

bool
der_next_is(const struct der *d, int tag)
{
	return d->p < d->end && *d->p == tag;
}

/* Stops d, so that whoever loops until the end does end. */
static struct der
der_fail(struct der *d)
{
	d->p = d->end;
	d->failed = true;
	return *d;
}

struct der
der_take(struct der *d, int tag)
{
	unsigned char *p = (unsigned char *)d->p;
	struct der in;
	size_t len;

	if (d->failed || mbedtls_asn1_get_tag(&p, d->end, &len, tag) != 0)
		return der_fail(d);
	in = der_over(p, len);
	d->p = p + len;
	return in;
}

struct slice
der_take_whole(struct der *d, int tag)
{
	const uint8_t *from = d->p;

	der_take(d, tag);
	if (d->failed)
		return (struct slice){ 0 };
	return (struct slice){ (const char *)from, (size_t)(d->p - from) };
}

struct slice
der_rest(const struct der *d)
{
	if (d->failed)
		return (struct slice){ 0 };
	return (struct slice){ (const char *)d->p, (size_t)(d->end - d->p) };
}

struct slice
der_take_bits(struct der *d)
{
	struct der in = der_take(d, DER_BIT_STRING);

	if (in.failed || der_is_at_end(&in) || *in.p != 0) {
		der_fail(d);
		return (struct slice){ 0 };
	}
	in.p++;
	return der_rest(&in);
}

static int
two_digits(const char *s)
{
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return -1;
	return (s[0] - '0') * 10 + (s[1] - '0');
}

time_t
der_take_time(struct der *d)
{
	bool utc = der_next_is(d, DER_UTC_TIME);
	struct der in = der_take(d, utc ? DER_UTC_TIME : DER_GENERALIZED_TIME);
	struct slice s = der_rest(&in);
	size_t want = utc ? 13 : 15;
	int v[7], year;
	struct tm tm;

	if (s.len != want || s.p[want - 1] != 'Z')
		goto bad;
	for (size_t i = 0; i < want / 2; i++)
		if ((v[i] = two_digits(s.p + 2 * i)) < 0)
			goto bad;
	year = utc ? v[0] + (v[0] < 50 ? 2000 : 1900) : v[0] * 100 + v[1];
	memset(&tm, 0, sizeof(tm));
	tm.tm_year = year - 1900;
	tm.tm_mon = v[want / 2 - 5] - 1;
	tm.tm_mday = v[want / 2 - 4];
	tm.tm_hour = v[want / 2 - 3];
	tm.tm_min = v[want / 2 - 2];
	tm.tm_sec = v[want / 2 - 1];
	return timegm(&tm);
bad:
	der_fail(d);
	return 0;
}

bool
der_take_true(struct der *d)
{
	struct der in;

	if (d->failed || !der_next_is(d, DER_BOOLEAN))
		return false;
	in = der_take(d, DER_BOOLEAN);
	if (in.failed || in.end - in.p != 1) {
		der_fail(d);
		return false;
	}
	return *in.p != 0;
}

bool
der_oid_is(struct der *d, struct slice oid)
{
	struct der in = der_take(d, DER_OID);

	return !in.failed && slice_eq(der_rest(&in), oid);
}
