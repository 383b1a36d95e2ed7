/* handlers/article_address.h - from the segment of a path to an article's id. */
#ifndef HANDLERS_ARTICLE_ADDRESS_H
#define HANDLERS_ARTICLE_ADDRESS_H

#include <h2o.h>
#include <stdbool.h>
#include <stdint.h>

/* Finds the id that the segment names, at most ENTITY_MAX_ID. False: there is none, and this function answers
 * the request, now or later: 302 to /articles/ID + suffix for the slug of an article, else 404 or 400.
 * suffix: static. */
bool article_address_id(h2o_req_t *req, h2o_iovec_t segment, const char *suffix, int64_t *ret_id);

#endif
