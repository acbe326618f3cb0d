/* savefile.h - puts a whole file in the place of another, so that whoever reads it sees
 * the old one or the new one.
 *
 * For what anybody may read: mode 0644, whatever the umask.
 */
#ifndef TRACETAPE_TOOLS_SAVEFILE_H
#define TRACETAPE_TOOLS_SAVEFILE_H

#include "store/bytes.h"

/* 0 or an errno value; EINVAL: file is there and no regular file (a device must not
 * be renamed over).  A symbolic link stays, its target is replaced. */
int savefile_put(const char *file, struct slice content);

/* True when that is what file holds. */
bool savefile_has(const char *file, struct slice content);

#endif
