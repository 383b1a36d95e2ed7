/* handlers/routes.h - which handler answers which address. */
#ifndef HANDLERS_ROUTES_H
#define HANDLERS_ROUTES_H

#include <h2o.h>

#include "handlers/query_parameters.h"
#include "server/metrics.h"

/* The variable parts of the address of a request, as they were sent; lent until the request is answered. */
struct route_arguments {
    h2o_iovec_t variable;                     /* the segment in the place of {...}, or empty */
    h2o_iovec_t values[QUERY_MAX_PARAMETERS]; /* in the order of the route's parameters */
};

/* A handler answers a GET or HEAD (libh2o omits the body) now or later, always by a function of
 * server/respond.h. */
typedef void route_fn(h2o_req_t *req, const struct route_arguments *arguments);

struct route {
    const char *pattern; /* whole segments; one may be {...}, which matches any segment */
    route_fn *get;
    const char *parameters[QUERY_MAX_PARAMETERS + 1]; /* of the query; NULL at the end */
};

/* The table. The first route, METRICS_OTHER_ROUTE, has no pattern: it stands for all other addresses. */
enum { ROUTES_N = 7 };
static_assert((int)ROUTES_N <= (int)METRICS_MAX_ROUTES, "each route is counted by itself");
extern const struct route routes[ROUTES_N];

/* Puts the table on a host. */
void routes_register(h2o_hostconf_t *host);

#endif
