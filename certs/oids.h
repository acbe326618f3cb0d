/* oids.h - the object identifiers that our certificates use, encoded without tag
 * and length.
 */
#ifndef TRACETAPE_CERTS_OIDS_H
#define TRACETAPE_CERTS_OIDS_H

#include "store/bytes.h"

#define OID_ECDSA_SHA256 SLICE("\x2a\x86\x48\xce\x3d\x04\x03\x02")	/* RFC 5758 */
#define OID_EC_PUBLIC_KEY SLICE("\x2a\x86\x48\xce\x3d\x02\x01")	/* RFC 5480 */
#define OID_P256 SLICE("\x2a\x86\x48\xce\x3d\x03\x01\x07")
#define OID_COMMON_NAME SLICE("\x55\x04\x03")			/* X.520 */
#define OID_ORGANIZATION SLICE("\x55\x04\x0a")
#define OID_SUBJECT_KEYID SLICE("\x55\x1d\x0e")			/* RFC 5280 */
#define OID_KEY_USAGE SLICE("\x55\x1d\x0f")
#define OID_SUBJECT_ALT_NAME SLICE("\x55\x1d\x11")
#define OID_BASIC_CONSTRAINTS SLICE("\x55\x1d\x13")
#define OID_NAME_CONSTRAINTS SLICE("\x55\x1d\x1e")
#define OID_AUTHORITY_KEYID SLICE("\x55\x1d\x23")
#define OID_EXT_KEY_USAGE SLICE("\x55\x1d\x25")
#define OID_SERVER_AUTH SLICE("\x2b\x06\x01\x05\x05\x07\x03\x01")

#endif
