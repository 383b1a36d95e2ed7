/* server/metrics.h - what one event loop counts about requests. Shown by handlers/metrics_get.c. */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include "base/counter.h"

/* Route 0 is whatever no route of the table is for, and what libh2o answered by itself. */
enum { METRICS_MAX_ROUTES = 16, METRICS_OTHER_ROUTE = 0, METRICS_NSTATUSES = 16 };

/* The statuses that are counted one by one; whatever else is sent is counted as the last, 0. */
extern const int metrics_statuses[METRICS_NSTATUSES];
extern const struct histogram_bounds metrics_latency_bounds_us;

/* Written by the loop's thread, read by any. Routes are numbered by the route table. */
struct metrics {
    struct counter requests[METRICS_MAX_ROUTES][METRICS_NSTATUSES];
    struct histogram latency_us[METRICS_MAX_ROUTES]; /* from parsed to written, or given up */
    struct counter in_flight;
    struct counter connections; /* of clients, open now */
    struct counter accepted;    /* since the start */
};

void metrics_count_request(struct metrics *metrics, unsigned route, int status, uint64_t took_us);

#endif
