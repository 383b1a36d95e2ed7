#include <criterion/criterion.h>
#include <signal.h>

#include "server/metrics.h"

static struct metrics metrics;

static size_t index_of(int status)
{
    size_t i = 0;
    while (i < METRICS_NSTATUSES && metrics_statuses[i] != status)
        i++;
    return i;
}

Test(metrics, counts_each_status_and_route_separately)
{
    metrics_count_request(&metrics, 1, 200, 100);
    metrics_count_request(&metrics, 1, 200, 100);
    metrics_count_request(&metrics, 1, 404, 100);
    metrics_count_request(&metrics, 2, 200, 100);
    cr_expect_eq(counter_get(&metrics.requests[1][index_of(200)]), 2);
    cr_expect_eq(counter_get(&metrics.requests[1][index_of(404)]), 1);
    cr_expect_eq(counter_get(&metrics.requests[2][index_of(200)]), 1);
    cr_expect_eq(counter_get(&metrics.requests[0][index_of(200)]), 0);
}

Test(metrics, counts_a_status_that_it_does_not_know_as_other)
{
    const int odd[] = {100, 202, 299, 418, 505, 599, 999, 1, -1};
    size_t nodd = sizeof(odd) / sizeof(odd[0]);
    for (size_t i = 0; i < nodd; i++)
        metrics_count_request(&metrics, METRICS_MAX_ROUTES - 1, odd[i], 0);
    cr_expect_eq(metrics_statuses[METRICS_NSTATUSES - 1], 0);
    for (size_t i = 0; i < METRICS_NSTATUSES; i++)
        cr_expect_eq(counter_get(&metrics.requests[METRICS_MAX_ROUTES - 1][i]),
                     i == METRICS_NSTATUSES - 1 ? nodd : 0);
}

Test(metrics, knows_every_status_that_the_contract_names)
{
    const int named[] = {200, 302, 400, 404, 405, 410, 413, 503, 504};
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
        cr_expect_lt(index_of(named[i]), METRICS_NSTATUSES - 1, "%d", named[i]);
    for (size_t i = 0; i < METRICS_NSTATUSES; i++)
        cr_expect_eq(index_of(metrics_statuses[i]), i, "%d occurs twice", metrics_statuses[i]);
}

Test(metrics, puts_the_time_of_a_request_into_its_routes_histogram)
{
    metrics_count_request(&metrics, 3, 200, 250);
    metrics_count_request(&metrics, 3, 500, 251);
    metrics_count_request(&metrics, 3, 504, 60000000);
    cr_expect_eq(counter_get(&metrics.latency_us[3].bucket[0]), 1);
    cr_expect_eq(counter_get(&metrics.latency_us[3].bucket[1]), 1);
    cr_expect_eq(counter_get(&metrics.latency_us[3].bucket[metrics_latency_bounds_us.n]), 1);
    cr_expect_eq(counter_get(&metrics.latency_us[3].sum), 60000501);
    cr_expect_eq(counter_get(&metrics.latency_us[0].sum), 0);
}

Test(metrics, aborts_on_a_route_that_does_not_exist, .signal = SIGABRT)
{
    metrics_count_request(&metrics, METRICS_MAX_ROUTES, 200, 0);
}
