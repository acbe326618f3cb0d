#include "store/decode.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "store/decoder.h"

enum {
	STAGES_MAX = 2,
	FREE_BYTES = 1024 * 1024,	/* no ratio is asked below this */
	SLICE_BYTES = 4096,	/* input between two looks at the ratio */
};

struct stage {
	struct decode *in;
	const struct decoder_kind *kind;
	struct decoder *decoder;	/* NULL until the first byte */
	struct stage *next;		/* NULL: the last one */
	uint64_t bytes;			/* that came out */
};

struct decode {
	struct stage stage[STAGES_MAX];	/* in the order of decoding */
	unsigned n_stages;
	enum decode_result result;
	uint64_t bytes_in;
	uint64_t bytes_out;
	decode_sink *out;		/* of the call at hand */
	void *arg;
};

static const struct {
	struct slice name;
	const struct decoder_kind *kind;
} coding[] = {
	{ { "gzip", 4 }, &decoder_gzip },
	{ { "x-gzip", 6 }, &decoder_gzip },
	{ { "deflate", 7 }, &decoder_deflate },
	{ { "br", 2 }, &decoder_br },
	{ { "zstd", 4 }, &decoder_zstd },
};

/* Takes the next element off a list (RFC 9110 5.6.1), white space off it. */
static struct slice
take_element(struct slice *list)
{
	const char *comma = memchr(list->p, ',', list->len);
	struct slice e = *list;

	if (comma) {
		e.len = (size_t)(comma - list->p);
		list->len -= e.len + 1;
		list->p = comma + 1;
	} else {
		list->len = 0;
	}
	while (e.len > 0 && (e.p[0] == ' ' || e.p[0] == '\t')) {
		e.p++;
		e.len--;
	}
	while (e.len > 0 && (e.p[e.len - 1] == ' ' || e.p[e.len - 1] == '\t'))
		e.len--;
	return e;
}

/* Codings are listed in the order they were applied: the last is undone first. */
static bool
add_stage(struct decode *d, struct slice name)
{
	if (name.len == 0 || slice_eq_nocase(name, SLICE("identity")))
		return true;
	if (d->n_stages == STAGES_MAX)
		return false;
	for (size_t i = 0; i < sizeof(coding) / sizeof(coding[0]); i++) {
		if (!slice_eq_nocase(name, coding[i].name))
			continue;
		d->stage[1] = d->stage[0];
		d->stage[0] = (struct stage){ .kind = coding[i].kind };
		d->n_stages++;
		return true;
	}
	return false;
}

static atomic_size_t held;		/* weights of the decoders there are */

enum decode_result
decode_new(struct decode **out, struct slice list)
{
	struct decode *d = calloc(1, sizeof(*d));

	*out = NULL;
	if (!d)
		return DECODE_MEMORY;
	while (list.len > 0) {
		if (!add_stage(d, take_element(&list))) {
			free(d);
			return DECODE_UNKNOWN;
		}
	}
	for (unsigned i = 0; i < d->n_stages; i++) {
		d->stage[i].in = d;
		if (i + 1 < d->n_stages)
			d->stage[i].next = &d->stage[i + 1];
	}
	*out = d;
	return DECODE_OK;
}

void
decode_free(struct decode *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < d->n_stages; i++) {
		if (!d->stage[i].decoder)
			continue;
		d->stage[i].kind->release(d->stage[i].decoder);
		atomic_fetch_sub(&held, d->stage[i].kind->weight);
	}
	free(d);
}

/* A thousand answers at once must not hold a thousand windows. */
static bool
make_decoder(struct stage *s)
{
	size_t weight = s->kind->weight;

	if (atomic_fetch_add(&held, weight) + weight <= DECODE_HELD_MAX &&
	    (s->decoder = s->kind->make()))
		return true;
	atomic_fetch_sub(&held, weight);
	return false;
}

static enum decode_result feed_stage(struct stage *s, const uint8_t *p, size_t n);

/* What comes out of a stage.  Bounds hold for each: what a first one blows up, a
 * second must not have to chew. */
static enum decode_result
on_output(void *arg, const void *p, size_t n)
{
	struct stage *s = arg;
	struct decode *d = s->in;

	if (n > DECODE_BYTES_MAX - s->bytes)
		return DECODE_BOMB;
	s->bytes += n;
	if (s->bytes > FREE_BYTES && s->bytes / DECODE_RATIO_MAX > d->bytes_in)
		return DECODE_BOMB;
	if (s->next)
		return feed_stage(s->next, p, n);
	d->bytes_out += n;
	d->out(d->arg, p, n);
	return DECODE_OK;
}

static enum decode_result
feed_stage(struct stage *s, const uint8_t *p, size_t n)
{
	if (!s->decoder && !make_decoder(s))
		return DECODE_MEMORY;
	return s->kind->feed(s->decoder, p, n, on_output, s);
}

enum decode_result
decode_feed(struct decode *d, const void *data, size_t n, decode_sink *out,
    void *arg)
{
	const uint8_t *p = data;

	d->out = out;
	d->arg = arg;
	if (d->n_stages == 0 && n > 0) {
		d->bytes_in += n;
		d->bytes_out += n;
		out(arg, p, n);
		return DECODE_OK;
	}
	while (n > 0 && d->result == DECODE_OK) {
		size_t take = n < SLICE_BYTES ? n : SLICE_BYTES;

		d->bytes_in += take;
		d->result = feed_stage(&d->stage[0], p, take);
		p += take;
		n -= take;
	}
	return d->result;
}

/* Decoders hold nothing back, so there is nothing to flush here.  No input at
 * all is a whole body: HEAD, 204 and 304 name codings too. */
enum decode_result
decode_end(struct decode *d, decode_sink *out, void *arg)
{
	(void)out;
	(void)arg;
	if (d->bytes_in == 0)
		return d->result;
	for (unsigned i = 0; i < d->n_stages && d->result == DECODE_OK; i++) {
		const struct stage *s = &d->stage[i];

		if (!s->decoder || !s->kind->is_whole(s->decoder))
			d->result = DECODE_CUT;
	}
	return d->result;
}

uint64_t
decode_bytes(const struct decode *d)
{
	return d->bytes_out;
}

const char *
decode_strerror(enum decode_result r)
{
	switch (r) {
	case DECODE_OK:
		return "decoded";
	case DECODE_UNKNOWN:
		return "unknown content coding";
	case DECODE_CORRUPT:
		return "corrupt content coding";
	case DECODE_BOMB:
		return "decodes past the bound";
	case DECODE_MEMORY:
		return "no memory to decode";
	case DECODE_CUT:
		return "coded content ends too early";
	}
	return "unknown decoding result";
}
