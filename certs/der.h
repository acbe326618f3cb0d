/* der.h - DER (X.690), as much of it as certificates need.
 *
 * Writing: into bytes, whose sticky `failed` is checked once at the end.
 * Reading: over borrowed bytes with a sticky failure of its own: after the first
 *          thing that is not as asked for, everything comes out empty.
 */
#ifndef TRACETAPE_CERTS_DER_H
#define TRACETAPE_CERTS_DER_H

#include <time.h>

#include "store/bytes.h"

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_OID = 0x06,
	DER_UTF8_STRING = 0x0c,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
};

/* Context-specific tags: a primitive value, or one made of others. */
#define DER_CONTEXT(n) (0x80 | (n))
#define DER_CONTEXT_OF(n) (0xa0 | (n))

/* Opens and closes a value; what is put in between is its content. */
size_t der_begin(struct bytes *b, int tag);
void der_end(struct bytes *b, size_t begin);

void der_put(struct bytes *b, int tag, const void *p, size_t n);
void der_put_true(struct bytes *b);
/* n > 0 bytes, most significant first. */
void der_put_unsigned(struct bytes *b, const uint8_t *p, size_t n);
/* unused: bits at the end of the last byte that do not count. */
void der_put_bits(struct bytes *b, const void *p, size_t n, int unused);
/* As RFC 5280 4.1.2.5 wants it: UTCTime until 2049. */
void der_put_time(struct bytes *b, time_t t);

struct der {
	const uint8_t *p;
	const uint8_t *end;
	bool failed;
};

struct der der_over(const void *p, size_t n);
bool der_is_at_end(const struct der *d);
bool der_next_is(const struct der *d, int tag);

/* The content of the next value, which must have this tag. */
struct der der_take(struct der *d, int tag);
/* All of it, with tag and length. */
struct slice der_take_whole(struct der *d, int tag);
/* What is left. */
struct slice der_rest(const struct der *d);
/* The bytes of a bit string of whole bytes. */
struct slice der_take_bits(struct der *d);
time_t der_take_time(struct der *d);
bool der_take_true(struct der *d);	/* absent is false (DEFAULT FALSE) */
bool der_oid_is(struct der *d, struct slice oid);	/* takes it */

#endif
