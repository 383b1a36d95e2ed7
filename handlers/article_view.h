/* handlers/article_view.h - what the endpoints of one article share: from the address to an article that
 * was found, which each of them renders in its own way. */
#ifndef HANDLERS_ARTICLE_VIEW_H
#define HANDLERS_ARTICLE_VIEW_H

#include <h2o.h>

#include "handlers/article_fetch.h"

/* Answers the request. found: an article and its list, whose JSON it may take; lent for the call. */
typedef void article_render_fn(h2o_req_t *req, struct article_fetch *found);

/* segment: the part of the path that names the article; suffix: what follows it, where a slug leads to
 * the address by id; static. Whatever is no article that may be shown is answered here. */
void article_view(h2o_req_t *req, h2o_iovec_t segment, const char *suffix,
                  article_render_fn *render);

/* Adds Related-Status, and what it means for caches; logs what went wrong. */
void article_view_add_related_status(h2o_req_t *req, const struct article_fetch *found);

#endif
