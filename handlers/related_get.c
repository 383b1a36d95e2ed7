/* GET /articles/{id}/related: the list alone. See handlers/article.c.
 *
 * It takes the same look-up as the whole article, so that a list exists exactly when its article exists.
 * Here a list that is missing is an error, and the request waits for it until its deadline. */
#include "handlers/article.h"
#include "handlers/endpoints.h"

void related_get(h2o_req_t *req, const struct route_arguments *arguments)
{
    article_respond(req, arguments->variable, "/related", ARTICLE_RELATED);
}
