/*     article_view --> article_address_id --> answer_cache_find ------------------------> show
 *                                                 \--> article_wait_start --> on_looked_up --> show, or the error
 *
 * on_gone: at any time after article_wait_start, also when the client leaves. */
#include "handlers/article_view.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/container_of.h"
#include "handlers/article_address.h"
#include "server/log.h"
#include "server/negotiate.h"
#include "server/respond.h"
#include "server/worker.h"

struct view {
    h2o_req_t *req;
    struct article_waiter waiter;
};

static article_waiter_done_fn on_looked_up;
static void on_gone(void *view);
static void show(h2o_req_t *req, struct answer *answer);
static const char *status_of(enum db_error error);
static void log_related(const struct article_fetch *found);

void article_view(h2o_req_t *req, h2o_iovec_t segment, const char *suffix, enum article_part part)
{
    struct worker *worker = worker_of(req);
    int64_t id;
    if (!article_address_id(req, segment, suffix, &id))
        return;
    struct answer *answer = answer_cache_find(&worker->answers, article_key(id, part), clock_us());
    if (answer != NULL) {
        show(req, answer);
        return;
    }
    struct view *view = h2o_mem_alloc_shared(&req->pool, sizeof(*view), on_gone);
    *view = (struct view){.req = req};
    article_wait_start(&view->waiter, &worker->answers, worker->pool, id, part, on_looked_up);
}

static void on_looked_up(struct article_waiter *waiter, const struct article_fetch *found,
                         struct answer *answer)
{
    h2o_req_t *req = container_of(waiter, struct view, waiter)->req;
    if (found->outcome == ARTICLE_FOUND && found->related_error != DB_OK)
        log_related(found);
    if (answer != NULL)
        show(req, answer);
    else if (found->outcome == ARTICLE_NOT_KNOWN)
        respond_db_error(req, found->error, found->message);
    else /* the list was all that was asked for */
        respond_db_error(req, found->related_error,
                         found->related_message[0] != '\0' ? found->related_message : NULL);
}

static void on_gone(void *p)
{
    struct view *view = p;
    article_wait_cancel(&view->waiter);
}

static void show(h2o_req_t *req, struct answer *answer)
{
    switch (answer->kind) {
    case ANSWER_ABSENT:
        respond_problem(req, 404, "no-such-article", "There is no article with this id.");
        return;
    case ANSWER_WITHDRAWN:
        respond_problem(req, 410, "article-withdrawn", "This article was withdrawn.");
        return;
    case ANSWER_OK:
        break;
    }
    bool with_gzip = negotiate_gzip(&req->headers);
    if (with_gzip)
        answer_cache_compress(&worker_of(req)->answers, answer);
    respond_add_header(req, "related-status", status_of(answer->related_error));
    if (answer->related_error != DB_OK)
        respond_add_header(req, "cache-control", "max-age=1");
    answer_respond(answer, req, with_gzip);
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
