/* route.h - where a request goes, and whether it may.
 *
 * Thread: the loop's.
 */
#ifndef TRACETAPE_PROXY_ROUTE_H
#define TRACETAPE_PROXY_ROUTE_H

#include <stdbool.h>

struct conn;
struct http1_head;
struct origin;
struct refusal;

/* Sets c's origin, mode and label for the request h. */
void route(struct conn *c, const struct http1_head *h, struct refusal *no);
void route_default(struct conn *c);	/* when no head tells */

/* Asks for what needs a password and has shown none yet: nothing that it sends is kept,
 * or it could fill the disk. */
bool route_is_stranger(const struct conn *c);

/* True when o is one of our own listeners: HTTP_PROXY and a base URL may both name
 * us. */
bool route_is_ours(const struct conn *c, const struct origin *o);

/* False: *no says why. */
bool route_may_tunnel(struct conn *c, const struct origin *o,
    struct refusal *no);
bool route_knows_client(struct conn *c, const struct http1_head *h,
    struct refusal *no);

#endif
