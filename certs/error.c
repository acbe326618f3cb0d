#include "certs/error.h"

#include <stddef.h>
#include <string.h>

#include "certs/mbed.h"

static const struct {
	int rc;
	const char *text;
} texts[] = {
	{ CERTS_NO_CA, "there is no CA yet: run `tracetape ca init`" },
	{ CERTS_CA_HALF, "of ca.key and ca.pem only one is there: put the other "
	    "back, or run `tracetape ca rotate` for a new CA" },
	{ CERTS_DIR_SHARED, "others may write in the directory of the CA: "
	    "chmod 700 it, and make sure that it is yours" },
	{ CERTS_KEY_SHARED, "ca.key is not yours alone: chown and chmod 600 it; if "
	    "others may have read it, run `tracetape ca rotate`" },
	{ CERTS_KEY_BAD, "ca.key is damaged or no P-256 key: put it back from a "
	    "copy, or run `tracetape ca rotate` for a new CA" },
	{ CERTS_CERT_BAD, "ca.pem is damaged: put it back from a copy, or run "
	    "`tracetape ca rotate` for a new CA" },
	{ CERTS_CA_FOREIGN, "ca.pem is not a name-constrained CA: move it away, or "
	    "run `tracetape ca rotate` for a new CA" },
	{ CERTS_CA_MISMATCH, "ca.key is not the key of ca.pem: put the right one "
	    "back, or run `tracetape ca rotate` for a new CA" },
	{ CERTS_CA_EXPIRED, "the CA has expired: run `tracetape ca rotate`" },
	{ CERTS_OUTSIDE, "the host is outside the name constraints of the CA: run "
	    "`tracetape ca rotate` for a CA that may speak for it" },
	{ CERTS_NAME, "this is neither a host name nor an IP address" },
	{ CERTS_PERMIT, "the hosts that a CA may speak for must be names, "
	    "*.names, addresses or networks: at least one, at most 256" },
	{ CERTS_FILE_LARGE, "the file is too large to be what it should be" },
	{ CERTS_LEAF_CERT, "the certificate file holds something that is not a "
	    "usable certificate" },
	{ CERTS_LEAF_KEY, "the key file holds no usable private key" },
	{ CERTS_LEAF_PASSWORD, "the key file has a password: store the key "
	    "without one, readable by you alone" },
	{ CERTS_LEAF_MISMATCH, "the key does not belong to the first certificate "
	    "of the certificate file" },
	{ CERTS_NO_ROOTS, "no trusted roots found: install ca-certificates, or "
	    "name a file of them" },
	{ CERTS_ROOTS_BAD, "the file of roots holds no certificate, or one that "
	    "is damaged or of a kind that mbedTLS does not know" },
};

const char *
certs_strerror(int rc)
{
	const char *text = NULL;

	if (rc == 0)
		return "success";
	if (rc > 0)
		return strerror(rc);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].rc == rc)
			return texts[i].text;
	if (rc > -0x8000) {
		text = mbedtls_high_level_strerr(rc);
		if (!text)
			text = mbedtls_low_level_strerr(rc);
	}
	return text ? text : "unknown error";
}
