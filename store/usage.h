/* usage.h - token counts out of the API's usage objects: those of responses,
 * chat completions and embeddings, which name the same things differently.
 */
#ifndef TRACETAPE_STORE_USAGE_H
#define TRACETAPE_STORE_USAGE_H

#include "store/exchange.h"

/* Every field of *u is written; what raw does not say is -1.  raw may be missing,
 * null or malformed: then all are. */
void usage_read(struct slice raw, struct usage *u);

#endif
