/* log.h - one line per event on stderr: time, level, sentence, key=value.
 *
 * Thread:  any; a line is one write(2).
 * Secrets: never a body, a header value or a key.  Bytes from outside go through
 *          log_text, so that nobody can forge a line.
 */
#ifndef TRACETAPE_PROXY_LOG_H
#define TRACETAPE_PROXY_LOG_H

enum log_level {
	LOG_ERROR,	/* needs the operator now */
	LOG_WARN,
	LOG_INFO,	/* one line per connection, at its end */
	LOG_DEBUG,
};

enum { LOG_LINE_MAX = 1024 };

void log_set_level(enum log_level level);
int log_level_by_name(const char *name);	/* -1: no such level */
int log_wants(enum log_level level);

void log_line(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) \
	do { \
		if (log_wants(LOG_DEBUG)) \
			log_line(LOG_DEBUG, __VA_ARGS__); \
	} while (0)

#endif
