/* GET /articles/{id}: the article and its related articles. See handlers/article.c. */
#include "handlers/article.h"
#include "handlers/endpoints.h"

void article_get(h2o_req_t *req, const struct route_arguments *arguments)
{
    article_respond(req, arguments->variable, "", ARTICLE_WHOLE);
}
