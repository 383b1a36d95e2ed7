/* The output for operators: /metrics in the text format of Prometheus, /readyz, the log. */
#include <criterion/criterion.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/prometheus.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"

static const char *const env[] = {"BROADSHEET_THREADS=2", NULL};
static struct test_site site;

static void open_site(void)
{
    site = test_site_open(env);
}

static void close_site(void)
{
    test_site_close(&site);
}

TestSuite(metrics, .init = open_site, .fini = close_site, .timeout = 30);

static char *scrape(void)
{
    struct http_answer a = http_get(site.server, "/metrics");
    cr_assert_eq(a.status, 200);
    const char *type = http_field(&a, "content-type");
    cr_expect(type != NULL && strncmp(type, "text/plain; version=0.0.4", 25) == 0, "%s", type);
    char *text = strdup(a.body);
    http_answer_finish(&a);
    return text;
}

static double metric(const char *name, const char *labels)
{
    char *text = scrape();
    double sum = prometheus_sum(text, name, labels);
    free(text);
    return sum;
}

static void ask(const char *path, int status)
{
    struct http_answer a = http_get(site.server, path);
    cr_expect_eq(a.status, status, "%s: %d", path, a.status);
    http_answer_finish(&a);
}

Test(metrics, are_valid_prometheus_text_with_and_without_load)
{
    char *text = scrape();
    prometheus_check(text);
    free(text);
    for (int i = 0; i < 5; i++) {
        ask("/articles/1", 200);
        ask("/articles/1/related", 200);
        ask("/articles/article-1", 302);
        ask("/articles/0", 400);
        ask("/nothing", 404);
        ask("/articles/1?%22%0a=1", 400);
    }
    text = scrape();
    prometheus_check(text);
    free(text);
}

/* A request is counted when its answer is written, which may be after the client has the answer. */
static bool has_counted(const char *name, const char *labels, double expected)
{
    return WAIT_UNTIL(2000, metric(name, labels) == expected);
}

Test(metrics, count_requests_by_route_and_status)
{
    for (int i = 0; i < 3; i++)
        ask("/articles/1", 200);
    ask("/articles/999", 404);
    ask("/articles/999", 404);
    ask("/articles/2/related", 200);

    char *text = scrape();
    cr_expect(
        has_counted("broadsheet_http_requests_total", "route=\"/articles/{id}\",status=\"200\"", 3),
        "%s", text);
    cr_expect(has_counted("broadsheet_http_requests_total",
                          "route=\"/articles/{id}\",status=\"404\"", 2));
    cr_expect(has_counted("broadsheet_http_requests_total",
                          "route=\"/articles/{id}/related\",status=\"200\"", 1));
    cr_expect(has_counted("broadsheet_http_request_duration_seconds_count",
                          "route=\"/articles/{id}\"", 5) ||
              has_counted("broadsheet_http_request_duration_seconds_count",
                          "route=\"/articles/{id}/related\"", 1));
    free(text);
}

Test(metrics, show_open_requests_and_waiting_queries)
{
    enum { N = 20 };
    static const char *const long_deadline[] = {"BROADSHEET_THREADS=1",
                                                "BROADSHEET_DEADLINE_MS=10000", NULL};
    struct http_connection clients[N];
    struct test_server *first_server = site.server;
    site.server = test_server_start(site.url, long_deadline, NULL);
    PGconn *lock = test_lock(site.url, "article_views, related_views");
    clients[0] = http_open(site.server);
    http_send(&clients[0], "GET", "/articles/40", NULL, NULL); /* keeps both connections busy */
    cr_assert(WAIT_UNTIL(2000, test_waiting(site.url) == 2));
    ask_all(site.server, clients + 1, N - 1);
    cr_expect(WAIT_UNTIL(2000, metric("broadsheet_db_queue_length", "") == 2 * (N - 1)));
    cr_expect_geq(metric("broadsheet_http_requests_in_flight", ""), N);
    cr_expect_geq(metric("broadsheet_http_connections", ""), N);
    test_unlock(lock);
    for (int i = 0; i < N; i++) {
        struct http_answer a = http_receive(&clients[i], false);
        cr_expect(is_article(&a, i == 0 ? 40 : i), "%d", a.status);
        http_answer_finish(&a);
        http_close(&clients[i]);
    }
    /* The request for /metrics itself is one. */
    cr_expect(WAIT_UNTIL(2000, metric("broadsheet_http_requests_in_flight", "") <= 1));
    cr_expect(WAIT_UNTIL(2000, metric("broadsheet_http_connections", "") <= 1));
    cr_expect_eq(metric("broadsheet_db_queue_length", ""), 0);
    char *text = scrape();
    prometheus_check(text);
    double batches = prometheus_sum(text, "broadsheet_db_batch_ids_count", "");
    double ids = prometheus_sum(text, "broadsheet_db_batch_ids_sum", "");
    cr_expect_eq(ids, 2 * N, "%f ids", ids);
    cr_expect_lt(batches, N, "%f batches", batches);
    free(text);
    cr_expect_eq(test_server_stop(site.server), 0);
    site.server = first_server;
}

Test(metrics, show_connections_by_state_and_reconnects)
{
    cr_expect(WAIT_UNTIL(3000, metric("broadsheet_db_connections", "") == 4));
    cr_expect(metric("broadsheet_db_reconnects_total", "") == 0);
    test_sql(site.url, "select pg_terminate_backend(pid) from pg_stat_activity"
                       "  where datname = current_database() and pid <> pg_backend_pid()");
    cr_expect(WAIT_UNTIL(3000, metric("broadsheet_db_reconnects_total", "") == 4), "%f reconnects",
              metric("broadsheet_db_reconnects_total", ""));
}

Test(metrics, count_missed_deadlines)
{
    static const char *const short_deadline[] = {"BROADSHEET_THREADS=1",
                                                 "BROADSHEET_DEADLINE_MS=200", NULL};
    struct test_server *first_server = site.server;
    site.server = test_server_start(site.url, short_deadline, NULL);
    PGconn *lock = test_lock(site.url, "article_views");
    ask("/articles/1", 504);
    test_unlock(lock);
    cr_expect(has_counted("broadsheet_http_requests_total",
                          "route=\"/articles/{id}\",status=\"504\"", 1));
    cr_expect_eq(test_server_stop(site.server), 0);
    site.server = first_server;
}

Test(metrics, come_with_a_log_of_json_lines_without_a_password)
{
    static const char *const loud[] = {"BROADSHEET_LOG=debug", "BROADSHEET_THREADS=1", NULL};
    struct test_server *server = test_server_start(site.url, loud, NULL),
                       *first_server = site.server;
    site.server = server;
    ask("/articles/1", 200);
    ask("/articles/0", 400);
    ask("/articles/%22%0a%ff", 400);
    test_sql(site.url, "select pg_terminate_backend(pid) from pg_stat_activity"
                       "  where datname = current_database() and pid <> pg_backend_pid()");
    cr_expect(WAIT_UNTIL(2000, metric("broadsheet_db_reconnects_total", "") > 0));

    char *log = test_server_log(server), *rest = log;
    char *secret = test_url_part(site.url, "password");
    cr_expect_null(strstr(log, secret), "the password is in the log");
    for (char *line; (line = strsep(&rest, "\n")) != NULL && rest != NULL;) {
        struct json_object *row = json_tokener_parse(line), *value;
        cr_expect(json_object_is_type(row, json_type_object), "no JSON object: %s", line);
        cr_expect(json_object_object_get_ex(row, "event", &value), "no event: %s", line);
        cr_expect(json_object_object_get_ex(row, "level", &value), "no level: %s", line);
        cr_expect(json_object_object_get_ex(row, "time", &value), "no time: %s", line);
        json_object_put(row);
    }
    free(secret);
    free(log);
    cr_expect_eq(test_server_stop(server), 0);
    site.server = first_server;
}
