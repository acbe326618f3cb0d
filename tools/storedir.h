/* storedir.h - where the store is, for every verb alike.
 *
 * Order: the option (-s DIR, --store DIR), $TRACETAPE_STORE, then
 * $XDG_DATA_HOME/tracetape, then ~/.local/share/tracetape.
 */
#ifndef TRACETAPE_TOOLS_STOREDIR_H
#define TRACETAPE_TOOLS_STOREDIR_H

/* option: the option's value, NULL when it was not given.  The directory need not
 * exist.  The caller frees the result.  NULL: nothing names one (no home
 * directory), or no memory; say so with storedir_remedy. */
char *storedir_find(const char *option);

extern const char storedir_remedy[];

#endif
