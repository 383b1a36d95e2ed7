#include "tests/e2e/metric.h"

#include "tests/e2e/prometheus.h"
#include "tests/support/http.h"

double metric_of(const struct test_server *server, const char *name, const char *labels)
{
    struct http_answer a = http_get(server, "/metrics");
    double sum = a.status == 200 ? prometheus_sum(a.body, name, labels) : -1;
    http_answer_finish(&a);
    return sum;
}

double article_lookups(const struct test_server *server)
{
    return metric_of(server, "broadsheet_db_queries_total", "statement=\"article_by_id\"");
}

bool is_feed_up(const struct test_server *server)
{
    return metric_of(server, "broadsheet_change_feed_up", "") == 1;
}
