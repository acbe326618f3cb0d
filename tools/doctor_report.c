#include "tools/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/json.h"
#include "tools/term.h"

struct report {
	bool is_json;
	int n[VERDICT_FAIL + 1];
	struct term term;
	struct bytes out;	/* JSON so far */
	struct bytes told;	/* remedies so far, each with a NUL */
};

static const struct {
	const char *name;
	enum term_colour colour;
} verdicts[] = {
	[VERDICT_OK] = { "ok", TERM_GREEN },
	[VERDICT_INFO] = { "info", TERM_PLAIN },
	[VERDICT_SKIP] = { "skip", TERM_DIM },
	[VERDICT_WARN] = { "warn", TERM_YELLOW },
	[VERDICT_FAIL] = { "FAIL", TERM_RED },
};

void
finding_set(struct finding *f, enum verdict verdict, const char *fmt, ...)
{
	va_list ap;

	f->verdict = verdict;
	va_start(ap, fmt);
	vsnprintf(f->what, sizeof(f->what), fmt, ap);
	va_end(ap);
}

void
finding_remedy(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->remedy, sizeof(f->remedy), fmt, ap);
	va_end(ap);
}

static struct slice
text(const char *s)
{
	return (struct slice){ s, strlen(s) };
}

struct report *
report_new(bool is_json)
{
	struct report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->is_json = is_json;
	term_look(&r->term, STDOUT_FILENO);
	bytes_puts(&r->out, "{\"checks\":[");
	return r;
}

static void
put_json(struct report *r, const struct finding *f, bool is_first)
{
	bytes_printf(&r->out, "%s\n{\"check\":\"%s\",\"verdict\":\"%s\",\"what\":",
	    is_first ? "" : ",", f->check, f->verdict == VERDICT_FAIL ? "fail" :
	    verdicts[f->verdict].name);
	json_put_string(&r->out, text(f->what));
	bytes_puts(&r->out, ",\"remedy\":");
	if (f->remedy[0])
		json_put_string(&r->out, text(f->remedy));
	else
		bytes_puts(&r->out, "null");
	bytes_putc(&r->out, '}');
}

/* True: an earlier line has told the same remedy. */
static bool
was_told(struct report *r, const char *remedy)
{
	size_t len = strlen(remedy) + 1;

	for (size_t at = 0; at < r->told.len; ) {
		const char *old = (const char *)r->told.p + at;

		if (strcmp(old, remedy) == 0)
			return true;
		at += strlen(old) + 1;
	}
	bytes_put(&r->told, remedy, len);
	return false;
}

static void
print(struct report *r, const struct finding *f)
{
	struct bytes line = { 0 };

	bytes_printf(&line, "%s%-4s%s  %-15s ",
	    term_on(&r->term, verdicts[f->verdict].colour),
	    verdicts[f->verdict].name, term_off(&r->term), f->check);
	term_put(&line, text(f->what));
	if (f->remedy[0]) {
		bytes_puts(&line, "\n      => ");
		term_put(&line, text(was_told(r, f->remedy) ? "as above" :
		    f->remedy));
	}
	bytes_putc(&line, '\n');
	if (line.failed)
		r->told.failed = true;
	else
		fwrite(line.p, 1, line.len, stdout);
	fflush(stdout);		/* the next one may take its time */
	bytes_fini(&line);
}

void
report_put(struct report *r, const struct finding *f)
{
	bool is_first = true;

	for (size_t i = 0; i <= VERDICT_FAIL; i++)
		is_first &= r->n[i] == 0;
	r->n[f->verdict]++;
	if (r->is_json)
		put_json(r, f, is_first);
	else
		print(r, f);
}

int
report_end(struct report *r)
{
	if (r->is_json) {
		bytes_printf(&r->out, "\n],\"failed\":%d,\"warned\":%d,\"verdict\":"
		    "\"%s\"}\n", r->n[VERDICT_FAIL], r->n[VERDICT_WARN],
		    r->n[VERDICT_FAIL] ? "fail" : "ok");
		if (!r->out.failed)
			fwrite(r->out.p, 1, r->out.len, stdout);
	} else if (r->n[VERDICT_FAIL]) {
		printf("\n%d of %d checks failed\n", r->n[VERDICT_FAIL],
		    r->n[VERDICT_FAIL] + r->n[VERDICT_WARN] + r->n[VERDICT_OK]);
	}
	if (fflush(stdout) != 0 || ferror(stdout) || r->out.failed ||
	    r->told.failed)
		return -1;
	return r->n[VERDICT_FAIL];
}

void
report_free(struct report *r)
{
	if (!r)
		return;
	bytes_fini(&r->out);
	bytes_fini(&r->told);
	free(r);
}
