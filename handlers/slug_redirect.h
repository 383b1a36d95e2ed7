/* handlers/slug_redirect.h - from an article's slug to its address by id. */
#ifndef HANDLERS_SLUG_REDIRECT_H
#define HANDLERS_SLUG_REDIRECT_H

#include <h2o.h>

#include "handlers/article_ref.h"

/* Answers 302 to /articles/ID + suffix, 404, or what went wrong. ref: of the kind ARTICLE_REF_SLUG;
 * copied. suffix: static. */
void slug_redirect(h2o_req_t *req, const struct article_ref *ref, const char *suffix);

#endif
