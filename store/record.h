/* record.h - an exchange as bytes, and back.  The contract is store/FORMAT.md.
 *
 * Encoding is a version, the length of the rest, and fields (tag, length, bytes)
 * in rising tag order; a missing field is absent.  Decoding is total: any bytes
 * give an exchange or -1, and unknown tags are skipped.
 */
#ifndef TRACETAPE_STORE_RECORD_H
#define TRACETAPE_STORE_RECORD_H

#include "store/exchange.h"

enum { RECORD_VERSION = 1 };

/* Appends x to b.  seq is the key and is not in the value.  b->failed when there
 * is no memory, or when the record would have 4 GiB or more. */
void record_encode(struct bytes *b, const struct exchange *x);

/* Fills *x, whose slices then point into p; x->seq is 0.  0, or -1: not a
 * record, and *x holds nothing. */
int record_decode(struct exchange *x, const void *p, size_t n);

#endif
