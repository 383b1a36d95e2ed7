/*     resource_respond --> answer_cache_find --> [found] respond
 *                                           \-> [not] lookup_wait_start --> on_looked_up --> respond
 *
 * on_gone: at any time after lookup_wait_start, also when the client leaves. */
#include "server/resource.h"

#include <assert.h>

#include "base/clock.h"
#include "base/container_of.h"
#include "server/negotiate.h"
#include "server/respond.h"
#include "server/service.h"

struct request {
    h2o_req_t *req;
    const struct resource *resource;
    struct lookup_waiter waiter;
};

static lookup_waiter_done_fn on_looked_up;
static void on_gone(void *request);
static void respond(h2o_req_t *req, const struct resource *resource, struct answer *answer);

void resource_respond(h2o_req_t *req, const struct resource *resource, const struct answer_key *key,
                      int64_t id, unsigned part)
{
    struct service *service = service_of(req);
    struct answer_key own = answer_key_of_part(*key, part);
    struct answer *answer = answer_cache_find(&service->answers, &own, clock_us());
    if (answer != NULL) {
        respond(req, resource, answer);
        return;
    }
    struct request *request = h2o_mem_alloc_shared(&req->pool, sizeof(*request), on_gone);
    *request = (struct request){.req = req, .resource = resource};
    lookup_wait_start(&request->waiter, service, resource, key, id, part, on_looked_up);
}

static void on_looked_up(struct lookup_waiter *waiter, const struct lookup_result *result)
{
    struct request *request = container_of(waiter, struct request, waiter);
    assert((result->answer != NULL) == (result->error == DB_OK));
    if (result->answer != NULL)
        respond(request->req, request->resource, result->answer);
    else
        respond_db_error(request->req, result->error, result->message);
}

static void on_gone(void *p)
{
    struct request *request = p;
    lookup_wait_cancel(&request->waiter);
}

static void respond(h2o_req_t *req, const struct resource *resource, struct answer *answer)
{
    switch (answer->kind) {
    case ANSWER_ABSENT:
        respond_problem(req, 404, resource->absent.kind, resource->absent.detail);
        return;
    case ANSWER_WITHDRAWN:
        respond_problem(req, 410, resource->withdrawn.kind, resource->withdrawn.detail);
        return;
    case ANSWER_OK:
        break;
    }
    bool with_gzip = negotiate_gzip(&req->headers);
    if (with_gzip)
        answer_cache_compress(&service_of(req)->answers, answer);
    if (resource->add_headers != NULL)
        resource->add_headers(req, answer);
    if (answer->missing != DB_OK)
        respond_add_header(req, "cache-control", "max-age=1");
    answer_respond(answer, req, with_gzip);
}
