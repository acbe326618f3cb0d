#include "store/isotime.h"

enum { LAST_YEAR = 2262 };	/* 2^63 ns end in it */

/* Takes n digits off, at most 4. */
static bool
take_digits(struct slice *s, unsigned n, int64_t *v)
{
	*v = 0;
	if (s->len < n)
		return false;
	for (; n > 0; n--, s->p++, s->len--) {
		if (*s->p < '0' || *s->p > '9')
			return false;
		*v = *v * 10 + (*s->p - '0');
	}
	return true;
}

/* Takes one byte off, which must be one of two. */
static bool
take_byte(struct slice *s, char a, char b)
{
	if (s->len == 0 || (*s->p != a && *s->p != b))
		return false;
	s->p++;
	s->len--;
	return true;
}

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970-01-01; -1: there is no such day. */
static int64_t
days(int64_t year, int64_t month, int64_t day)
{
	static const int before[] = {
		0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365
	};
	const int64_t y = year - 1;	/* whole years before this one */
	int64_t n;

	if (month < 1 || month > 12 || day < 1)
		return -1;
	n = before[month] - before[month - 1] + (month == 2 && is_leap(year));
	if (day > n)
		return -1;
	n = 365 * (year - 1970) + (y / 4 - y / 100 + y / 400) - 477;
	return n + before[month - 1] + (month > 2 && is_leap(year)) + day - 1;
}

static bool
take_date(struct slice *s, int64_t *day)
{
	int64_t y, m, d;

	if (!take_digits(s, 4, &y) || !take_byte(s, '-', '-') ||
	    !take_digits(s, 2, &m) || !take_byte(s, '-', '-') ||
	    !take_digits(s, 2, &d))
		return false;
	/* 1969: with an offset its last day may be in 1970. */
	if (y < 1969 || y > LAST_YEAR)
		return false;
	*day = days(y, m, d);
	return *day >= 0 || (y == 1969 && m == 12 && d == 31);
}

static bool
take_clock(struct slice *s, int64_t *seconds)
{
	int64_t h, m, sec;

	if (!take_digits(s, 2, &h) || !take_byte(s, ':', ':') ||
	    !take_digits(s, 2, &m) || !take_byte(s, ':', ':') ||
	    !take_digits(s, 2, &sec))
		return false;
	*seconds = (h * 60 + m) * 60 + sec;
	return h < 24 && m < 60 && sec <= 60;
}

/* ".013456", or nothing. */
static bool
take_fraction(struct slice *s, int64_t *ns)
{
	int64_t unit = 100000000, digit;

	*ns = 0;
	if (!take_byte(s, '.', '.'))
		return true;
	if (!take_digits(s, 1, &digit))
		return false;
	do {
		*ns += digit * unit;
		unit /= 10;
	} while (take_digits(s, 1, &digit));
	return true;
}

/* "Z" or "+hh:mm"; what is to be taken off the clock. */
static bool
take_offset(struct slice *s, int64_t *seconds)
{
	int64_t h, m;
	int sign;

	*seconds = 0;
	if (take_byte(s, 'Z', 'z'))
		return true;
	sign = s->len > 0 && *s->p == '-' ? -1 : 1;
	if (!take_byte(s, '+', '-') || !take_digits(s, 2, &h) ||
	    !take_byte(s, ':', ':') || !take_digits(s, 2, &m))
		return false;
	*seconds = sign * (h * 60 + m) * 60;
	return h < 24 && m < 60;
}

int64_t
isotime_ns(struct slice text)
{
	int64_t day, clock, ns, offset, s;

	if (!take_date(&text, &day) || !take_byte(&text, 'T', 't') ||
	    !take_clock(&text, &clock) || !take_fraction(&text, &ns) ||
	    !take_offset(&text, &offset) || text.len > 0)
		return -1;
	s = day * 86400 + clock - offset;
	if (s < 0 || s > (INT64_MAX - ns) / 1000000000)
		return -1;
	return s * 1000000000 + ns;
}
