/*     on_request --> match the path --> the method --> the query --> the handler ... --> on_over
 *
 * on_over runs when libh2o disposes of the request, whether its answer was written or not, and counts it. */
#include "handlers/routes.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "handlers/endpoints.h"
#include "server/respond.h"
#include "server/service.h"

const struct route routes[ROUTES_N] = {
    [METRICS_OTHER_ROUTE] = {NULL, NULL, {NULL}},
    {"/articles/{id}", article_get, {NULL}},
    {"/articles/{id}/related", related_get, {"explain"}},
    {"/healthz", health_get, {NULL}},
    {"/readyz", ready_get, {NULL}},
    {"/metrics", metrics_get, {NULL}},
    {"/weather", weather_get, {"cities"}},
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
static bool read_query(h2o_req_t *req, const struct route *route,
                       struct route_arguments *arguments);
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
    struct route_arguments arguments = {0};
    unsigned route = match(path, &arguments.variable);
    assert(route < ROUTES_N);

    struct exchange *exchange = h2o_mem_alloc_shared(&req->pool, sizeof(*exchange), on_over);
    *exchange = (struct exchange){.req = req, .route = route, .began_us = clock_us()};
    counter_add(&service_of(req)->metrics.in_flight, 1);

    if (routes[route].get == NULL) {
        respond_problem(req, 404, "no-such-address", "Nothing is served at this address.");
    } else if (!h2o_memis(req->method.base, req->method.len, H2O_STRLIT("GET")) &&
               !h2o_memis(req->method.base, req->method.len, H2O_STRLIT("HEAD"))) {
        respond_add_header(req, "allow", "GET, HEAD");
        respond_problem(req, 405, "method-not-allowed", "This address takes only GET and HEAD.");
    } else if (read_query(req, &routes[route], &arguments)) {
        routes[route].get(req, &arguments);
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

/* A parameter that is not known is refused and not ignored: that finds typing errors, and keeps one answer at
 * one address for the caches on the way. */
static bool read_query(h2o_req_t *req, const struct route *route, struct route_arguments *arguments)
{
    if (req->query_at >= req->path.len)
        return true;
    h2o_iovec_t name, query = h2o_iovec_init(req->path.base + req->query_at + 1,
                                             req->path.len - req->query_at - 1);
    enum query_parameters_fault fault =
        query_parameters_read(query, route->parameters, arguments->values, &name);
    if (fault == QUERY_PARAMETERS_FINE)
        return true;

    char shown[64], detail[128];
    size_t n = 0;
    for (; n < name.len && n < sizeof(shown) - 1; n++)
        shown[n] = name.base[n] > 0x20 && name.base[n] < 0x7f ? name.base[n] : '?';
    shown[n] = '\0';
    bool is_repeated = fault == QUERY_PARAMETERS_REPEATED;
    snprintf(detail, sizeof(detail),
             is_repeated ? "The query parameter \"%s\" may be given once."
                         : "There is no query parameter \"%s\" here.",
             shown);
    respond_problem(req, 400, is_repeated ? "repeated-parameter" : "unknown-parameter", detail);
    return false;
}

static void on_over(void *p)
{
    const struct exchange *exchange = p;
    struct service *service = service_of(exchange->req);
    int status = exchange->req->res.status;

    assert(counter_get(&service->metrics.in_flight) > 0);
    counter_sub(&service->metrics.in_flight, 1);
    metrics_count_request(&service->metrics, exchange->route, status,
                          clock_us() - exchange->began_us);
}
