/* How the server ends: it accepts no more connections, finishes its requests, and exits with 0. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "tests/support/site.h"
#include "tests/support/wait.h"

enum { NREQUESTS = 30, SLACK_MS = 500 * TEST_PATIENCE };

static const char *const long_deadline[] = {"BROADSHEET_CACHE_MB=0", "BROADSHEET_THREADS=2",
                                            "BROADSHEET_DEADLINE_MS=20000", NULL};
static const char *const short_deadline[] = {"BROADSHEET_CACHE_MB=0", "BROADSHEET_THREADS=2",
                                             "BROADSHEET_DEADLINE_MS=1000", NULL};

TestSuite(drain, .timeout = 60);

static struct http_connection clients[NREQUESTS];

static bool is_refused(const struct test_site *site)
{
    struct http_connection c = http_open(site->server);
    bool is = c.fd < 0;
    http_close(&c);
    return is;
}

static void drain_with_requests(int signal_number)
{
    struct test_site site = test_site_open(long_deadline);
    PGconn *lock = test_lock(site.url, "article_views, related_views");
    ask_all(site.server, clients, NREQUESTS);
    cr_assert(WAIT_UNTIL(2000, test_waiting(site.url) == 4), "%ld at work", test_waiting(site.url));

    test_server_signal(site.server, signal_number);
    cr_expect(WAIT_UNTIL(2000, is_refused(&site)), "new connections are still accepted");
    test_unlock(lock);
    for (int i = 0; i < NREQUESTS; i++) {
        struct http_answer a = http_receive(&clients[i], false);
        cr_expect(is_article(&a, i + 1), "%d: %d %.200s", i + 1, a.status, a.body);
        const char *connection = http_field(&a, "connection");
        cr_expect(connection != NULL && strcmp(connection, "close") == 0, "Connection is %s",
                  connection);
        cr_expect(http_is_closed(&clients[i], 1000 * TEST_PATIENCE), "the connection stays open");
        http_answer_finish(&a);
        http_close(&clients[i]);
    }
    uint64_t start = test_now_ms();
    test_site_close(&site);
    cr_expect_lt(test_now_ms() - start, 1000 * TEST_PATIENCE, "it does not end in time");
}

Test(drain, answers_all_open_requests_at_sigterm)
{
    drain_with_requests(SIGTERM);
}

Test(drain, answers_all_open_requests_at_sigint)
{
    drain_with_requests(SIGINT);
}

Test(drain, ends_by_the_deadline_when_the_database_does_not_answer)
{
    struct test_site site = test_site_open(short_deadline);
    PGconn *lock = test_lock(site.url, "article_views, related_views");
    ask_all(site.server, clients, NREQUESTS);
    cr_assert(WAIT_UNTIL(900, test_waiting(site.url) >= 2));

    uint64_t start = test_now_ms();
    test_server_signal(site.server, SIGTERM);
    for (int i = 0; i < NREQUESTS; i++) {
        struct http_answer a = http_receive(&clients[i], false);
        expect_problem(&a, 504, "waiting at SIGTERM");
        http_answer_finish(&a);
        http_close(&clients[i]);
    }
    test_site_close(&site);
    cr_expect_lt(test_now_ms() - start, 1000 + SLACK_MS);
    test_unlock(lock);
}

Test(drain, does_not_wait_for_idle_connections)
{
    struct test_site site = test_site_open(long_deadline);
    struct http_connection silent = http_open(site.server);
    ask_all(site.server, clients, NREQUESTS);
    for (int i = 0; i < NREQUESTS; i++) {
        struct http_answer a = http_receive(&clients[i], false);
        cr_expect(is_article(&a, i + 1), "%d: %d", i, a.status);
        http_answer_finish(&a);
    }
    uint64_t start = test_now_ms();
    test_site_close(&site);
    cr_expect_lt(test_now_ms() - start, 1000 + SLACK_MS);
    for (int i = 0; i < NREQUESTS; i++)
        http_close(&clients[i]);
    http_close(&silent);
}

Test(drain, ends_by_the_deadline_when_a_client_sends_half_a_request)
{
    struct test_site site = test_site_open(short_deadline);
    struct http_connection half = http_open(site.server);
    http_send_raw(&half, "GET /articles/1 HTTP/1.1\r\nHost: a\r\n", 35);
    cr_expect(is_served(site.server, 1));

    uint64_t start = test_now_ms();
    test_site_close(&site);
    cr_expect_lt(test_now_ms() - start, 1000 + SLACK_MS);
    http_close(&half);
}

Test(drain, ends_by_the_deadline_when_a_client_does_not_read_its_answer)
{
    struct test_site site = test_site_open(short_deadline);
    test_sql(site.url, "update articles set body = repeat('0123456789', 2000000) where id = 1");
    struct http_connection deaf = http_open(site.server);
    http_send(&deaf, "GET", "/articles/1", NULL, NULL);
    cr_expect(is_served(site.server, 2));

    uint64_t start = test_now_ms();
    test_site_close(&site);
    cr_expect_lt(test_now_ms() - start, 2000 + SLACK_MS);
    http_close(&deaf);
}
