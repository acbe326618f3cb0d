#include "tools/canary_wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proxy/address.h"

/* What our callbacks tell mbedTLS, which hands it on: none of its own codes. */
enum { SSL_TIMEOUT = -0x20001, SSL_BROKEN = -0x20002 };

static const char *alpn[] = { "http/1.1", NULL };

int64_t
wire_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

static enum wire_rc __attribute__((format(printf, 3, 4)))
fail(struct wire *w, enum wire_rc rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->why, sizeof(w->why), fmt, ap);
	va_end(ap);
	return rc;
}

/* False: the deadline is over. */
static bool
await(const struct wire *w, short events)
{
	struct pollfd p = { .fd = w->fd, .events = events };

	for (;;) {
		int64_t left_ms = (w->until_ns - wire_now_ns()) / 1000000;
		int n;

		if (left_ms <= 0)
			return false;
		n = poll(&p, 1, left_ms > 60000 ? 60000 : (int)left_ms);
		if (n > 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			return true;	/* a fault shows at the next call */
	}
}

enum wire_rc
wire_open(struct wire *w, const char *address, int64_t until_ns)
{
	struct sockaddr_storage sa;
	socklen_t len, room = sizeof(int);
	int fault = 0, on = 1;

	memset(w, 0, sizeof(*w));
	w->fd = -1;
	w->until_ns = until_ns;
	if (!address_parse(address, &sa, &len))
		return fail(w, WIRE_CONNECT, "%s is no address", address);
	w->fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (w->fd < 0)
		return fail(w, WIRE_TROUBLE, "socket: %s", strerror(errno));
	/* Else the request, small as it is, waits for the handshake's last ACK. */
	setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(w->fd, (struct sockaddr *)&sa, len) == 0)
		return WIRE_OK;
	if (errno != EINPROGRESS)
		return fail(w, WIRE_CONNECT, "%s: %s", address, strerror(errno));
	if (!await(w, POLLOUT))
		return fail(w, WIRE_TIMEOUT, "%s does not accept connections",
		    address);
	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &fault, &room) != 0)
		fault = errno;
	return fault ? fail(w, WIRE_CONNECT, "%s: %s", address, strerror(fault)) :
	    WIRE_OK;
}

void
wire_close(struct wire *w)
{
	if (w->ssl) {
		mbedtls_ssl_close_notify(w->ssl);
		mbedtls_ssl_free(w->ssl);
		mbedtls_ssl_config_free(&w->conf);
		mbed_rng_fini(&w->rng);
		free(w->ssl);
		w->ssl = NULL;
	}
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

/* One turn of recv or send.  >= 0, or one of SSL_*. */
static ssize_t
recv_some(struct wire *w, void *p, size_t n)
{
	for (;;) {
		ssize_t got = recv(w->fd, p, n, 0);

		if (got >= 0)
			return got;
		if (errno != EAGAIN && errno != EINTR) {
			fail(w, WIRE_BROKEN, "%s", strerror(errno));
			return SSL_BROKEN;
		}
		if (!await(w, POLLIN))
			return SSL_TIMEOUT;
	}
}

static ssize_t
send_some(struct wire *w, const void *p, size_t n)
{
	for (;;) {
		ssize_t sent = send(w->fd, p, n, MSG_NOSIGNAL);

		if (sent >= 0)
			return sent;
		if (errno != EAGAIN && errno != EINTR) {
			fail(w, WIRE_BROKEN, "%s", strerror(errno));
			return SSL_BROKEN;
		}
		if (!await(w, POLLOUT))
			return SSL_TIMEOUT;
	}
}

static int
on_ssl_recv(void *arg, unsigned char *p, size_t n)
{
	return (int)recv_some(arg, p, n);
}

static int
on_ssl_send(void *arg, const unsigned char *p, size_t n)
{
	return (int)send_some(arg, p, n);
}

static enum wire_rc
fail_ssl(struct wire *w, int rc, const char *doing)
{
	char text[160];

	if (rc == SSL_TIMEOUT)
		return fail(w, WIRE_TIMEOUT, "no answer in time while %s", doing);
	if (rc == SSL_BROKEN)
		return WIRE_BROKEN;		/* w->why is there */
	mbedtls_strerror(rc, text, sizeof(text));
	return fail(w, WIRE_BROKEN, "TLS failed while %s: %s", doing, text);
}

/* Who signed what is shown, for words about it. */
static int
on_verify(void *arg, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct wire *w = arg;

	(void)flags;
	if (depth == 0 && mbedtls_x509_dn_gets(w->issuer, sizeof(w->issuer),
	    &crt->issuer) < 0)
		w->issuer[0] = '\0';
	return 0;
}

static enum wire_rc
fail_verify(struct wire *w, const char *host)
{
	uint32_t bad = mbedtls_ssl_get_verify_result(w->ssl);
	const char *what = "is not acceptable";

	if (bad & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
		return fail(w, WIRE_UNTRUSTED, "the certificate for %s is signed by "
		    "%s", host, w->issuer[0] ? w->issuer : "nobody");
	if (bad & MBEDTLS_X509_BADCERT_EXPIRED)
		what = "has expired";
	else if (bad & MBEDTLS_X509_BADCERT_FUTURE)
		what = "is not valid yet";
	else if (bad & MBEDTLS_X509_BADCERT_CN_MISMATCH)
		what = "is for another name";
	return fail(w, WIRE_CERTIFICATE, "the certificate shown for %s %s", host,
	    what);
}

static int
set_up(struct wire *w, const char *host, mbedtls_x509_crt *roots)
{
	int rc = mbed_rng_init(&w->rng, "tracetape doctor");

	if (rc == 0)
		rc = mbedtls_ssl_config_defaults(&w->conf, MBEDTLS_SSL_IS_CLIENT,
		    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
	if (rc)
		return rc;
	mbedtls_ssl_conf_rng(&w->conf, mbedtls_ctr_drbg_random, &w->rng.drbg);
	mbed_conf_versions(&w->conf);
	mbed_conf_groups(&w->conf);
	mbedtls_ssl_conf_authmode(&w->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ca_chain(&w->conf, roots, NULL);
	mbedtls_ssl_conf_verify(&w->conf, on_verify, w);
	rc = mbedtls_ssl_conf_alpn_protocols(&w->conf, alpn);
	if (rc == 0)
		rc = mbedtls_ssl_setup(w->ssl, &w->conf);
	if (rc == 0)
		rc = mbedtls_ssl_set_hostname(w->ssl, host);
	mbedtls_ssl_set_bio(w->ssl, w, on_ssl_send, on_ssl_recv, NULL);
	return rc;
}

enum wire_rc
wire_secure(struct wire *w, const char *host, mbedtls_x509_crt *roots)
{
	const char *got;
	int rc;

	w->ssl = malloc(sizeof(*w->ssl));
	if (!w->ssl)
		return fail(w, WIRE_TROUBLE, "no memory for TLS");
	mbedtls_ssl_init(w->ssl);
	mbedtls_ssl_config_init(&w->conf);
	rc = set_up(w, host, roots);
	if (rc)
		return fail(w, WIRE_TROUBLE, "TLS could not be set up (-0x%x)",
		    (unsigned)-rc);
	do
		rc = mbedtls_ssl_handshake(w->ssl);
	while (rc == MBEDTLS_ERR_SSL_WANT_READ || rc == MBEDTLS_ERR_SSL_WANT_WRITE ||
	    mbed_is_ticket(rc));
	if (rc == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED)
		return fail_verify(w, host);
	if (rc)
		return fail_ssl(w, rc, "shaking hands");
	got = mbedtls_ssl_get_alpn_protocol(w->ssl);
	if (!got || strcmp(got, alpn[0]) != 0)
		return fail(w, WIRE_BROKEN, "ALPN did not choose http/1.1");
	return WIRE_OK;
}

enum wire_rc
wire_send(struct wire *w, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	while (n > 0) {
		ssize_t sent = w->ssl ? mbedtls_ssl_write(w->ssl, p, n) :
		    send_some(w, p, n);

		if (sent == MBEDTLS_ERR_SSL_WANT_READ ||
		    sent == MBEDTLS_ERR_SSL_WANT_WRITE ||
		    (sent < 0 && mbed_is_ticket((int)sent)))
			continue;
		if (sent < 0)
			return fail_ssl(w, (int)sent, "sending");
		p += sent;
		n -= (size_t)sent;
	}
	return WIRE_OK;
}

ssize_t
wire_recv(struct wire *w, void *p, size_t cap)
{
	ssize_t got;

	do
		got = w->ssl ? mbedtls_ssl_read(w->ssl, p, cap) :
		    recv_some(w, p, cap);
	while (got == MBEDTLS_ERR_SSL_WANT_READ ||
	    got == MBEDTLS_ERR_SSL_WANT_WRITE ||
	    (got < 0 && mbed_is_ticket((int)got)));
	if (got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		return 0;
	return got < 0 ? fail_ssl(w, (int)got, "waiting for an answer") : got;
}
