#include "proxy/watchers.h"

#include <assert.h>
#include <unistd.h>

void
watchers_init(struct watchers *w)
{
	pthread_mutex_init(&w->lock, NULL);
	w->n = 0;
}

void
watchers_fini(struct watchers *w)
{
	pthread_mutex_destroy(&w->lock);
}

void
watchers_add(struct watchers *w, int fd)
{
	pthread_mutex_lock(&w->lock);
	assert(w->n < WATCHERS_MAX);
	w->fd[w->n++] = fd;
	pthread_mutex_unlock(&w->lock);
}

void
watchers_remove(struct watchers *w, int fd)
{
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->n; i++) {
		if (w->fd[i] != fd)
			continue;
		w->fd[i] = w->fd[--w->n];
		break;
	}
	pthread_mutex_unlock(&w->lock);
}

void
watchers_tell(struct watchers *w)
{
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->n; i++)
		(void)!write(w->fd[i], "", 1);
	pthread_mutex_unlock(&w->lock);
}
