#include "store/usage.h"

#include <stddef.h>

#include "store/json.h"

enum { NUMBER_MAX = 64, N_COUNTS = 10 };

static const struct json_want want[N_COUNTS] = {
	{ "input_tokens", NUMBER_MAX },
	{ "input_tokens_details.cached_tokens", NUMBER_MAX },
	{ "input_tokens_details.cache_write_tokens", NUMBER_MAX },
	{ "output_tokens", NUMBER_MAX },
	{ "output_tokens_details.reasoning_tokens", NUMBER_MAX },
	{ "total_tokens", NUMBER_MAX },
	{ "prompt_tokens", NUMBER_MAX },
	{ "prompt_tokens_details.cached_tokens", NUMBER_MAX },
	{ "completion_tokens", NUMBER_MAX },
	{ "completion_tokens_details.reasoning_tokens", NUMBER_MAX },
};

static const size_t field[N_COUNTS] = {
	offsetof(struct usage, input),
	offsetof(struct usage, cached),
	offsetof(struct usage, cache_write),
	offsetof(struct usage, output),
	offsetof(struct usage, reasoning),
	offsetof(struct usage, total),
	offsetof(struct usage, input),
	offsetof(struct usage, cached),
	offsetof(struct usage, output),
	offsetof(struct usage, reasoning),
};

/* A count cannot be negative; -1 would even read as missing. */
static void
read_count(struct usage *u, unsigned i, struct slice raw)
{
	int64_t *to = (int64_t *)(void *)((char *)u + field[i]), v;

	if (*to == -1 && json_int(raw, &v) && v >= 0)
		*to = v;
}

void
usage_read(struct slice raw, struct usage *u)
{
	struct json_scan *s;

	*u = (struct usage){ -1, -1, -1, -1, -1, -1 };
	if (!raw.p || !(s = json_scan_new(want, N_COUNTS)))
		return;
	if (json_scan_feed(s, raw.p, raw.len) == 0 && json_scan_end(s) == 0)
		for (unsigned i = 0; i < N_COUNTS; i++)
			read_count(u, i, json_scan_raw(s, i));
	json_scan_free(s);
}
