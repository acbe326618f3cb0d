#include "store/digest_batch.h"

void
digest_batch_init(struct digest_batch *b)
{
	*b = (struct digest_batch){ .counts = { -1, -1, -1 } };
}

static void
on_item(void *arg, const struct ingest_item *item)
{
	const struct digest_batch *b = arg;

	if (b->on_item)
		b->on_item(b->arg, item);
}

static void
on_text(void *arg, const void *p, size_t n)
{
	struct digest_batch *b = arg;

	ingest_feed(b->ingest, p, n);
	b->counts = ingest_counts(b->ingest);
}

void
digest_batch_begin(struct digest_batch *b, struct payload *body)
{
	digest_batch_end(b);
	b->counts = (struct ingest_counts){ -1, -1, -1 };
	if (!(b->ingest = ingest_new(on_item, b)))
		return;
	b->counts = ingest_counts(b->ingest);
	body->on_text = on_text;
	body->arg = b;
}

void
digest_batch_end(struct digest_batch *b)
{
	ingest_free(b->ingest);
	b->ingest = NULL;
}
