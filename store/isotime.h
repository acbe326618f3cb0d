/* isotime.h - a moment as RFC 3339 writes it, in ns since 1970. */
#ifndef TRACETAPE_STORE_ISOTIME_H
#define TRACETAPE_STORE_ISOTIME_H

#include "store/bytes.h"

/* "2026-11-21T10:04:07.013Z", also with +hh:mm or -hh:mm for Z, with any number of
 * digits behind the point (those past the ninth are cut) or no point.  A second 60
 * is the first one of the next minute.  -1: something else, a day that no month
 * has, or a moment before 1970 or from 2^63 ns on. */
int64_t isotime_ns(struct slice text);

#endif
