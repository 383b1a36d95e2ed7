/* handlers/routes.h - which address is answered by which handler. */
#ifndef HANDLERS_ROUTES_H
#define HANDLERS_ROUTES_H

#include <h2o.h>

/* A handler answers a GET or HEAD (libh2o leaves the body out) sooner or later, always by a function
 * of server/respond.h. variable: the segment that stands for {...} in the pattern, raw, lent until the
 * request is answered; empty where the pattern has none. */
typedef void route_fn(h2o_req_t *req, h2o_iovec_t variable);

struct route {
    const char *pattern; /* whole segments; one may be {...}, which takes any */
    route_fn *get;
};

/* The table. The first, METRICS_OTHER_ROUTE, has no pattern: it is what no other matched. */
enum { ROUTES_N = 6 };
extern const struct route routes[ROUTES_N];

/* Puts the table on a host. */
void routes_register(h2o_hostconf_t *host);

#endif
