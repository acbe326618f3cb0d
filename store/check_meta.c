#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "store/check_private.h"
#include "store/record.h"
#include "store/status.h"

static const mode_t others = S_IRWXG | S_IRWXO | S_ISUID | S_ISGID | S_ISVTX;

static void
check_mode(struct check *c, const struct stat *st, const char *name)
{
	if (st->st_mode & others)
		check_tell(c, CHECK_FILE_MODE, &(struct check_at){
		    .table = "file", .key = { name, strlen(name) } },
		    "mode %04o", (unsigned)(st->st_mode & 07777));
}

/* Files alone: what lies in a directory of its own, such as our authority, has rules
 * of its own. */
int
check_files(struct check *c)
{
	DIR *d = opendir(c->dir);
	struct dirent *e;
	struct stat st;

	if (!d)
		return errno;
	if (fstat(dirfd(d), &st) == 0)
		check_mode(c, &st, ".");
	while ((e = readdir(d)))
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode)) {
			check_mode(c, &st, e->d_name);
			if (c->n_held == CHECK_HELD_MAX)
				check_flush(c);
		}
	closedir(d);
	return 0;
}

static bool
is_hex(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strchr("0123456789abcdef", p[i]) || p[i] == 0)
			return false;
	return true;
}

static bool
is_status(struct slice v)
{
	struct bytes hold = { 0 };
	struct status s;
	bool is = status_decode(&s, &hold, v);

	bytes_fini(&hold);
	return is;
}

static int
meta_row(struct check *c, const MDB_val *k, const MDB_val *v)
{
	const struct slice name = check_slice(k);
	struct cursor cur = { v->mv_data, v->mv_size, false };
	bool is_well = true;

	if (name.len == 0 || name.len > META_NAME_MAX) {
		check_tell_key(c, CHECK_KEY, TABLE_META, name);
		return 0;
	}
	if (slice_eq(name, SLICE(META_ID)))
		is_well = v->mv_size == STORE_ID_LEN && is_hex(v->mv_data, v->mv_size);
	else if (slice_eq(name, SLICE(META_CREATED)))
		is_well = cursor_u64(&cur) > 0 && !cur.failed && cur.len == 0;
	else if (slice_eq(name, SLICE(META_FORMAT)) ||
	    slice_eq(name, SLICE(META_PART_BYTES)))
		is_well = cursor_u32(&cur) > 0 && !cur.failed && cur.len == 0;
	else if (slice_eq(name, SLICE(STATUS_META)))
		is_well = is_status(check_slice(v));
	if (!is_well)
		check_tell_key(c, CHECK_VALUE, TABLE_META, name);
	return 0;
}

int
check_meta(struct check *c)
{
	static const char *const names[] = {
		META_FORMAT, META_ID, META_CREATED, META_PART_BYTES,
	};
	struct slice v;
	int rc = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		rc = reader_meta(c->r, names[i], &v);
		if (rc && rc != READER_NONE)
			return rc;
		if (rc == READER_NONE)
			check_tell_key(c, CHECK_META_MISSING, TABLE_META,
			    (struct slice){ names[i], strlen(names[i]) });
	}
	return check_table(c, TABLE_META, meta_row);
}

static int
open_row(struct check *c, const MDB_val *k, const MDB_val *v)
{
	struct exchange x;
	uint64_t seq;
	MDB_val row;
	int rc;

	if (!seq_key_get(k->mv_data, k->mv_size, SEQ_KEY_LEN, &seq) || seq == 0) {
		check_tell_key(c, CHECK_KEY, TABLE_OPEN, check_slice(k));
		return 0;
	}
	if (seq < c->o->since)
		return 0;
	if (v->mv_size > 0)
		check_tell_seq(c, CHECK_VALUE, TABLE_OPEN, seq);
	rc = check_get(c, TABLE_EXCHANGE, k->mv_data, k->mv_size, &row);
	if (rc == 0 && record_decode(&x, row.mv_data, row.mv_size) != 0)
		return 0;
	if (rc == MDB_NOTFOUND || (rc == 0 && x.outcome != OUTCOME_IN_FLIGHT))
		check_tell_seq(c, CHECK_OPEN_ENDED, TABLE_OPEN, seq);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int
check_open(struct check *c)
{
	return check_table(c, TABLE_OPEN, open_row);
}
