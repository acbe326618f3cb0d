#include "tools/run_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tools/run.h"

enum { REFUSALS_MAX = 5 };

void
run_log_init(struct run_log *l, int fd)
{
	memset(l, 0, sizeof(*l));
	l->fd = fd;
	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void
run_log_close(struct run_log *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

/* What follows time and level in a line of the log; NULL: it is of another level, or
 * none of the log's. */
static const char *
of_level(const char *line, const char *level)
{
	const char *word = strchr(line, ' ');
	size_t len = strlen(level);

	if (!word || line[0] < '0' || line[0] > '9' ||
	    strncmp(word + 1, level, len) != 0 || word[1 + len] != ' ')
		return NULL;
	return word + len + 2;
}

/* What a program says of itself before it has a log: "tracetape proxy: ...". */
static const char *
own_words(const char *line)
{
	static const char front[] = "tracetape proxy: ";
	size_t len = sizeof(front) - 1;

	return strncmp(line, front, len) == 0 ? line + len : NULL;
}

static void
keep(char to[RUN_LINE_MAX], const char *text)
{
	size_t len = strnlen(text, RUN_LINE_MAX - 1);

	memcpy(to, text, len);
	to[len] = '\0';
}

/* TLS clients say it by an alert (RFC 8446 6.2), or just leave; proxy/conn.c guesses.
 * mbedTLS does not tell by which alert, but there is little else that a client says
 * to a certificate. */
static bool
is_distrust(const char *line)
{
	const char *warn = of_level(line, "warn");

	return warn && strstr(warn, "TLS with the client failed") &&
	    (strstr(warn, "alert") || strstr(warn, "trust our CA"));
}

/* Such as `warn ... code=tunnel_port why="..."`.  A program that calls one host again
 * and again is told once. */
static void
on_refusal(struct run_log *l, const char *line)
{
	const char *warn = of_level(line, "warn"), *why;
	char text[RUN_LINE_MAX];

	if (!warn || (!strstr(warn, " code=tunnel_") &&
	    !strstr(warn, " code=forbidden_")) || !(why = strstr(warn, "why=\"")))
		return;
	keep(text, why + 5);
	text[strcspn(text, "\"")] = '\0';
	if (l->n_refused == REFUSALS_MAX || strcmp(text, l->refused) == 0)
		return;
	keep(l->refused, text);
	l->n_refused++;
	run_say("the proxy refused a tunnel: %s", text);
}

static void
on_line(struct run_log *l, const char *line)
{
	const char *error = of_level(line, "error");

	if (!error)
		error = own_words(line);
	if (is_distrust(line))
		l->n_distrusted++;
	on_refusal(l, line);
	if (error && l->is_starting)
		keep(l->error, error);
	else if (error)
		run_say("%s", error);
}

/* A line that is too long is cut. */
static void
feed(struct run_log *l, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n') {
			l->line[l->len] = '\0';
			on_line(l, l->line);
			l->len = 0;
		} else if (l->len < RUN_LINE_MAX - 1 && p[i] != '\0') {
			l->line[l->len++] = p[i];
		}
	}
}

void
run_log_read(struct run_log *l)
{
	char buf[4096];
	ssize_t n;

	while (l->fd >= 0) {
		n = read(l->fd, buf, sizeof(buf));
		if (n > 0)
			feed(l, buf, (size_t)n);
		else if (n == 0)
			run_log_close(l);
		else if (errno != EINTR)
			return;
	}
}
