/* forward.h - the head that goes on: the lines that came, as they came, less those
 * that end with this hop (RFC 9110 7.6.1).
 *
 * Pure.  Nothing is re-printed but: Host when the request is re-routed, an
 * absolute-form target, and our own Connection: close.
 */
#ifndef TRACETAPE_PROXY_FORWARD_H
#define TRACETAPE_PROXY_FORWARD_H

#include "proxy/http1.h"

/* Which lines go on.  FORWARD_ALL is for clients that believe to speak with the
 * origin: then even hop-by-hop lines are theirs to say, and to hear. */
enum forward_lines { FORWARD_END_TO_END, FORWARD_ALL };

/* authority: the new value of Host, added where there is none; NULL leaves it.  An
 * upgrade keeps its Connection and Upgrade lines. */
void forward_request(struct bytes *out, const struct http1_head *h,
    enum forward_lines lines, const char *authority);

enum forward_end { FORWARD_KEEP, FORWARD_CLOSE };

/* FORWARD_CLOSE says Connection: close, in the place of what h says of it. */
void forward_response(struct bytes *out, const struct http1_head *h,
    enum forward_lines lines, enum forward_end end);

/* Splits "http://authority/path": *authority and *path point into target.
 * False: not absolute-form.  An empty path gives "/". */
bool forward_split_absolute(struct slice target, struct slice *authority,
    struct slice *path);

#endif
