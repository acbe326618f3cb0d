/* savefile.h - puts a whole file in the place of another, so that whoever reads it sees
 * the old one or the new one.
 *
 * For what anybody may read: mode 0644, whatever the umask.
 */
#ifndef TRACETAPE_TOOLS_SAVEFILE_H
#define TRACETAPE_TOOLS_SAVEFILE_H

#include "store/bytes.h"

/* A symbolic link: its target is replaced, or the link itself, as one must in a
 * directory of somebody else's. */
enum savefile_how { SAVEFILE_FOLLOW, SAVEFILE_REPLACE };

/* 0 or an errno value; EINVAL: file is there and no regular file (a device must not
 * be renamed over). */
int savefile_put(const char *file, enum savefile_how how, struct slice content);

/* True when that is what file holds. */
bool savefile_has(const char *file, struct slice content);

#endif
