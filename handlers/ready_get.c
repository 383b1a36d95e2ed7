/* GET /readyz     ready_get --> on_pong --> 200, or 503 with the reason
 *
 * Ready means: the database answers, and no drain has begun. "details" names faults with which requests can
 * still be served. */
#include <assert.h>
#include <stdio.h>

#include "base/container_of.h"
#include "db/query.h"
#include "handlers/endpoints.h"
#include "server/respond.h"
#include "server/service.h"

struct get {
    h2o_req_t *req;
    struct db_query ping;
};

static db_query_done_fn on_pong;
static void respond_ready(h2o_req_t *req);
static void on_gone(void *get);

void ready_get(h2o_req_t *req, const struct route_arguments *arguments)
{
    (void)arguments;
    if (service_of(req)->is_draining) {
        respond_unavailable(req, "not-ready", "The server is shutting down.");
        return;
    }
    struct get *get = h2o_mem_alloc_shared(&req->pool, sizeof(*get), on_gone);
    *get = (struct get){.req = req, .ping = {.statement = DB_PING, .done = on_pong}};
    db_query_start(service_of(req)->pool, &get->ping);
}

static void on_pong(struct db_query *ping)
{
    struct get *get = container_of(ping, struct get, ping);
    if (ping->error == DB_OK) {
        respond_ready(get->req);
        return;
    }
    /* Not the words of the server: those may name hosts and users, and are in the log. */
    static const char *const reason[] = {
        [DB_UNAVAILABLE] = "No connection to the database is up.",
        [DB_BUSY] = "Too many requests are waiting for the database.",
        [DB_TIMEOUT] = "The database did not answer in time.",
        [DB_FAILED] = "The database answered with an error.",
    };
    assert(ping->error < sizeof(reason) / sizeof(reason[0]));
    respond_unavailable(get->req, "not-ready", reason[ping->error]);
}

static void respond_ready(h2o_req_t *req)
{
    const char *unreliable = service_of(req)->unreliable;
    json_object *body = json_object_new_object();
    json_object_object_add(body, "status", json_object_new_string("ready"));
    if (unreliable[0] != '\0') {
        char text[SERVICE_REASON_SIZE + 96];
        snprintf(text, sizeof(text),
                 "Changes may go unreported, so nothing is answered from memory: %s", unreliable);
        json_object *details = json_object_new_array();
        json_object_array_add(details, json_object_new_string(text));
        json_object_object_add(body, "details", details);
    }
    respond_json(req, 200, body);
}

static void on_gone(void *p)
{
    struct get *get = p;
    db_query_cancel(&get->ping);
}
