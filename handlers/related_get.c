/* GET /articles/{id}/related: the list alone. See handlers/article_view.h.
 *
 * The same look-ups as the whole article's, so that a list is there exactly when its article is. But
 * where the list is all that was asked for, a list that can't be had is an error. */
#include "handlers/article_json.h"
#include "handlers/article_view.h"
#include "handlers/endpoints.h"
#include "server/respond.h"

static article_render_fn render;

void related_get(h2o_req_t *req, h2o_iovec_t variable)
{
    article_view(req, variable, "/related", render);
}

static void render(h2o_req_t *req, struct article_fetch *found)
{
    if (found->related_error != DB_OK) {
        respond_db_error(req, found->related_error, found->related_message);
        return;
    }
    json_object *body = related_answer_json(found->related);
    found->related = NULL; /* moved */
    article_view_add_related_status(req, found);
    respond_json(req, 200, body);
}
