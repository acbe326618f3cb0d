/* answer.h - our own answers, shaped like the API's errors.  The connection ends with
 * them.
 *
 * Thread: the loop's.
 */
#ifndef TRACETAPE_PROXY_ANSWER_H
#define TRACETAPE_PROXY_ANSWER_H

struct conn;

/* Zeroed: nothing is refused. */
struct refusal {
	int status;
	const char *code;		/* error.code */
	const char *lines;		/* more of the head, with CRLFs; or NULL */
	char why[400];			/* error.message */
};

void answer_refusal(struct conn *c, const struct refusal *no);
void answer(struct conn *c, int status, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
