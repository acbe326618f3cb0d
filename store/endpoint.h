/* endpoint.h - which API call a request is, by its method and target.
 *
 * Bases differ: with or without /v1, with a prefix, with a query of their own, or
 * absolute-form.  So only the end of the path decides.
 */
#ifndef TRACETAPE_STORE_ENDPOINT_H
#define TRACETAPE_STORE_ENDPOINT_H

#include "store/exchange.h"

/* *id: the response id that the path names, as it stands there; missing when the
 * endpoint has none. */
enum endpoint endpoint_of(struct slice method, struct slice target,
    struct slice *id);

/* target without the scheme and the authority that absolute-form has in front. */
struct slice endpoint_path(struct slice target);

#endif
