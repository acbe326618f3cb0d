#include "proxy/config_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ini.h>

struct reading {
	struct config *c;
	const char *path;
	FILE *file;
	int line;		/* the one in work */
	int bad_line;		/* err is about it; 0: none is bad */
	char *err;
};

/* The rest of a line that did not fit: part of a comment, or too much.  What did fit
 * becomes a line of its own, or newer versions of inih go on reading. */
static void
skip_rest(struct reading *r, char *start)
{
	int ch = getc(r->file);

	if (ch == EOF)
		return;
	start[strlen(start) - 1] = '\n';
	if (*start != ';' && *start != '#' && !r->bad_line) {
		r->bad_line = r->line;
		snprintf(r->err, CONFIG_ERROR_MAX, "%s:%d: the line is too long: "
		    "give the value with --set, or a list on many lines", r->path,
		    r->line);
	}
	while (ch != EOF && ch != '\n')
		ch = getc(r->file);
}

/* Lines without what stands before them: to inih an indented line is more of the
 * value above it. */
static char *
next_line(char *buf, int cap, void *arg)
{
	struct reading *r = arg;
	char *start;

	if (!fgets(buf, cap, r->file))
		return NULL;
	r->line++;
	start = buf + strspn(buf, " \t");
	if (*start && !strchr(start, '\n'))
		skip_rest(r, start);
	return memmove(buf, start, strlen(start) + 1);
}

static int
on_key(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *r = arg;
	char full[128], where[200];
	const struct setting s = { where, full, value, r->err };

	if (r->bad_line)
		return 0;
	snprintf(full, sizeof(full), "%s.%s", section, name);
	snprintf(where, sizeof(where), "%.180s:%d", r->path, r->line);
	if (config_assign(r->c, &s))
		return 1;
	r->bad_line = r->line;
	return 0;
}

bool
config_read(struct config *c, const char *path, char err[CONFIG_ERROR_MAX])
{
	struct reading r = { .c = c, .path = path, .err = err };
	int rc = -1;

	err[0] = '\0';
	if ((r.file = fopen(path, "r"))) {
		rc = ini_parse_stream(next_line, &r, on_key, &r);
		if (ferror(r.file))
			rc = -1;	/* a directory, for one */
	}
	if (rc < 0)
		snprintf(err, CONFIG_ERROR_MAX, "%s: %s", path, strerror(errno));
	else if (rc > 0 && (!r.bad_line || rc < r.bad_line))
		snprintf(err, CONFIG_ERROR_MAX, "%s:%d: not 'key = value' or "
		    "'[section]'", path, rc);
	if (r.file)
		fclose(r.file);
	return rc == 0 && !r.bad_line;
}
