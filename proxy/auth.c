#include "proxy/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mbedtls/base64.h>
#include <mbedtls/constant_time.h>
#include <mbedtls/platform_util.h>

#include "certs/error.h"
#include "certs/pemfile.h"
#include "proxy/config.h"
#include "store/sha256.h"

enum {
	CREDENTIALS_MAX = 4096,		/* bytes of "name:password" */
	FILE_MAX = 4 * 1024 * 1024,
	DIGEST = 32,
};

_Static_assert(CREDENTIALS_MAX == 4096 && AUTH_USERS_MAX == 4096,
    "fault_of and add_user name them");

struct user {
	uint8_t name[DIGEST];
	uint8_t credentials[DIGEST];	/* of "name:password" */
};

struct auth {
	struct user *user;
	size_t n;
};

/* Not the passwords themselves, so that all comparisons take the same time. */
static void
digest(const void *p, size_t len, uint8_t out[DIGEST])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, p, len);
	sha256_end(&s, out);
	mbedtls_platform_zeroize(&s, sizeof(s));
}

/* Bytes of the character of UTF-8 that p[0..len) begins with; 0: of none, or of a
 * control character, of which C1 has two bytes (RFC 3629 4). */
static size_t
character(const char *p, size_t len)
{
	const uint8_t *u = (const uint8_t *)p;
	static const uint32_t least[] = { 0, 0, 0xa0, 0x800, 0x10000 };
	size_t n = u[0] < 0x80 ? 1 : u[0] < 0xc0 ? 0 : u[0] < 0xe0 ? 2 :
	    u[0] < 0xf0 ? 3 : u[0] < 0xf8 ? 4 : 0;
	uint32_t c = n == 1 ? u[0] : u[0] & (0xffu >> (n + 1));

	if (n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (n == 1)
		return c >= 0x20 && c != 0x7f;
	return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}

static bool
is_text(const char *p, size_t len)
{
	for (size_t i = 0, n; i < len; i += n)
		if (!(n = character(p + i, len - i)))
			return false;
	return true;
}

static bool
has_control(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)p[i] < 0x20 || p[i] == 0x7f)
			return true;
	return false;
}

/* NULL, or what is wrong with a line. */
static const char *
fault_of(const char *p, size_t len)
{
	const char *colon = memchr(p, ':', len);
	size_t name = colon ? (size_t)(colon - p) : 0;

	if (!colon)
		return "no colon: give name:password";
	if (name == 0 || name + 1 == len)
		return "name or password is empty: give name:password";
	if (len > CREDENTIALS_MAX)
		return "the line is too long: give at most 4096 bytes";
	if (!is_text(p, name))
		return "the name has control characters or is no UTF-8";
	if (has_control(colon, len - name))
		return "the password has control characters";
	return NULL;
}

/* NULL, or why there is no such user now. */
static const char *
add_user(struct auth *a, const char *p, size_t len)
{
	const char *fault = fault_of(p, len);
	struct user u;

	if (fault)
		return fault;
	digest(p, (size_t)((const char *)memchr(p, ':', len) - p), u.name);
	digest(p, len, u.credentials);
	for (size_t i = 0; i < a->n; i++)
		if (memcmp(a->user[i].name, u.name, DIGEST) == 0)
			return "the name stands in an earlier line already";
	if (a->n == AUTH_USERS_MAX)
		return "too many names: give at most 4096";
	a->user[a->n++] = u;
	return NULL;
}

static bool __attribute__((format(printf, 2, 3)))
complain(char *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, CONFIG_ERROR_MAX, fmt, ap);
	va_end(ap);
	return false;
}

/* Lines end with LF, CR LF, or the file.  What they hold is never said. */
static bool
add_lines(struct auth *a, const char *file, const char *p, const char *end,
    char *err)
{
	static const char mark[] = "\xef\xbb\xbf";

	if (end - p >= 3 && memcmp(p, mark, 3) == 0)
		p += 3;
	for (int line = 1; p < end; line++) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((lf ? lf : end) - p);
		const char *fault = NULL;

		if (len > 0 && p[len - 1] == '\r')
			len--;
		if (len > 0 && p[0] != '#')
			fault = add_user(a, p, len);
		if (fault)
			return complain(err, "forward.auth_file: %.200s:%d: %s",
			    file, line, fault);
		p = lf ? lf + 1 : end;
	}
	return a->n > 0 || complain(err, "forward.auth_file: %.200s: nobody is in "
	    "it: give lines of name:password", file);
}

static bool
read_file(struct auth *a, const char *file, char *err)
{
	struct bytes b = { 0 };
	struct stat st;
	int rc = pemfile_read(&b, AT_FDCWD, file, FILE_MAX, &st);
	bool ok;

	if (rc)
		ok = complain(err, "forward.auth_file: %.200s: %s", file, rc < 0 ?
		    certs_strerror(rc) : rc == EINVAL ? "it is no file" :
		    strerror(rc));
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		ok = complain(err, "forward.auth_file: %.200s: it belongs to "
		    "another user, who could change it: chown it", file);
	else if ((st.st_mode & 077) != 0)
		ok = complain(err, "forward.auth_file: %.200s: others may read or "
		    "change it: chmod 600 it, and change the passwords if they "
		    "could", file);
	else
		ok = add_lines(a, file, (const char *)b.p,
		    (const char *)b.p + b.len, err);
	pemfile_wipe(&b);
	return ok;
}

struct auth *
auth_read(const char *file, char *err)
{
	struct auth *a = calloc(1, sizeof(*a));

	if (a)
		a->user = calloc(AUTH_USERS_MAX, sizeof(*a->user));
	if (!a || !a->user)
		complain(err, "no memory");
	else if (read_file(a, file, err))
		return a;
	auth_free(a);
	return NULL;
}

void
auth_free(struct auth *a)
{
	if (!a)
		return;
	if (a->user)
		mbedtls_platform_zeroize(a->user, a->n * sizeof(*a->user));
	free(a->user);
	free(a);
}

/* The base64 of "Basic base64"; p == NULL: it is none. */
static struct slice
token_of(struct slice value)
{
	static const struct slice scheme = { "Basic", 5 }, none = { NULL, 0 };
	struct slice head = { value.p, scheme.len };

	if (value.len <= scheme.len || !slice_eq_nocase(head, scheme) ||
	    value.p[scheme.len] != ' ')
		return none;
	value.p += scheme.len;
	value.len -= scheme.len;
	while (value.len > 0 && value.p[0] == ' ')
		value.p++, value.len--;
	while (value.len > 0 && (value.p[value.len - 1] == ' ' ||
	    value.p[value.len - 1] == '\t'))
		value.len--;
	return value;
}

/* All of RFC 4648 4, padding too: mbedTLS also takes line ends. */
static bool
is_base64(struct slice s)
{
	size_t n = s.len;

	if (n == 0 || n % 4 != 0)
		return false;
	for (int i = 0; i < 2; i++)
		n -= s.p[n - 1] == '=';
	for (size_t i = 0; i < n; i++) {
		char c = s.p[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    (c >= '0' && c <= '9') || c == '+' || c == '/'))
			return false;
	}
	return true;
}

/* Decodes to "name:password", of which *name bytes are the name.  0: broken. */
static size_t
credentials_of(struct slice value, uint8_t out[CREDENTIALS_MAX], size_t *name)
{
	struct slice token = token_of(value);
	const uint8_t *colon;
	size_t len;

	if (!token.p || !is_base64(token) || mbedtls_base64_decode(out,
	    CREDENTIALS_MAX, &len, (const uint8_t *)token.p, token.len) != 0)
		return 0;
	colon = memchr(out, ':', len);
	if (!colon)
		return 0;
	*name = (size_t)(colon - out);
	return len;
}

/* Looks at every user, so that its time says nothing about who is one. */
static bool
is_known(const struct auth *a, const uint8_t *credentials, size_t len)
{
	uint8_t given[DIGEST];
	unsigned known = 0;

	digest(credentials, len, given);
	for (size_t i = 0; i < a->n; i++)
		known |= mbedtls_ct_memcmp(a->user[i].credentials, given,
		    DIGEST) == 0;
	return known;
}

static void
put_label(const char *name, size_t len, char label[AUTH_LABEL_MAX])
{
	size_t out = 0;

	for (size_t i = 0, n; i < len; i += n ? n : 1) {
		n = character(name + i, len - i);
		if (out + n >= AUTH_LABEL_MAX)
			break;
		memcpy(label + out, name + i, n);
		out += n;
	}
	label[out] = '\0';
}

enum auth_verdict
auth_check(const struct auth *a, struct slice value, char label[AUTH_LABEL_MAX])
{
	uint8_t credentials[CREDENTIALS_MAX];
	enum auth_verdict verdict = AUTH_OK;
	size_t len, name = 0;

	label[0] = '\0';
	if (!value.p)
		return a ? AUTH_MISSING : AUTH_OK;
	len = credentials_of(value, credentials, &name);
	if (a && (len == 0 || !is_known(a, credentials, len)))
		verdict = AUTH_WRONG;
	else if (len > 0)
		put_label((const char *)credentials, name, label);
	mbedtls_platform_zeroize(credentials, sizeof(credentials));
	return verdict;
}
