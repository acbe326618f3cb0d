/* empty_records.c - a TLS client that sends N empty records in front of a request, as
 * some libraries do against attacks on CBC; Node cannot.
 *
 *	empty_records PORT N
 *
 * Prints what is answered until the peer is done.
 */
#include <stdio.h>
#include <stdlib.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>

static const unsigned char request[] =
    "GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

static void
check(int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "empty_records: %s: -0x%x\n", what, (unsigned)-rc);
	exit(1);
}

static void
converse(mbedtls_ssl_context *ssl, int empty)
{
	unsigned char b[4096];
	int n;

	check(mbedtls_ssl_handshake(ssl), "handshake");
	for (int i = 0; i < empty; i++)
		check(mbedtls_ssl_write(ssl, request, 0), "empty record");
	check(mbedtls_ssl_write(ssl, request, sizeof(request) - 1), "request");
	while ((n = mbedtls_ssl_read(ssl, b, sizeof(b))) > 0)
		fwrite(b, 1, (size_t)n, stdout);
}

int
main(int argc, char **argv)
{
	mbedtls_net_context net;
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config config;
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context rng;

	if (argc != 3)
		return 2;
	mbedtls_net_init(&net);
	mbedtls_ssl_init(&ssl);
	mbedtls_ssl_config_init(&config);
	mbedtls_entropy_init(&entropy);
	mbedtls_ctr_drbg_init(&rng);
	check(mbedtls_ctr_drbg_seed(&rng, mbedtls_entropy_func, &entropy, NULL, 0), "seed");
	check(mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT,
	    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT), "config");
	mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_NONE);
	mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &rng);
	check(mbedtls_ssl_setup(&ssl, &config), "setup");
	check(mbedtls_ssl_set_hostname(&ssl, "localhost"), "name");
	check(mbedtls_net_connect(&net, "127.0.0.1", argv[1], MBEDTLS_NET_PROTO_TCP), "connect");
	mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
	converse(&ssl, atoi(argv[2]));
	return 0;
}
