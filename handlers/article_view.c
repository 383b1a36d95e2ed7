/*     article_view --> article_address_id --> article_fetch_start --> on_fetched --> render
 *
 * on_gone: at any time after article_view, also when the client leaves. */
#include "handlers/article_view.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/container_of.h"
#include "handlers/article_address.h"
#include "server/log.h"
#include "server/respond.h"
#include "server/worker.h"

struct view {
    h2o_req_t *req;
    article_render_fn *render;
    struct article_fetch fetch;
};

static article_fetch_done_fn on_fetched;
static void on_gone(void *view);
static const char *status_of(enum db_error error);
static void log_related(const struct article_fetch *found);

void article_view(h2o_req_t *req, h2o_iovec_t segment, const char *suffix,
                  article_render_fn *render)
{
    int64_t id;
    if (!article_address_id(req, segment, suffix, &id))
        return;
    struct view *view = h2o_mem_alloc_shared(&req->pool, sizeof(*view), on_gone);
    view->req = req;
    view->render = render;
    article_fetch_start(&view->fetch, worker_of(req)->pool, id, on_fetched);
}

static void on_fetched(struct article_fetch *fetch)
{
    struct view *view = container_of(fetch, struct view, fetch);
    switch (fetch->outcome) {
    case ARTICLE_FOUND:
        view->render(view->req, fetch);
        return;
    case ARTICLE_ABSENT:
        respond_problem(view->req, 404, "no-such-article", "There is no article with this id.");
        return;
    case ARTICLE_WITHDRAWN:
        respond_problem(view->req, 410, "article-withdrawn", "This article was withdrawn.");
        return;
    case ARTICLE_NOT_KNOWN:
        respond_db_error(view->req, fetch->error, fetch->message);
        return;
    }
}

static void on_gone(void *p)
{
    struct view *view = p;
    article_fetch_cancel(&view->fetch);
}

void article_view_add_related_status(h2o_req_t *req, const struct article_fetch *found)
{
    respond_add_header(req, "related-status", status_of(found->related_error));
    if (found->related_error == DB_OK)
        return;
    respond_add_header(req, "cache-control", "max-age=1");
    log_related(found);
}

/* The client is told by a header alone, so the operator is told here. */
static void log_related(const struct article_fetch *found)
{
    static _Thread_local struct log_limit limit;
    unsigned left_out;
    if (!log_may_repeat(&limit, &left_out))
        return;
    char id[24], not_logged[16];
    snprintf(id, sizeof(id), "%" PRId64, found->_related.id);
    snprintf(not_logged, sizeof(not_logged), "%u", left_out);
    log_event(LOG_WARN, "related_failed", {"article", id},
              {"related_status", status_of(found->related_error)},
              {"database", found->related_message[0] != '\0' ? found->related_message : NULL},
              {"not_logged", left_out > 0 ? not_logged : NULL});
}

static const char *status_of(enum db_error error)
{
    return error == DB_OK ? "ok" : error == DB_TIMEOUT ? "timeout" : "unavailable";
}
