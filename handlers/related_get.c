/* GET /articles/{id}/related     related_get --> on_fetched --> the answer, or article_address_id
 *
 * The same look-ups as the whole article's, so that a list is there exactly when its article is. But
 * where the list is all that was asked for, a list that can't be had is an error. */
#include "base/container_of.h"
#include "handlers/article_address.h"
#include "handlers/article_fetch.h"
#include "handlers/article_json.h"
#include "handlers/endpoints.h"
#include "server/respond.h"
#include "server/worker.h"

struct get {
    h2o_req_t *req;
    struct article_fetch fetch;
};

static article_fetch_done_fn on_fetched;
static void on_gone(void *get);

void related_get(h2o_req_t *req, h2o_iovec_t variable)
{
    int64_t id;
    if (!article_address_id(req, variable, "/related", &id))
        return;
    struct get *get = h2o_mem_alloc_shared(&req->pool, sizeof(*get), on_gone);
    get->req = req;
    article_fetch_start(&get->fetch, worker_of(req)->pool, id, on_fetched);
}

static void on_fetched(struct article_fetch *fetch)
{
    struct get *get = container_of(fetch, struct get, fetch);
    if (fetch->outcome != ARTICLE_FOUND) {
        article_fetch_respond_not_found(fetch, get->req);
        return;
    }
    if (fetch->related_error != DB_OK) {
        respond_db_error(get->req, fetch->related_error, fetch->related_message);
        return;
    }
    json_object *body = related_answer_json(fetch->related);
    fetch->related = NULL; /* moved */
    article_fetch_add_related_status(fetch, get->req);
    respond_json(get->req, 200, body);
}

static void on_gone(void *p)
{
    struct get *get = p;
    article_fetch_cancel(&get->fetch);
}
