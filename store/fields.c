#include "store/fields.h"

#include "store/headline.h"

static void
set(struct texts *t, const struct field *f, struct slice value)
{
	struct slice before = texts_get(t, f->text);
	struct bytes joined = { 0 };

	if (!before.p) {
		texts_set_cut(t, f->text, value, FIELD_VALUE_MAX);
	} else if (f->is_list) {
		bytes_put_slice(&joined, before);
		bytes_puts(&joined, ", ");
		bytes_put_slice(&joined, value);
		if (!joined.failed)
			texts_set_cut(t, f->text, bytes_slice(&joined),
			    FIELD_VALUE_MAX);
		bytes_fini(&joined);
	}
}

void
fields_read(struct texts *t, struct slice lines, const struct field *table,
    size_t n)
{
	struct headline h;

	while (headline_next(&lines, &h)) {
		/* Folded lines (obsolete, RFC 9112 5.2) are no fields. */
		if (!h.name.p || h.before.p[0] == ' ' || h.before.p[0] == '\t')
			continue;
		for (size_t i = 0; i < n; i++) {
			if (slice_eq_nocase(h.name, table[i].name)) {
				set(t, &table[i], h.value);
				break;
			}
		}
	}
}
