/* http1_fields.h - what the lines of a whole head mean, inside the http1 leaf.
 *
 * Both fill the last part of h (from framing on) from its lines and start line.
 * 0, or -rule.
 */
#ifndef TRACETAPE_PROXY_HTTP1_FIELDS_H
#define TRACETAPE_PROXY_HTTP1_FIELDS_H

#include "proxy/http1.h"

int http1_fields_request(struct http1_head *h);
int http1_fields_response(struct http1_head *h, struct slice method);

#endif
