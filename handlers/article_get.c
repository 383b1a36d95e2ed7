/* GET /articles/{id}     article_get --> on_fetched --> the answer
 * GET /articles/{slug}   article_get --> article_address_id
 *
 * on_gone: at any time after article_get, also when the client leaves. */
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

void article_get(h2o_req_t *req, h2o_iovec_t variable)
{
    int64_t id;
    if (!article_address_id(req, variable, "", &id))
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
    json_object *body = article_answer_json(fetch->article, fetch->related);
    fetch->article = fetch->related = NULL; /* moved */
    article_fetch_add_related_status(fetch, get->req);
    respond_json(get->req, 200, body);
}

static void on_gone(void *p)
{
    struct get *get = p;
    article_fetch_cancel(&get->fetch);
}
