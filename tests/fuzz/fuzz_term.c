/* The first byte places the cut; the rest is recorded text.  Held true: what goes
 * out is UTF-8 without a character that could harm, a cut changes nothing, and
 * clipped text takes no more cells than it may. */
#include <stdlib.h>
#include <string.h>

#include "tools/term.h"
#include "tools/utf8.h"

#define must(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_harmless(const char *p, size_t n, bool has_lines)
{
	uint32_t cp;

	for (size_t i = 0; i < n; ) {
		int len = utf8_next(p + i, n - i, &cp);

		if (len <= 0 || (utf8_is_hostile(cp) &&
		    !(has_lines && (cp == '\n' || cp == '\t'))))
			return false;
		i += (size_t)len;
	}
	return true;
}

static char *
print(const uint8_t *p, size_t n, size_t cut, size_t *len)
{
	char *out;
	FILE *f = open_memstream(&out, len);
	struct term_text t;

	must(f != NULL);
	term_text_init(&t, f, 2);
	term_text_feed(&t, p, cut);
	term_text_feed(&t, p + cut, n - cut);
	term_text_end(&t);
	fclose(f);
	return out;
}

static void
check_lines(const uint8_t *p, size_t n, size_t cut)
{
	size_t len, cut_len;
	char *whole = print(p, n, n, &len);
	char *parts = print(p, n, cut, &cut_len);

	must(is_harmless(whole, len, true));
	must(len == 0 || whole[len - 1] == '\n');
	must(len == cut_len && memcmp(whole, parts, len) == 0);
	free(whole);
	free(parts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes line = { 0 }, cut = { 0 };
	size_t at;

	if (size < 1)
		return 0;
	at = data[0] < size - 1 ? data[0] : size - 1;
	check_lines(data + 1, size - 1, at);
	term_put(&line, (struct slice){ (const char *)data + 1, size - 1 });
	must(is_harmless((char *)line.p, line.len, false));
	term_clip(&cut, bytes_slice(&line), at, at % 2);
	must(term_cells(bytes_slice(&cut)) <= at);
	must(is_harmless((char *)cut.p, cut.len, false));
	bytes_fini(&line);
	bytes_fini(&cut);
	return 0;
}
