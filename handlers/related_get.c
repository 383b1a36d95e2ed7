/* GET /articles/{id}/related: the list alone. See handlers/article_view.h.
 *
 * The same look-ups as the whole article's, so that a list is there exactly when its article is. But
 * where the list is all that was asked for, a list that can't be had is an error. */
#include "handlers/article_view.h"
#include "handlers/endpoints.h"

void related_get(h2o_req_t *req, h2o_iovec_t variable)
{
    article_view(req, variable, "/related", ARTICLE_RELATED);
}
