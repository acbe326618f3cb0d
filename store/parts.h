/* parts.h - values of table `body` that follow one another: parts of a side, or of a
 * squeezed block (store/FORMAT.md 4.2, 4.6).
 *
 * Errors: int rc, 0 or LMDB's codes; MDB_CORRUPTED for what no writer puts.
 */
#ifndef TRACETAPE_STORE_PARTS_H
#define TRACETAPE_STORE_PARTS_H

#include <lmdb.h>

#include "store/table.h"

/* Appends the values from key on, as far as they go on without a hole, up to a short
 * one, and n of them.  MDB_NOTFOUND: there is none.  MDB_CORRUPTED: a value is longer
 * than part_bytes.  key becomes the one behind the last. */
int parts_read(MDB_cursor *c, uint8_t key[BODY_KEY_LEN], size_t part_bytes,
    uint32_t n, struct bytes *b);

/* Is there a value at key? */
int parts_has(MDB_cursor *c, uint8_t key[BODY_KEY_LEN], bool *has);

/* Deletes the values from key on, as far as they go on, n at most. */
int parts_drop(MDB_cursor *c, uint8_t key[BODY_KEY_LEN], uint32_t n);

#endif
