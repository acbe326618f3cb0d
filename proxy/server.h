/* server.h - listeners, loops, signals: the proxy from start to end.
 *
 * Thread: the main thread's.
 */
#ifndef TRACETAPE_PROXY_SERVER_H
#define TRACETAPE_PROXY_SERVER_H

#include <stdio.h>
#include <sys/socket.h>

struct loop_shared;
struct server;

enum { SERVER_ERROR_MAX = 256 };

/* Binds the listeners of shared->config.  NULL: err names the address and why. */
struct server *server_new(const struct loop_shared *shared,
    char err[SERVER_ERROR_MAX]);

/* Prints "listening http://addr:port" for each listener, serves until SIGTERM,
 * SIGINT or SIGHUP, drains.  A second signal ends it at once.  0, or -1: the
 * loops could not start. */
int server_run(struct server *s, FILE *out);

/* Where it listens; lives as long as s. */
const struct sockaddr_storage *server_listening(const struct server *s,
    size_t *n);

void server_free(struct server *s);	/* safe on NULL */

#endif
