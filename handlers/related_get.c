/* GET /articles/{id}/related: the list alone. See handlers/article.c.
 *
 * It takes the same look-up as the whole article, so that a list exists exactly when its article exists.
 * Here a list that is missing is an error, and the request waits for it until its deadline.
 *
 * With ?explain=1 the list is made anew: see handlers/related_explain.c. */
#include "handlers/article.h"
#include "handlers/article_address.h"
#include "handlers/endpoints.h"
#include "handlers/related_explain.h"
#include "server/respond.h"

void related_get(h2o_req_t *req, const struct route_arguments *arguments)
{
    h2o_iovec_t explain = arguments->values[0];
    int64_t id;

    if (explain.base == NULL)
        article_respond(req, arguments->variable, "/related", ARTICLE_RELATED);
    else if (!h2o_memis(explain.base, explain.len, H2O_STRLIT("1")))
        respond_problem(req, 400, "bad-explain", "The parameter \"explain\" takes the value 1.");
    else if (article_address_id(req, arguments->variable, "/related?explain=1", &id))
        related_explain(req, id);
}
