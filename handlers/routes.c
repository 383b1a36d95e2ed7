/*     on_request --> match the path --> the method --> the query --> the handler ... --> on_over
 *
 * on_over runs when libh2o disposes of the request, written or given up, and counts it. */
#include "handlers/routes.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "handlers/endpoints.h"
#include "server/respond.h"
#include "server/worker.h"

const struct route routes[ROUTES_N] = {
    [METRICS_OTHER_ROUTE] = {NULL, NULL},
    {"/articles/{id}", article_get},
    {"/articles/{id}/related", related_get},
    {"/healthz", health_get},
    {"/readyz", ready_get},
    {"/metrics", metrics_get},
};

/* A request from its arrival to its end. */
struct exchange {
    h2o_req_t *req;
    unsigned route;
    uint64_t began_us;
};

static int on_request(h2o_handler_t *self, h2o_req_t *req);
static unsigned match(h2o_iovec_t path, h2o_iovec_t *ret_variable);
static bool matches(const char *pattern, h2o_iovec_t path, h2o_iovec_t *ret_variable);
static bool is_query_known(h2o_req_t *req);
static void on_over(void *exchange);

void routes_register(h2o_hostconf_t *host)
{
    /* A target that does not begin with "/" ("*", an absolute URL) goes to the fallback. */
    h2o_pathconf_t *paths[] = {h2o_config_register_path(host, "/", 0), &host->fallback_path};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        h2o_create_handler(paths[i], sizeof(h2o_handler_t))->on_req = on_request;
        respond_register_problem_filter(paths[i]);
    }
}

static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
    (void)self;
    h2o_iovec_t path = h2o_iovec_init(
        req->path.base, req->query_at < req->path.len ? req->query_at : req->path.len);
    h2o_iovec_t variable = {0};
    unsigned route = match(path, &variable);

    struct exchange *exchange = h2o_mem_alloc_shared(&req->pool, sizeof(*exchange), on_over);
    *exchange = (struct exchange){.req = req, .route = route, .began_us = clock_us()};
    counter_add(&worker_of(req)->metrics.in_flight, 1);

    if (routes[route].get == NULL) {
        respond_problem(req, 404, "no-such-address", "Nothing is served at this address.");
    } else if (!h2o_memis(req->method.base, req->method.len, H2O_STRLIT("GET")) &&
               !h2o_memis(req->method.base, req->method.len, H2O_STRLIT("HEAD"))) {
        respond_add_header(req, "allow", "GET, HEAD");
        respond_problem(req, 405, "method-not-allowed", "This address takes GET and HEAD alone.");
    } else if (is_query_known(req)) {
        routes[route].get(req, variable);
    }
    return 0;
}

static unsigned match(h2o_iovec_t path, h2o_iovec_t *ret_variable)
{
    for (unsigned i = 1; i < ROUTES_N; i++) {
        if (matches(routes[i].pattern, path, ret_variable))
            return i;
    }
    return METRICS_OTHER_ROUTE;
}

/* Compares the path as it was sent, segment by segment: an encoded slash never divides segments. */
static bool matches(const char *pattern, h2o_iovec_t path, h2o_iovec_t *ret_variable)
{
    const char *at = path.base, *end = path.base + path.len;
    for (const char *p = pattern; *p != '\0';) {
        if (*p != '{') {
            if (at == end || *at++ != *p++)
                return false;
            continue;
        }
        const char *from = at;
        while (at < end && *at != '/')
            at++;
        if (at == from)
            return false;
        *ret_variable = h2o_iovec_init(from, at - from);
        p = strchr(p, '}') + 1;
    }
    return at == end;
}

/* No address takes a parameter yet. One that is not known is refused and not ignored: that finds
 * typing errors, and keeps one answer at one address for the caches on the way. */
static bool is_query_known(h2o_req_t *req)
{
    if (req->query_at >= req->path.len || req->query_at + 1 == req->path.len)
        return true;
    const char *from = req->path.base + req->query_at + 1;
    size_t left = req->path.len - req->query_at - 1, length = 0;
    while (length < left && from[length] != '=' && from[length] != '&')
        length++;

    char name[64], detail[128];
    size_t n = 0;
    for (; n < length && n < sizeof(name) - 1; n++)
        name[n] = from[n] > 0x20 && from[n] < 0x7f ? from[n] : '?';
    name[n] = '\0';
    snprintf(detail, sizeof(detail), "There is no query parameter \"%s\" here.", name);
    respond_problem(req, 400, "unknown-parameter", detail);
    return false;
}

static void on_over(void *p)
{
    const struct exchange *exchange = p;
    struct worker *worker = worker_of(exchange->req);
    int status = exchange->req->res.status;

    counter_sub(&worker->metrics.in_flight, 1);
    metrics_count_request(&worker->metrics, exchange->route, status,
                          clock_us() - exchange->began_us);
}
