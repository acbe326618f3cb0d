#include "store/status.h"

#include <string.h>

static const struct number {
	const char *key;
	size_t at;
} numbers[] = {
	{ "pid", offsetof(struct status, pid) },
	{ "started_ns", offsetof(struct status, started_ns) },
};

static const struct text {
	const char *key;
	size_t at;
} texts[] = {
	{ "http", offsetof(struct status, http) },
	{ "tls", offsetof(struct status, tls) },
	{ "upstream", offsetof(struct status, upstream) },
	{ "ca_dir", offsetof(struct status, ca_dir) },
	{ "intercept", offsetof(struct status, intercept) },
	{ "traces", offsetof(struct status, traces) },
	{ "auth", offsetof(struct status, auth) },
	{ "via", offsetof(struct status, via) },
};

enum {
	N_NUMBERS = sizeof(numbers) / sizeof(numbers[0]),
	N_TEXTS = sizeof(texts) / sizeof(texts[0]),
	ESCAPE_LEN = 4,			/* \xHH */
};

static int64_t *
number_of(const struct status *s, size_t i)
{
	return (int64_t *)(void *)((char *)s + numbers[i].at);
}

static struct slice *
text_of(const struct status *s, size_t i)
{
	return (struct slice *)(void *)((char *)s + texts[i].at);
}

void
status_init(struct status *s)
{
	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < N_NUMBERS; i++)
		*number_of(s, i) = -1;
}

static bool
must_escape(unsigned char c)
{
	return c < 0x20 || c == 0x7f || c == '\\';
}

static void
put_text(struct bytes *b, const char *key, struct slice v)
{
	bytes_printf(b, "%s=", key);
	for (size_t i = 0; i < v.len && v.p[i] != '\0'; i++) {
		unsigned char c = (unsigned char)v.p[i];

		if (must_escape(c))
			bytes_printf(b, "\\x%02x", c);
		else
			bytes_putc(b, c);
	}
	bytes_putc(b, '\n');
}

void
status_encode(struct bytes *b, const struct status *s)
{
	for (size_t i = 0; i < N_NUMBERS; i++)
		if (*number_of(s, i) >= 0)
			bytes_printf(b, "%s=%lld\n", numbers[i].key,
			    (long long)*number_of(s, i));
	for (size_t i = 0; i < N_TEXTS; i++)
		if (text_of(s, i)->p)
			put_text(b, texts[i].key, *text_of(s, i));
}

static int
hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that \xHH stands for, -1: v does not begin with one. */
static int
escaped(struct slice v)
{
	int high, low;

	if (v.len < ESCAPE_LEN || v.p[0] != '\\' || v.p[1] != 'x')
		return -1;
	high = hex_of(v.p[2]);
	low = hex_of(v.p[3]);
	if (high < 0 || low < 0 || !must_escape((unsigned char)(high * 16 + low)))
		return -1;
	return high * 16 + low;
}

/* Room for it in hold was made beforehand, so that nothing in there moves. */
static bool
take_text(struct slice *to, struct bytes *hold, struct slice v)
{
	size_t began = hold->len;

	while (v.len > 0) {
		bool is_plain = !must_escape((unsigned char)v.p[0]);
		int c = is_plain ? (unsigned char)v.p[0] : escaped(v);
		size_t used = is_plain ? 1 : ESCAPE_LEN;

		if (c <= 0)
			return false;
		bytes_putc(hold, c);
		v.p += used;
		v.len -= used;
	}
	bytes_putc(hold, '\0');
	*to = (struct slice){ (const char *)hold->p + began,
	    hold->len - began - 1 };
	return true;
}

static bool
take_number(int64_t *to, struct slice v)
{
	int64_t n = 0;

	for (size_t i = 0; i < v.len; i++) {
		int digit = v.p[i] - '0';

		if (digit < 0 || digit > 9 || n > (INT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*to = n;
	return v.len > 0;
}

static bool
key_is(struct slice key, const char *name)
{
	return key.len == strlen(name) && memcmp(key.p, name, key.len) == 0;
}

static bool
take_line(struct status *s, struct bytes *hold, struct slice line)
{
	const char *equals = memchr(line.p, '=', line.len);
	struct slice key, value;

	if (!equals)
		return false;
	key = (struct slice){ line.p, (size_t)(equals - line.p) };
	value = (struct slice){ equals + 1, line.len - key.len - 1 };
	for (size_t i = 0; i < N_NUMBERS; i++)
		if (key_is(key, numbers[i].key))
			return take_number(number_of(s, i), value);
	for (size_t i = 0; i < N_TEXTS; i++)
		if (key_is(key, texts[i].key))
			return take_text(text_of(s, i), hold, value);
	return true;
}

bool
status_decode(struct status *s, struct bytes *hold, struct slice value)
{
	bool ok;

	status_init(s);
	bytes_clear(hold);
	/* A value's own newline makes room for its NUL. */
	ok = value.len > 0 && bytes_reserve(hold, value.len);
	while (ok && value.len > 0) {
		const char *end = memchr(value.p, '\n', value.len);
		size_t n = end ? (size_t)(end - value.p) : 0;

		ok = end && take_line(s, hold, (struct slice){ value.p, n });
		value.p += n + 1;
		value.len -= ok ? n + 1 : 0;
	}
	if (!ok)
		status_init(s);
	return ok;
}
