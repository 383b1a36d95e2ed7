/* handlers/related_explain.h - why does an article have the list that it has? */
#ifndef HANDLERS_RELATED_EXPLAIN_H
#define HANDLERS_RELATED_EXPLAIN_H

#include <h2o.h>
#include <stdint.h>

/* Answers the request later, with the answer of lists/explain.h, which is never kept. */
void related_explain(h2o_req_t *req, int64_t id);

#endif
