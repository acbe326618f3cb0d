/* error.h - why something in certs/ failed.
 *
 * Every `int rc` in certs/ is 0, or an errno value (positive), or one of these,
 * or a code of mbedTLS (negative, above -0x10000).
 */
#ifndef TRACETAPE_CERTS_ERROR_H
#define TRACETAPE_CERTS_ERROR_H

enum certs_error {
	CERTS_NO_CA = -0x10001,		/* neither ca.key nor ca.pem is there */
	CERTS_CA_HALF = -0x10002,	/* one of the two is missing */
	CERTS_DIR_SHARED = -0x10003,	/* others may write in the directory */
	CERTS_KEY_SHARED = -0x10004,	/* others may read ca.key */
	CERTS_KEY_BAD = -0x10005,	/* ca.key is damaged, or not P-256 */
	CERTS_CERT_BAD = -0x10006,	/* ca.pem is damaged */
	CERTS_CA_FOREIGN = -0x10007,	/* ca.pem is no name-constrained CA */
	CERTS_CA_MISMATCH = -0x10008,	/* ca.key is not the key of ca.pem */
	CERTS_CA_EXPIRED = -0x10009,
	CERTS_OUTSIDE = -0x1000a,	/* the CA may not speak for this host */
	CERTS_NAME = -0x1000b,		/* neither a host name nor an address */
	CERTS_PERMIT = -0x1000c,	/* not a list of names and addresses */
	CERTS_FILE_LARGE = -0x1000d,
	CERTS_LEAF_CERT = -0x1000e,	/* the operator's files: */
	CERTS_LEAF_KEY = -0x1000f,
	CERTS_LEAF_PASSWORD = -0x10010,
	CERTS_LEAF_MISMATCH = -0x10011,
	CERTS_NO_ROOTS = -0x10012,	/* no trust store found */
	CERTS_ROOTS_BAD = -0x10013,	/* no certificate, or a bad one */
};

/* One sentence for the operator, with the remedy where there is one.  Static. */
const char *certs_strerror(int rc);

#endif
