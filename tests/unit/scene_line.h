/* scene_line.h - a line of words; "-" stands for one that is missing. */
#ifndef TRACETAPE_TESTS_SCENE_LINE_H
#define TRACETAPE_TESTS_SCENE_LINE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/bytes.h"

enum { WORD = 48, WORDS = 12 };

struct line {
	unsigned n;
	char w[WORDS][WORD];
};

static inline struct slice
word(const struct line *l, unsigned i)
{
	if (i >= l->n || strcmp(l->w[i], "-") == 0)
		return (struct slice){ NULL, 0 };
	return (struct slice){ l->w[i], strlen(l->w[i]) };
}

static inline int64_t
number(const struct line *l, unsigned i)
{
	return word(l, i).p ? strtoll(l->w[i], NULL, 10) : -1;
}

/* The next line of *text; false: there is none. */
static inline bool
next_line(const char **text, struct line *l)
{
	int used;

	*l = (struct line){ .n = 0 };
	while (**text == '\n')
		++*text;
	while (l->n < WORDS && sscanf(*text, "%47[^ \n]%n", l->w[l->n], &used) == 1) {
		l->n++;
		*text += used;
		while (**text == ' ')
			++*text;
	}
	return l->n > 0;
}

#endif
