/* pool.h - idle upstream connections, to be used again.
 *
 * Thread: the loop's.  Bound: limits.pool; the oldest goes first.  Time:
 * timeouts.pool_ms.  A connection that says anything while idle, or ends, is
 * closed at once, so that what pool_take gives was alive a moment ago.
 */
#ifndef TRACETAPE_PROXY_POOL_H
#define TRACETAPE_PROXY_POOL_H

struct loop;
struct origin;
struct pool;
struct stream;

struct pool *pool_new(struct loop *l);
void pool_free(struct pool *p);		/* closes all; safe on NULL */

/* The one used last, the taker's now; NULL: none. */
struct stream *pool_take(struct pool *p, const struct origin *o);

/* Keeps s, or closes it. */
void pool_give(struct pool *p, const struct origin *o, struct stream *s);

/* Idle connections give back memory that they need not hold. */
void pool_tidy(struct pool *p);

#endif
