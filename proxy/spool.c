#include "proxy/spool.h"

#include <errno.h>

#include "store/writer.h"

void
spool_fini(struct spool *s)
{
	bytes_fini(&s->tail);
}

int
spool_add(struct spool *s, struct writer *w, uint64_t seq, enum side side,
    const void *p, size_t n)
{
	const size_t part_bytes = writer_part_bytes(w);
	const uint8_t *from = p;

	while (n > 0 && !s->is_cut) {
		size_t take = part_bytes - s->tail.len;
		int rc;

		if (take > n)
			take = n;
		bytes_put(&s->tail, from, take);
		if (s->tail.failed) {
			s->is_cut = true;
			return ENOMEM;
		}
		from += take;
		n -= take;
		if (s->tail.len < part_bytes)
			break;
		rc = writer_put_part(w, seq, side, s->part, s->tail.p, part_bytes);
		if (rc)
			return rc;
		s->put += (int64_t)(part_bytes - s->put_len);
		s->part++;
		s->put_len = 0;
		s->tail.len = 0;
	}
	return 0;
}

int
spool_save(struct spool *s, struct writer *w, uint64_t seq, enum side side)
{
	int rc;

	if (!spool_is_unsaved(s))
		return 0;
	rc = writer_put_part(w, seq, side, s->part, s->tail.p, s->tail.len);
	if (rc)
		return rc;
	spool_is_put(s);
	return 0;
}

bool
spool_is_whole(const struct spool *s)
{
	return s->part == 0 && s->put_len == 0 && s->tail.len > 0 && !s->is_cut;
}

void
spool_is_put(struct spool *s)
{
	s->put += (int64_t)(s->tail.len - s->put_len);
	s->put_len = s->tail.len;
}

bool
spool_is_unsaved(const struct spool *s)
{
	return !s->is_cut && s->tail.len > s->put_len;
}

void
spool_committed(struct spool *s)
{
	s->kept = s->put;
}

void
spool_lost(struct spool *s)
{
	if (s->put == s->kept && !spool_is_unsaved(s))
		return;
	s->put = s->kept;
	s->is_cut = true;
	bytes_fini(&s->tail);
	s->put_len = 0;
}
