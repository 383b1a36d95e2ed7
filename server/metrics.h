/* server/metrics.h - numbers of the requests of one thread. handlers/metrics_get.c shows them. */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include "base/counter.h"

/* Route 0 stands for addresses that no route matches, and for requests that libh2o answered by itself. */
enum { METRICS_MAX_ROUTES = 16, METRICS_OTHER_ROUTE = 0, METRICS_NSTATUSES = 16 };

/* The statuses that are counted one by one. Any other status is counted as the last one, 0. */
extern const int metrics_statuses[METRICS_NSTATUSES];
extern const struct histogram_bounds metrics_latency_bounds_us;

/* Written by the loop's thread, read by any. Routes are numbered by the route table. */
struct metrics {
    struct counter requests[METRICS_MAX_ROUTES][METRICS_NSTATUSES];
    struct histogram latency_us[METRICS_MAX_ROUTES]; /* until the answer was written, or given up */
    struct counter in_flight;
    struct counter connections; /* of clients, open now */
    struct counter accepted;    /* since the start */
};

void metrics_count_request(struct metrics *metrics, unsigned route, int status, uint64_t took_us);

#endif
