/* watchers.h - descriptors that are told that something has changed, a byte each.
 *
 * Thread: any.
 */
#ifndef TRACETAPE_PROXY_WATCHERS_H
#define TRACETAPE_PROXY_WATCHERS_H

#include <pthread.h>
#include <stddef.h>

enum { WATCHERS_MAX = 64 };

struct watchers {
	pthread_mutex_t lock;
	int fd[WATCHERS_MAX];	/* under lock; borrowed */
	size_t n;
};

void watchers_init(struct watchers *w);
void watchers_fini(struct watchers *w);
void watchers_add(struct watchers *w, int fd);	/* of which there are too many: asserted */
void watchers_remove(struct watchers *w, int fd);
void watchers_tell(struct watchers *w);	/* a full pipe has been told */

#endif
