/* handlers/article_view.h - what the endpoints of one article share. */
#ifndef HANDLERS_ARTICLE_VIEW_H
#define HANDLERS_ARTICLE_VIEW_H

#include <h2o.h>

#include "handlers/article_lookup.h"

/* Answers the request, now or later. segment: what names the article in the path; suffix: what follows
 * it, where a slug leads to the address by id; static. */
void article_view(h2o_req_t *req, h2o_iovec_t segment, const char *suffix, enum article_part part);

#endif
