/* tests/e2e/metric.h - figures of /metrics. */
#ifndef BROADSHEET_TESTS_E2E_METRIC_H
#define BROADSHEET_TESTS_E2E_METRIC_H

#include "tests/support/server.h"

/* The sum of the samples on /metrics, as in prometheus_sum; -1 when there is no sample. */
double metric_of(const struct test_server *server, const char *name, const char *labels);

/* The number of look-ups of articles for which PostgreSQL has answered or failed. */
double article_lookups(const struct test_server *server);

/* Does its change feed read? From then on it may answer from memory. */
bool is_feed_up(const struct test_server *server);

#endif
