/* The first byte places the cut; the rest is the stream.  Held true: a cut
 * changes nothing, the end is worth two line ends, and events are those of a
 * slow reading of the specification that has the whole stream at hand. */
#include <stdlib.h>
#include <string.h>

#include "store/sse.h"

#define must(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
	struct bytes data;
	struct bytes all;
	size_t n_data;
};

static void
on_data(void *arg, const char *p, size_t n)
{
	struct heard *h = arg;

	must(n > 0);
	h->n_data++;
	bytes_put(&h->data, p, n);
}

static void
put_event(struct bytes *all, struct slice name, struct slice data)
{
	bytes_put_varint(all, name.len);
	bytes_put_slice(all, name);
	bytes_put_varint(all, data.len);
	bytes_put_slice(all, data);
}

static void
on_event(void *arg, struct slice name)
{
	struct heard *h = arg;

	put_event(&h->all, name, bytes_slice(&h->data));
	bytes_clear(&h->data);
}

static const struct sse_sink sink = { on_data, on_event };

struct model {
	struct bytes all;
	struct bytes data;
	struct slice name;
	bool has_data;
};

static void
model_line(struct model *m, struct slice line)
{
	const char *colon = line.len ? memchr(line.p, ':', line.len) : NULL;
	struct slice name = line, value = { "", 0 };

	if (line.len == 0) {
		if (m->has_data)
			put_event(&m->all, m->name.len ? m->name : SLICE("message"),
			    (struct slice){ (char *)m->data.p, m->data.len - 1 });
		bytes_clear(&m->data);
		m->has_data = false;
		m->name.len = 0;
		return;
	}
	if (colon) {
		name.len = (size_t)(colon - line.p);
		value = (struct slice){ colon + 1, line.len - name.len - 1 };
		if (value.len > 0 && value.p[0] == ' ') {
			value.p++;
			value.len--;
		}
	}
	if (slice_eq(name, SLICE("data"))) {
		bytes_put_slice(&m->data, value);
		bytes_putc(&m->data, '\n');
		m->has_data = true;
	} else if (slice_eq(name, SLICE("event"))) {
		m->name = value;
		if (value.len > SSE_NAME_MAX)
			m->name.len = SSE_NAME_MAX;
	}
}

static void
model_run(struct model *m, const char *p, size_t n)
{
	const char *end = p + n;

	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	while (p < end) {
		const char *eol = p;

		while (eol < end && *eol != '\n' && *eol != '\r')
			eol++;
		model_line(m, (struct slice){ p, (size_t)(eol - p) });
		p = eol + (eol < end);
		if (eol < end && *eol == '\r' && p < end && *p == '\n')
			p++;
	}
	model_line(m, (struct slice){ "", 0 });
}

static void
run(struct heard *h, const uint8_t *p, size_t n, size_t step)
{
	struct sse s;

	memset(h, 0, sizeof(*h));
	sse_init(&s, &sink, h);
	for (size_t i = 0; i < n; i += step)
		sse_feed(&s, p + i, n - i < step ? n - i : step);
	sse_end(&s);
	must(h->data.len == 0);
}

static void
heard_fini(struct heard *h)
{
	bytes_fini(&h->data);
	bytes_fini(&h->all);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t step[4];
	struct model m = { 0 };

	if (size < 2)
		return 0;
	model_run(&m, (const char *)data + 1, size - 1);
	step[0] = size;
	step[1] = 1 + data[0];
	step[2] = 1 + data[0] % 7;
	step[3] = 1;
	for (unsigned i = 0; i < 4; i++) {
		struct heard h;

		run(&h, data + 1, size - 1, step[i]);
		must(slice_eq(bytes_slice(&h.all), bytes_slice(&m.all)));
		heard_fini(&h);
	}
	bytes_fini(&m.all);
	bytes_fini(&m.data);
	return 0;
}
