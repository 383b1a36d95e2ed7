/* GET /articles/{id}: the article and its related articles. See handlers/article_view.h. */
#include "handlers/article_json.h"
#include "handlers/article_view.h"
#include "handlers/endpoints.h"
#include "server/respond.h"

static article_render_fn render;

void article_get(h2o_req_t *req, h2o_iovec_t variable)
{
    article_view(req, variable, "", render);
}

static void render(h2o_req_t *req, struct article_fetch *found)
{
    json_object *body = article_answer_json(found->article, found->related);
    found->article = found->related = NULL; /* moved */
    article_view_add_related_status(req, found);
    respond_json(req, 200, body);
}
