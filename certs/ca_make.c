#include "certs/ca_make.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "certs/ca.h"

/* Two CAs of one user, or of two machines, must differ in name: clients choose the
 * issuer by it. */
static int
make_cn(char cn[CERT_CN_MAX + 1], struct mbed_rng *rng)
{
	char host[40];
	uint8_t r[4];
	int rc = mbed_rng_fill(rng, r, sizeof(r));

	if (gethostname(host, sizeof(host)) < 0)
		snprintf(host, sizeof(host), "localhost");
	host[sizeof(host) - 1] = '\0';
	for (char *p = host; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '.')
			*p = '-';
	snprintf(cn, CERT_CN_MAX + 1, "tracetape CA (%s, %02x%02x%02x%02x)",
	    host, r[0], r[1], r[2], r[3]);
	return rc;
}

static int
write_cert(struct bytes *pem, mbedtls_pk_context *key, struct mbed_rng *rng,
    const struct name *permitted, size_t n)
{
	struct cert c = { .kind = CERT_CA, .names = permitted, .n_names = n };
	struct bytes subject = { 0 }, der = { 0 };
	char cn[CERT_CN_MAX + 1];
	int rc = make_cn(cn, rng);

	cert_put_name(&subject, cn);
	c.issuer = c.subject = bytes_slice(&subject);
	c.not_before = time(NULL) - CA_BACKDATE_S;
	c.not_after = c.not_before + CA_DAYS * (time_t)86400 - 1;
	if (rc == 0)
		rc = cert_make_serial(&c, rng);
	if (rc == 0)
		rc = mbed_pk_point(key, c.point);
	if (rc == 0)
		rc = subject.failed ? ENOMEM : cert_write(&der, &c, key, rng);
	if (rc == 0)
		cert_put_pem(pem, bytes_slice(&der));
	bytes_fini(&subject);
	bytes_fini(&der);
	return rc == 0 && pem->failed ? ENOMEM : rc;
}

int
ca_make(const struct ca_files *f, const struct name *permitted, size_t n)
{
	struct bytes cert = { 0 };
	unsigned char key_pem[512];
	mbedtls_pk_context key;
	struct mbed_rng rng;
	int rc = mbed_rng_init(&rng, "tracetape ca key");

	mbedtls_pk_init(&key);
	if (rc == 0)
		rc = mbed_pk_generate(&key, MBEDTLS_PK_ECKEY, &rng);
	if (rc == 0)
		rc = mbedtls_pk_write_key_pem(&key, key_pem, sizeof(key_pem));
	if (rc == 0)
		rc = write_cert(&cert, &key, &rng, permitted, n);
	if (rc == 0)
		rc = ca_files_write(f, (struct slice){ (char *)key_pem,
		    strlen((char *)key_pem) }, bytes_slice(&cert));
	mbedtls_platform_zeroize(key_pem, sizeof(key_pem));
	mbedtls_pk_free(&key);
	mbed_rng_fini(&rng);
	bytes_fini(&cert);
	return rc;
}
