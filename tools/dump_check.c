#include "store/check.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/json.h"
#include "tools/dump.h"
#include "tools/units.h"

enum {
	QUIET_MS = 1000,	/* before progress is worth a line */
	PROGRESS_MS = 200,
};

struct report {
	struct dump *d;
	enum {
		ERR_FILE,	/* the standard error: no progress */
		ERR_TERMINAL,
		ERR_LINE,	/* ... with a line of progress, to be wiped off */
	} err;
	int64_t began_ms, told_ms;
	struct bytes b;
	uint64_t n;		/* findings told */
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct slice
text(const char *s)
{
	return (struct slice){ s, strlen(s) };
}

static void
wipe(struct report *r)
{
	if (r->err != ERR_LINE)
		return;
	fputs("\r\033[K", stderr);
	r->err = ERR_TERMINAL;
}

static void
on_progress(void *arg, const struct check_totals *t)
{
	struct report *r = arg;
	int64_t now;

	if (r->err == ERR_FILE)
		return;
	now = now_ms();
	if (now - r->began_ms < QUIET_MS || now - r->told_ms < PROGRESS_MS)
		return;
	r->told_ms = now;
	r->err = ERR_LINE;
	fprintf(stderr, "\r\033[Kexchange %" PRIu64 " of %" PRIu64 ", %" PRIu64
	    " MiB read, %" PRIu64 " faults", t->seq, t->last_seq, t->read >> 20,
	    t->faults);
	fflush(stderr);
}

static void
write_out(struct report *r)
{
	fwrite(r->b.p, 1, r->b.len, r->d->out);
	bytes_clear(&r->b);
}

/* body 12 request body: what is wrong (numbers); what to do */
static void
put_line(struct bytes *b, const struct check_fault *f)
{
	if (check_is_note(f->what))
		bytes_puts(b, "note: ");
	bytes_puts(b, f->table);
	if (f->seq > 0)
		bytes_printf(b, " %" PRIu64, f->seq);
	if (f->side)
		bytes_printf(b, " %s", f->side);
	if (f->key.len > 0) {
		bytes_putc(b, ' ');
		term_put(b, f->key);
	}
	bytes_printf(b, ": %s", check_says(f->what));
	if (f->detail[0])
		bytes_printf(b, " (%s)", f->detail);
	bytes_printf(b, "; %s\n", check_remedy(f->what));
}

static void
put_member(struct bytes *b, const char *name, struct slice value)
{
	bytes_printf(b, ", \"%s\": ", name);
	if (value.p)
		json_put_string(b, value);
	else
		bytes_puts(b, "null");
}

/* A key is any bytes; for programs those that are no text are escaped as they are for
 * eyes. */
static void
put_object(struct bytes *b, const struct check_fault *f)
{
	struct bytes key = { 0 };

	if (f->key.p)
		term_put(&key, f->key);
	bytes_printf(b, "{\"what\": \"%s\", \"fault\": %s, \"table\": \"%s\", \"seq\": ",
	    check_name(f->what), check_is_note(f->what) ? "false" : "true", f->table);
	if (f->seq > 0)
		bytes_printf(b, "%" PRIu64, f->seq);
	else
		bytes_puts(b, "null");
	put_member(b, "side", f->side ? text(f->side) : (struct slice){ NULL, 0 });
	put_member(b, "key", f->key.p ? bytes_slice(&key) : (struct slice){ NULL, 0 });
	put_member(b, "says", text(check_says(f->what)));
	put_member(b, "detail", text(f->detail));
	put_member(b, "remedy", text(check_remedy(f->what)));
	bytes_putc(b, '}');
	bytes_fini(&key);
}

static void
on_fault(void *arg, const struct check_fault *f)
{
	struct report *r = arg;

	wipe(r);
	if (r->d->format == DUMP_JSON) {
		bytes_puts(&r->b, r->n++ ? ",\n  " : "\n  ");
		put_object(&r->b, f);
	} else {
		put_line(&r->b, f);
	}
	write_out(r);
}

static void
put_count(struct bytes *b, uint64_t n, const char *one, const char *many)
{
	units_grouped(b, (int64_t)n);
	bytes_printf(b, " %s", n == 1 ? one : many);
}

static void
put_summary(struct bytes *b, const struct check_totals *t)
{
	put_count(b, t->exchanges, "exchange", "exchanges");
	if (t->in_flight > 0)
		bytes_printf(b, " (%" PRIu64 " in flight)", t->in_flight);
	bytes_puts(b, ", ");
	put_count(b, t->bytes, "byte verified", "bytes verified");
	bytes_puts(b, ", ");
	put_count(b, t->spans, "span", "spans");
	bytes_puts(b, ", ");
	put_count(b, t->gaps, "gap", "gaps");
	if (t->lost > 0)
		bytes_printf(b, " (%" PRIu64 " lost)", t->lost);
	bytes_puts(b, ", ");
	put_count(b, t->faults, "fault", "faults");
	if (t->notes > 0) {
		bytes_puts(b, ", ");
		put_count(b, t->notes, "note", "notes");
	}
	bytes_putc(b, '\n');
}

static void
put_totals(struct bytes *b, const struct check_totals *t)
{
	const struct {
		const char *name;
		uint64_t n;
	} all[] = {
		{ "exchanges", t->exchanges }, { "in_flight", t->in_flight },
		{ "bytes", t->bytes }, { "traces", t->traces },
		{ "spans", t->spans }, { "gaps", t->gaps }, { "lost", t->lost },
		{ "faults", t->faults }, { "notes", t->notes },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		bytes_printf(b, ", \"%s\": %" PRIu64, all[i].name, all[i].n);
}

int
dump_check(struct dump *d)
{
	struct report r = { .d = d };
	const struct check_options o = { d->since, on_fault, on_progress, &r };
	struct check_totals t;
	int rc;

	r.err = isatty(STDERR_FILENO) ? ERR_TERMINAL : ERR_FILE;
	r.began_ms = now_ms();
	if (d->format == DUMP_JSON)
		fputs("{\"findings\": [", d->out);
	rc = check_store(d->reader, d->dir, &o, &t);
	wipe(&r);
	if (d->format == DUMP_JSON) {
		bytes_puts(&r.b, r.n ? "\n]" : "]");
		put_totals(&r.b, &t);
		bytes_printf(&r.b, ", \"complete\": %s}\n", rc ? "false" : "true");
	} else if (rc == 0) {
		put_summary(&r.b, &t);
	}
	write_out(&r);
	bytes_fini(&r.b);
	if (rc)
		return dump_reader_failed(d, rc);
	return t.faults > 0 ? DUMP_NONE : DUMP_OK;
}
