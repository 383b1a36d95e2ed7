#include "server/metrics.h"

#include <assert.h>

const int metrics_statuses[METRICS_NSTATUSES] = {200, 302, 304, 400, 404, 405, 410, 413,
                                                 417, 500, 501, 503, 504, 204, 301, 0};
const struct histogram_bounds metrics_latency_bounds_us = {14,
                                                           {250, 500, 1000, 2500, 5000, 10000,
                                                            25000, 50000, 100000, 250000, 500000,
                                                            1000000, 2500000, 5000000}};

void metrics_count_request(struct metrics *metrics, unsigned route, int status, uint64_t took_us)
{
    assert(route < METRICS_MAX_ROUTES);
    size_t i = 0;
    while (i < METRICS_NSTATUSES - 1 && metrics_statuses[i] != status)
        i++;
    counter_add(&metrics->requests[route][i], 1);
    histogram_add(&metrics->latency_us[route], &metrics_latency_bounds_us, took_us);
}
