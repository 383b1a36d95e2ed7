/* handlers/article.h - the resource that the endpoints of one article share. */
#ifndef HANDLERS_ARTICLE_H
#define HANDLERS_ARTICLE_H

#include "server/lookup.h"

/* The two answers that a look-up of an article brings. */
enum article_part {
    ARTICLE_WHOLE,
    ARTICLE_RELATED,
    ARTICLE_NPARTS,
};

extern const struct resource article_resource;

/* Of an article's part 0. */
struct answer_key article_key(int64_t id);

/* Answers the request, now or later. segment: the part of the path that names the article. suffix: the part
 * of the path behind it, for the redirect from a slug; static. */
void article_respond(h2o_req_t *req, h2o_iovec_t segment, const char *suffix,
                     enum article_part part);

#endif
