/* json_keep.h - the values that json_scan was told to want: which keys lead to
 * them, and their raw text.  For json_scan.c alone, which knows the grammar.
 *
 * Depth counts open containers: the keys of the outermost object have depth 1.
 * Sets of wanted values are bits, value i being 1 << i.
 */
#ifndef TRACETAPE_STORE_JSON_KEEP_H
#define TRACETAPE_STORE_JSON_KEEP_H

#include "store/json.h"

struct json_kept {
	char *p;
	size_t len;
	size_t cap;
	const uint8_t *from;	/* kept up to here of the current piece */
	bool ended;		/* complete: it is in p, or over */
	bool over;
	uint8_t n_keys;
	uint8_t key_at[JSON_PATH_MAX];	/* in want->path */
	uint8_t key_len[JSON_PATH_MAX];
};

struct json_keep {
	const struct json_want *want;
	unsigned n;
	uint32_t open;		/* values being kept */
	uint32_t open_at[JSON_PATH_MAX + 1];	/* ... that began at this depth */
	uint32_t alive[JSON_PATH_MAX + 1];	/* paths that lead into the object
						 * open at this depth */
	uint32_t match;		/* paths that the last key goes on with */
	bool on_path;		/* the key at hand may match */
	uint8_t key_len;
	char key[JSON_KEY_MAX];
	struct json_kept w[];
};

/* k is zeroed and has room for n in w. */
void json_keep_init(struct json_keep *k, const struct json_want *want, size_t n);
void json_keep_fini(struct json_keep *k);
void json_keep_reset(struct json_keep *k);

/* A container opened as the value of the last key and is now at this depth. */
void json_keep_enter(struct json_keep *k, unsigned depth, bool object);

/* A key, unescaped, in as many runs as it takes. */
void json_keep_key_begin(struct json_keep *k, unsigned depth);
void json_keep_key(struct json_keep *k, const void *p, size_t n);
void json_keep_key_odd(struct json_keep *k);	/* a character that none has */
void json_keep_key_end(struct json_keep *k, unsigned depth);

/* A value begins at p; one ended before p. */
void json_keep_begin(struct json_keep *k, unsigned depth, const uint8_t *p);
void json_keep_end(struct json_keep *k, unsigned depth, const uint8_t *p);

/* A piece of the text begins at p; it ends before p. */
void json_keep_piece(struct json_keep *k, const uint8_t *p);
void json_keep_piece_end(struct json_keep *k, const uint8_t *p);

#endif
