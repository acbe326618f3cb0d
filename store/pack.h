/* pack.h - the small sides of an exchange in one value (store/FORMAT.md 4.2).
 *
 * Errors: decoding is total: any bytes give a side, none, or -1.
 */
#ifndef TRACETAPE_STORE_PACK_H
#define TRACETAPE_STORE_PACK_H

#include "store/exchange.h"

/* How long the pack of these is; sides without bytes are not in it. */
size_t pack_len(const struct slice side[SIDE_N]);

/* Writes the pack to p, pack_len bytes. */
void pack_put(uint8_t *p, const struct slice side[SIDE_N]);

/* Finds a side in p[0..n); *bytes then points into p, and is missing when the side
 * is not there.  0, or -1: this is no pack. */
int pack_get(const void *p, size_t n, enum side side, struct slice *bytes);

#endif
