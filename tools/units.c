#include "tools/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { NS_PER_S = 1000000000, US_PER_S = 1000000 };

/* Splits into seconds and the rest, rounding down before 1970 too. */
static time_t
split(int64_t time_ns, long *ns)
{
	int64_t s = time_ns / NS_PER_S;

	*ns = (long)(time_ns % NS_PER_S);
	if (*ns < 0) {
		*ns += NS_PER_S;
		s--;
	}
	return (time_t)s;
}

static void
put_time(struct bytes *out, const struct tm *tm, const char *fmt)
{
	char s[64];

	if (strftime(s, sizeof(s), fmt, tm) > 0)
		bytes_puts(out, s);
}

void
units_iso(struct bytes *out, int64_t time_ns)
{
	struct tm tm = { 0 };
	long ns;
	time_t t = split(time_ns, &ns);

	gmtime_r(&t, &tm);
	put_time(out, &tm, "%Y-%m-%dT%H:%M:%S");
	bytes_printf(out, ".%09ldZ", ns);
}

void
units_local(struct bytes *out, int64_t time_ns)
{
	struct tm tm = { 0 };
	long ns;
	time_t t = split(time_ns, &ns);

	localtime_r(&t, &tm);
	put_time(out, &tm, "%Y-%m-%d %H:%M:%S");
	bytes_printf(out, ".%03ld", ns / 1000000);
}

void
units_local_short(struct bytes *out, int64_t time_ns, int64_t now_ns)
{
	struct tm tm = { 0 }, now = { 0 };
	long ns;
	time_t t = split(time_ns, &ns);
	time_t n = split(now_ns, &ns);

	localtime_r(&t, &tm);
	localtime_r(&n, &now);
	if (tm.tm_year == now.tm_year && tm.tm_yday == now.tm_yday)
		put_time(out, &tm, "%H:%M:%S");
	else
		put_time(out, &tm, "%m-%d %H:%M");
}

void
units_duration(struct bytes *out, int64_t us)
{
	int64_t s = us / US_PER_S;

	if (us < 0)
		bytes_puts(out, "-");
	else if (us < 1000)
		bytes_printf(out, "%" PRId64 "us", us);
	else if (us < US_PER_S)
		bytes_printf(out, "%" PRId64 "ms", us / 1000);
	else if (s < 10)
		bytes_printf(out, "%" PRId64 ".%02ds", s,
		    (int)(us % US_PER_S / 10000));
	else if (s < 60)
		bytes_printf(out, "%" PRId64 ".%ds", s,
		    (int)(us % US_PER_S / 100000));
	else if (s < 3600)
		bytes_printf(out, "%" PRId64 "m%02ds", s / 60, (int)(s % 60));
	else
		bytes_printf(out, "%" PRId64 "h%02dm", s / 3600,
		    (int)(s / 60 % 60));
}

void
units_ms(struct bytes *out, int64_t us)
{
	int64_t frac = us % 1000;
	unsigned digits = 3;

	bytes_printf(out, "%" PRId64, us / 1000);
	if (frac <= 0)
		return;
	for (; frac % 10 == 0; frac /= 10)
		digits--;
	bytes_printf(out, ".%0*" PRId64, (int)digits, frac);
}

void
units_count(struct bytes *out, int64_t n)
{
	if (n < 0)
		bytes_puts(out, "-");
	else
		bytes_printf(out, "%" PRId64, n);
}

void
units_grouped(struct bytes *out, int64_t n)
{
	char s[24];
	size_t len = (size_t)snprintf(s, sizeof(s), "%" PRId64, n);

	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			bytes_putc(out, ' ');
		bytes_putc(out, s[i]);
	}
}

void
units_size(struct bytes *out, int64_t n)
{
	static const char *const unit[] = { "KiB", "MiB", "GiB", "TiB" };
	double v = (double)n / 1024;
	size_t i = 0;

	if (n < 0) {
		bytes_puts(out, "-");
		return;
	}
	units_grouped(out, n);
	bytes_puts(out, n == 1 ? " byte" : " bytes");
	if (n < 64 * 1024)
		return;
	for (; v >= 1024 && i < 3; i++)
		v /= 1024;
	bytes_printf(out, " (%.1f %s)", v, unit[i]);
}
