/* tests/e2e/metric.h - what a server says of itself. */
#ifndef BROADSHEET_TESTS_E2E_METRIC_H
#define BROADSHEET_TESTS_E2E_METRIC_H

#include "tests/support/server.h"

/* The sum of the samples on /metrics, as prometheus_sum has it; -1 where there is none. */
double metric_of(const struct test_server *server, const char *name, const char *labels);

/* The look-ups of articles that it has sent to PostgreSQL and has heard of, whatever came of
 * them. */
double article_lookups(const struct test_server *server);

/* That its change feed reads: from then on it may answer from memory. */
bool is_feed_up(const struct test_server *server);

#endif
