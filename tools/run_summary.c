#include "tools/run_summary.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store/reader.h"
#include "tools/run_why.h"
#include "tools/units.h"

enum {
	LOOK_MS = 50,
	/* What a shared proxy has just ended is on disk after store.commit_ms. */
	SETTLED_MS = 250,
};

static bool
same(const struct run_tally *a, const struct run_tally *b)
{
	return a->seen == b->seen && a->tokens == b->tokens &&
	    a->failed == b->failed;
}

/* Until nothing of ours is in flight and, in a store that goes on, nothing new has
 * come for a moment. */
static int
settle(const struct run_summary *s, struct run_proxy *p, struct run_tally *t)
{
	const struct timespec nap = { 0, LOOK_MS * 1000000L };
	int64_t end = s->ended_ms + (int64_t)s->wait_s * 1000;
	int64_t since = s->ended_ms;
	struct run_tally last = { 0 };
	int rc;

	while ((rc = run_tally_read(t, s->dir, &s->whose)) == 0) {
		int64_t now = run_now_ms();

		run_log_read(&p->log);
		if (!same(t, &last))
			since = now;
		last = *t;
		if (now >= end || (t->in_flight == 0 && (p->is_ours ||
		    now - since >= SETTLED_MS)))
			break;
		nanosleep(&nap, NULL);
	}
	return rc;
}

void
run_put_word(struct bytes *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRS"
	    "TUVWXYZ0123456789-._/+=:,@%";

	if (*word && strspn(word, plain) == strlen(word)) {
		bytes_puts(out, word);
		return;
	}
	bytes_putc(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			bytes_puts(out, "'\\'");
		bytes_putc(out, *word);
	}
	bytes_putc(out, '\'');
}

static void
put_time(struct bytes *out, int64_t ms)
{
	if (ms < 60000)
		bytes_printf(out, "%lld.%lld s", (long long)(ms / 1000),
		    (long long)(ms % 1000 / 100));
	else
		units_duration(out, ms * 1000);
}

static void
say(const struct run_summary *s, const struct run_tally *t)
{
	struct bytes line = { 0 };

	run_tally_put(&line, t);
	bytes_puts(&line, ", ");
	put_time(&line, s->ended_ms - s->began_ms);
	bytes_puts(&line, " -> tracetape dump");
	if (s->store_option) {
		bytes_puts(&line, " -s ");
		run_put_word(&line, s->store_option);
	}
	run_say("%.*s", (int)line.len, (const char *)line.p);
	bytes_fini(&line);
}

static void
say_why(const struct run_summary *s, const struct run_log *log,
    const char *address)
{
	struct bytes why = { 0 };

	run_why_put(&why, &(struct run_situation){
		.argv = s->argv,
		.log = log,
		.base_url = s->base_url,
		.address = address,
		.has_base_url = s->has_base_url,
	});
	run_say("nothing was recorded: %.*s", (int)why.len, (const char *)why.p);
	bytes_fini(&why);
}

void
run_summary(const struct run_summary *s, struct run_proxy *p)
{
	char address[RUNNING_ADDRESS_MAX];
	const bool is_ours = p->is_ours;
	struct run_tally t;
	int rc = settle(s, p, &t);

	memcpy(address, p->is.http, sizeof(address));
	run_proxy_end(p, s->wait_s);
	if (rc == 0 && is_ours)
		rc = run_tally_read(&t, s->dir, &s->whose);
	if (rc)
		run_say("store %s: %s", s->dir, reader_strerror(rc));
	if (rc == 0 && t.seen == 0)
		say_why(s, &p->log, address);
	else
		say(s, &t);
	if (rc == 0 && t.seen > 0 && p->log.n_distrusted > 0)
		run_say("%u connections failed because the program at the other "
		    "end does not trust our CA: `tracetape ca install` prints how "
		    "it learns to", p->log.n_distrusted);
}
