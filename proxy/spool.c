#include "proxy/spool.h"

#include <errno.h>

#include "store/writer.h"

void
spool_fini(struct spool *s)
{
	bytes_fini(&s->tail);
}

/* After a body that was held whole the room is not needed any more. */
static void
shift_tail(struct spool *s, size_t n, size_t part_bytes)
{
	struct bytes rest = { 0 };

	if (s->tail.cap <= 4 * part_bytes) {
		bytes_shift(&s->tail, n);
		return;
	}
	bytes_put(&rest, s->tail.p + n, s->tail.len - n);
	bytes_fini(&s->tail);
	s->tail = rest;
}

/* Puts the full parts of the tail. */
static int
put_parts(struct spool *s, struct writer *w, uint64_t seq, enum side side)
{
	const size_t part_bytes = writer_part_bytes(w);
	size_t off = 0;
	int rc = 0;

	for (; s->tail.len - off >= part_bytes; off += part_bytes) {
		rc = writer_put_part(w, seq, side, s->part, s->tail.p + off,
		    part_bytes);
		if (rc)
			return rc;	/* it is lost with its batch */
		s->put += (int64_t)(part_bytes - s->put_len);
		s->part++;
		s->put_len = 0;
	}
	if (off > 0)
		shift_tail(s, off, part_bytes);
	if (!s->tail.failed)
		return 0;
	s->is_cut = true;
	return ENOMEM;
}

/* How long the tail may be now. */
static size_t
room(const struct spool *s, size_t part_bytes)
{
	const bool may_hold = s->part == 0 && s->put_len == 0;

	return may_hold && s->hold > part_bytes ? s->hold : part_bytes;
}

int
spool_add(struct spool *s, struct writer *w, uint64_t seq, enum side side,
    const void *p, size_t n)
{
	const size_t part_bytes = writer_part_bytes(w);
	const uint8_t *from = p;

	while (n > 0 && !s->is_cut) {
		const size_t most = room(s, part_bytes);
		size_t take = s->tail.len < most ? most - s->tail.len : 0;
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
		if (s->tail.len < most)
			break;
		if ((rc = put_parts(s, w, seq, side)) != 0)
			return rc;
	}
	return 0;
}

int
spool_save(struct spool *s, struct writer *w, uint64_t seq, enum side side)
{
	int rc;

	if (!spool_is_unsaved(s))
		return 0;
	if ((rc = put_parts(s, w, seq, side)) != 0)
		return rc;
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

void
spool_is_squeezed(struct spool *s)
{
	spool_is_put(s);
	bytes_fini(&s->tail);
	s->put_len = 0;
	s->is_cut = true;
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
