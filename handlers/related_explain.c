/*     related_explain --> lists_worker_ask --> [the lists thread] the list is made --> on_answered
 *                                          --> [this thread] on_task --> respond
 *
 * on_late: the request has waited until its deadline. on_gone: at any time, also when the client leaves. Then
 * the question is forgotten; if it is being answered, its answer is dropped. */
#include "handlers/related_explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container_of.h"
#include "handlers/article.h"
#include "server/log.h"
#include "server/respond.h"
#include "server/service.h"

/* Lives until it is answered. */
struct asked {
    struct lists_question question;
    struct service *service;
    struct service_task task;
    struct waiting *waiting; /* NULL: nobody waits any more */
};

/* Lives as long as the request. */
struct waiting {
    h2o_req_t *req;
    struct asked *asked; /* NULL: the request was answered */
    struct timer late;
};

static lists_answered_fn on_answered;
static service_task_fn on_task;
static void respond(h2o_req_t *req, const struct lists_question *question);
static timer_fn on_late;
static void on_gone(void *waiting);
static void stop_waiting(struct waiting *waiting);

void related_explain(h2o_req_t *req, int64_t id)
{
    struct service *service = service_of(req);
    struct lists_worker *worker = service->process->lists_worker;
    const struct counter *connections = service->process->related_worker.connections;

    if (worker != NULL && counter_get(&connections[DB_CONN_IDLE]) == 0 &&
        counter_get(&connections[DB_CONN_BUSY]) == 0) {
        respond_db_error(req, DB_UNAVAILABLE, NULL);
        return;
    }
    struct asked *asked = h2o_mem_alloc(sizeof(*asked));
    struct waiting *waiting = h2o_mem_alloc_shared(&req->pool, sizeof(*waiting), on_gone);

    *asked = (struct asked){
        .question = {.article = id, .on_answered = on_answered},
        .service = service,
        .task = {.run = on_task},
        .waiting = waiting,
    };
    *waiting = (struct waiting){.req = req, .asked = asked};
    timer_init(&waiting->late, &service->loop, on_late);
    if (worker != NULL && lists_worker_ask(worker, &asked->question)) {
        timer_start(&waiting->late, service->deadline_ms);
        return;
    }
    waiting->asked = NULL;
    free(asked);
    respond_unavailable(req, "explanation-refused",
                        "The server explains no more lists now: other requests wait, or it starts "
                        "or stops. Try again in a moment.");
}

/* On the lists thread. */
static void on_answered(struct lists_question *question)
{
    struct asked *asked = container_of(question, struct asked, question);
    service_run(asked->service, &asked->task);
}

static void on_task(struct service_task *task)
{
    struct asked *asked = container_of(task, struct asked, task);
    struct waiting *waiting = asked->waiting;

    if (waiting != NULL) {
        waiting->asked = NULL;
        timer_finish(&waiting->late);
        respond(waiting->req, &asked->question);
    }
    free(asked->question.json);
    free(asked);
}

static void respond(h2o_req_t *req, const struct lists_question *question)
{
    switch (question->explained) {
    case LISTS_EXPLAINED:
        respond_add_header(req, "cache-control", "no-store");
        respond_text(req, 200, "application/json",
                     h2o_iovec_init(question->json, strlen(question->json)));
        return;
    case LISTS_EXPLAIN_ABSENT:
        respond_problem(req, 404, article_resource.absent.kind, article_resource.absent.detail);
        return;
    case LISTS_EXPLAIN_WITHDRAWN:
        respond_problem(req, 410, article_resource.withdrawn.kind,
                        article_resource.withdrawn.detail);
        return;
    case LISTS_EXPLAIN_UNREAD:
        respond_unavailable(req, "article-not-read",
                            "The text of the article has not been read yet, or can't be read. Try "
                            "again in a moment.");
        return;
    case LISTS_EXPLAIN_FAILED:
        break;
    }
    char id[24];
    snprintf(id, sizeof(id), "%" PRId64, question->article);
    log_event(LOG_WARN, "explanation_failed", {"article", id}, {"reason", question->reason});
    respond_unavailable(req, "explanation-failed", "The list can't be explained now.");
}

static void on_late(struct timer *timer)
{
    struct waiting *waiting = container_of(timer, struct waiting, late);

    stop_waiting(waiting);
    respond_problem(waiting->req, 504, "explanation-late",
                    "The list could not be explained in time: the server makes many lists, or its "
                    "database does not answer.");
}

static void on_gone(void *p)
{
    struct waiting *waiting = p;
    stop_waiting(waiting);
}

/* Allowed in any state. */
static void stop_waiting(struct waiting *waiting)
{
    struct asked *asked = waiting->asked;

    timer_finish(&waiting->late);
    waiting->asked = NULL;
    if (asked == NULL)
        return;
    asked->waiting = NULL;
    if (lists_worker_forget(asked->service->process->lists_worker, &asked->question))
        free(asked);
}
