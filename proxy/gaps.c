#include "proxy/gaps.h"

#include "store/writer.h"

void
gaps_add(struct gaps *g, uint64_t seq, uint64_t n)
{
	size_t last = g->n ? g->n - 1 : 0;
	uint64_t end = seq + n;

	g->total += n;
	for (size_t i = 0; i < g->n; i++) {
		if (seq == g->run[i].seq + g->run[i].n) {
			g->run[i].n += n;
			return;
		}
	}
	if (g->n < GAPS_MAX) {
		g->run[g->n].seq = seq;
		g->run[g->n++].n = n;
		return;
	}
	if (g->run[last].seq + g->run[last].n > end)
		end = g->run[last].seq + g->run[last].n;
	if (g->run[last].seq < seq)
		seq = g->run[last].seq;
	g->run[last].seq = seq;
	g->run[last].n = end - seq;
}

int
gaps_put(const struct gaps *g, struct writer *w, const char *why)
{
	for (size_t i = 0; i < g->n; i++) {
		int rc = writer_put_gap(w, g->run[i].seq, g->run[i].n, why);

		if (rc)
			return rc;
	}
	return 0;
}

void
gaps_clear(struct gaps *g)
{
	g->n = 0;
	g->total = 0;
}
