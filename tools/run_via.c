#include "tools/run_via.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/address.h"
#include "proxy/config.h"
#include "proxy/network.h"
#include "proxy/via.h"
#include "tools/block.h"

static const char separators[] = ", \t\n";

enum {
	ENTRY_MAX = 150,		/* what fits into a line of a configuration */
	URL_MAX = 180,
};

/* A proxy of this machine that has ended, such as the one of an `env` of before. */
static bool
is_gone(const struct origin *proxy)
{
	struct sockaddr_storage sa;
	struct origin o = *proxy;
	char text[ORIGIN_AUTHORITY_MAX];
	socklen_t len;
	bool refused;
	int fd;

	if (strcmp(o.host, "localhost") == 0)
		memcpy(o.host, "127.0.0.1", sizeof("127.0.0.1"));
	origin_name(&o, text);
	if (!address_parse(text, &sa, &len) ||
	    !address_is_loopback((struct sockaddr *)&sa))
		return false;
	fd = socket(sa.ss_family, SOCK_STREAM, 0);
	if (fd < 0)
		return false;
	refused = connect(fd, (struct sockaddr *)&sa, len) != 0 &&
	    errno == ECONNREFUSED;
	close(fd);
	return refused;
}

/* ":port" is not for upstream.no_via; an IPv6 address has more colons than one. */
static size_t
without_port(const char *entry, size_t len)
{
	const char *colon = memchr(entry, ':', len);

	if (!colon || memchr(colon + 1, ':', len - (size_t)(colon + 1 - entry)))
		return len;
	return (size_t)(colon - entry);
}

/* Could it be a name, and of what length?  Addresses and networks are none. */
static bool
is_name(const char *p, size_t len)
{
	static const char may[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRS"
	    "TUVWXYZ0123456789-.";
	bool has_letter = false;

	for (size_t i = 0; i < len; i++) {
		if (!strchr(may, p[i]))
			return false;
		has_letter |= strchr(may, p[i]) - may < 52;
	}
	return has_letter && p[0] != '.' && p[0] != '-' && p[len - 1] != '.' &&
	    p[len - 1] != '-' && !memmem(p, len, "..", 2);
}

static bool
is_numeric(const char *p, size_t len)
{
	char text[ENTRY_MAX + 1], why[NETWORK_WHY_MAX];
	struct network n;

	memcpy(text, p, len);
	text[len] = '\0';
	return network_parse(&n, text, why);
}

/* To most clients "a.example", ".a.example" and "*.a.example" mean a.example and
 * what is below it.  Returns how many lines it made. */
static int
put_entry(struct bytes *out, const char *p, size_t len)
{
	len = without_port(p, len);
	if (len > 0 && *p == '*') {
		p++;
		len--;
	}
	if (len > 0 && *p == '.') {
		p++;
		len--;
	}
	if (len == 0 || len > ENTRY_MAX)
		return 0;
	if (is_name(p, len)) {
		bytes_printf(out, "no_via = %.*s\nno_via = *.%.*s\n", (int)len, p,
		    (int)len, p);
		return 2;
	}
	if (!is_numeric(p, len))
		return 0;
	bytes_printf(out, "no_via = %.*s\n", (int)len, p);
	return 1;
}

bool
run_via_put_no(struct bytes *config, const char *no_proxy)
{
	const char *p = no_proxy ? no_proxy : "";
	int n = 0;

	for (p += strspn(p, separators); *p; p += strspn(p, separators)) {
		size_t len = strcspn(p, separators);

		if (len == 1 && *p == '*')
			return false;
		if (n + 2 <= CONFIG_LIST_MAX)
			n += put_entry(config, p, len);
		p += len;
	}
	return true;
}

static bool
put_via(struct bytes *config, const char *url, const char **why)
{
	bool has_scheme = strstr(url, "://") != NULL;
	struct bytes no_via = { 0 }, full = { 0 };
	struct via via;
	bool ok = false;

	/* curl and others take "host:port" for http. */
	bytes_printf(&full, "%s%s", has_scheme ? "" : "http://", url);
	bytes_putc(&full, '\0');
	if (full.failed) {
		*why = "no memory";
	} else if (full.len > URL_MAX) {
		*why = "it is too long: put it into a file for -c, as upstream.via";
	} else if (via_parse(&via, (char *)full.p, why)) {
		ok = true;
		*why = NULL;
		if (is_gone(&via.proxy))
			*why = "nobody listens there";
		else if (run_via_put_no(&no_via,
		    block_getenv("no_proxy", "NO_PROXY")))
			bytes_printf(config, "[upstream]\nvia = %s\n%.*s",
			    (char *)full.p, (int)no_via.len, (char *)no_via.p);
	}
	bytes_fini(&no_via);
	bytes_fini(&full);
	return ok;
}

bool
run_via_put(struct bytes *config, const char **why)
{
	const char *url = block_way_out();

	*why = NULL;
	return !url || put_via(config, url, why);
}
