#include "certs/name.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/error.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_label_char(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

/* Resolvers read a name whose last label is a number as an address (127.1,
 * 0x7f.1), so no certificate may carry one as a name. */
static bool
is_number(const char *label)
{
	if (label[0] == '0' && label[1] == 'x')
		return label[2 + strspn(label + 2, "0123456789abcdef")] == '\0';
	return label[strspn(label, "0123456789")] == '\0';
}

static bool
is_dns(const char *s)
{
	const char *label = s;
	size_t len;

	for (;;) {
		for (len = 0; is_label_char(label[len]); len++)
			;
		if (len == 0 || len > 63 || label[0] == '-' ||
		    label[len - 1] == '-')
			return false;
		if (label[len] == '\0')
			return !is_number(label);
		if (label[len] != '.')
			return false;
		label += len + 1;
	}
}

static bool
set_dns(struct name *n, const char *text)
{
	size_t len = strlen(text);

	if (len > 1 && text[len - 1] == '.')
		len--;
	if (len > NAME_DNS_MAX)
		return false;
	memset(n, 0, sizeof(*n));
	n->kind = NAME_DNS;
	for (size_t i = 0; i < len; i++)
		n->dns[i] = text[i] >= 'A' && text[i] <= 'Z' ?
		    (char)(text[i] | 0x20) : text[i];
	return is_dns(n->dns);
}

static bool
set_ip(struct name *n, const char *text, size_t len)
{
	char buf[INET6_ADDRSTRLEN];

	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
		if (!memchr(text, ':', len))
			return false;
	}
	if (len >= sizeof(buf))
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	memset(n, 0, sizeof(*n));
	n->kind = NAME_IP;
	if (inet_pton(AF_INET, buf, n->ip) == 1)
		n->ip_len = 4;
	else if (inet_pton(AF_INET6, buf, n->ip) == 1)
		n->ip_len = 16;
	memset(n->mask, 0xff, n->ip_len);
	return n->ip_len > 0;
}

int
name_host(struct name *n, const char *text)
{
	if (set_ip(n, text, strlen(text)) || set_dns(n, text))
		return 0;
	return CERTS_NAME;
}

/* bits: decimal without sign or leading zero, as strtoul would also take. */
static bool
set_network(struct name *n, const char *bits)
{
	size_t digits = strspn(bits, "0123456789");
	unsigned long len;

	if (digits == 0 || digits > 3 || bits[digits] != '\0' ||
	    (bits[0] == '0' && digits > 1))
		return false;
	len = strtoul(bits, NULL, 10);
	if (len > n->ip_len * 8)
		return false;
	for (size_t i = 0; i < n->ip_len; i++) {
		size_t ones = len > i * 8 ? len - i * 8 : 0;

		n->mask[i] = ones >= 8 ? 0xff : (uint8_t)(0xff00 >> ones);
		n->ip[i] &= n->mask[i];
	}
	return true;
}

int
name_set(struct name *n, const char *text)
{
	const char *slash = strchr(text, '/');
	bool ok;

	if (slash)
		ok = set_ip(n, text, (size_t)(slash - text)) &&
		    set_network(n, slash + 1);
	else if (strncmp(text, "*.", 2) == 0)
		ok = set_dns(n, text + 2);
	else
		ok = name_host(n, text) == 0;
	return ok ? 0 : CERTS_PERMIT;
}

static bool
is_under(const char *name, const char *domain)
{
	size_t len = strlen(name), under = strlen(domain);

	if (len == under)
		return strcmp(name, domain) == 0;
	return len > under && name[len - under - 1] == '.' &&
	    strcmp(name + len - under, domain) == 0;
}

bool
name_is_within(const struct name *host, const struct name *set)
{
	if (host->kind != set->kind)
		return false;
	if (set->kind == NAME_DNS)
		return is_under(host->dns, set->dns);
	if (host->ip_len != set->ip_len)
		return false;
	for (size_t i = 0; i < set->ip_len; i++)
		if ((host->ip[i] & set->mask[i]) != set->ip[i] ||
		    (set->mask[i] & ~host->mask[i]) != 0)
			return false;
	return true;
}

bool
name_is_covered(const struct name *name, const struct name *by, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (name_is_within(name, &by[i]))
			return true;
	return false;
}

/* Leaves out what another entry covers: "*.a.example" beside "a.example". */
int
name_sets(struct name **out, size_t *n_out, const char *const *text,
    size_t n)
{
	struct name *names;

	*out = NULL;
	*n_out = 0;
	if (n == 0 || n > NAME_SETS_MAX)
		return CERTS_PERMIT;
	names = calloc(n, sizeof(*names));
	if (!names)
		return ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (name_set(&names[*n_out], text[i]) != 0) {
			free(names);
			return CERTS_PERMIT;
		}
		if (!name_is_covered(&names[*n_out], names, *n_out))
			++*n_out;
	}
	*out = names;
	return 0;
}

static int
mask_bits(const struct name *n)
{
	int bits = 0;

	for (size_t i = 0; i < n->ip_len; i++)
		bits += __builtin_popcount(n->mask[i]);
	return bits;
}

void
name_print(const struct name *n, char text[NAME_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN];
	int bits;

	if (n->kind == NAME_DNS) {
		snprintf(text, NAME_TEXT_MAX, "%s", n->dns);
		return;
	}
	bits = mask_bits(n);
	inet_ntop(n->ip_len == 4 ? AF_INET : AF_INET6, n->ip, ip, sizeof(ip));
	if (bits == (int)n->ip_len * 8)
		snprintf(text, NAME_TEXT_MAX, "%s", ip);
	else
		snprintf(text, NAME_TEXT_MAX, "%s/%d", ip, bits);
}
