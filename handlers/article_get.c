/* GET /articles/{id}: the article and its related articles. See handlers/article_view.h. */
#include "handlers/article_view.h"
#include "handlers/endpoints.h"

void article_get(h2o_req_t *req, h2o_iovec_t variable)
{
    article_view(req, variable, "", ARTICLE_WHOLE);
}
