/* GET /readyz     ready_get --> on_pong --> 200, or 503 with the reason
 *
 * Ready is who can answer for an article: the database answers, and no drain has begun. */
#include <stdio.h>

#include "base/container_of.h"
#include "db/query.h"
#include "handlers/endpoints.h"
#include "server/respond.h"
#include "server/worker.h"

struct get {
    h2o_req_t *req;
    struct db_query ping;
};

static db_query_done_fn on_pong;
static void on_gone(void *get);

void ready_get(h2o_req_t *req, h2o_iovec_t variable)
{
    (void)variable;
    if (worker_is_draining(worker_of(req))) {
        respond_unavailable(req, "not-ready", "The server is shutting down.");
        return;
    }
    struct get *get = h2o_mem_alloc_shared(&req->pool, sizeof(*get), on_gone);
    *get = (struct get){.req = req, .ping = {.statement = DB_PING, .done = on_pong}};
    db_query_start(worker_of(req)->pool, &get->ping);
}

static void on_pong(struct db_query *ping)
{
    struct get *get = container_of(ping, struct get, ping);
    if (ping->error == DB_OK) {
        json_object *body = json_object_new_object();
        json_object_object_add(body, "status", json_object_new_string("ready"));
        respond_json(get->req, 200, body);
        return;
    }
    /* In words, but not the server's own: those may name hosts and users, and stand in the log. */
    const char *reason[] = {
        [DB_UNAVAILABLE] = "No connection to the database is up.",
        [DB_BUSY] = "Too many requests are waiting for the database.",
        [DB_TIMEOUT] = "The database did not answer in time.",
        [DB_FAILED] = "The database answered with an error.",
    };
    respond_unavailable(get->req, "not-ready", reason[ping->error]);
}

static void on_gone(void *p)
{
    struct get *get = p;
    db_query_cancel(&get->ping);
}
