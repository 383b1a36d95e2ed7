/* How the server ends: it takes no more, finishes what it has, and leaves with 0. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "tests/support/site.h"
#include "tests/support/wait.h"

enum { IN_FLIGHT = 30, SLACK_MS = 500 * TEST_SLOWNESS };

static const char *const patient[] = {"BROADSHEET_CACHE_MB=0", "BROADSHEET_THREADS=2",
                                      "BROADSHEET_DEADLINE_MS=8000", NULL};
static const char *const brisk[] = {"BROADSHEET_CACHE_MB=0", "BROADSHEET_THREADS=2",
                                    "BROADSHEET_DEADLINE_MS=1000", NULL};

TestSuite(drain, .timeout = 30);

static struct http_connection clients[IN_FLIGHT];

static bool is_refused(const struct test_site *site)
{
    struct http_connection c = http_open(site->server);
    bool is = c.fd < 0;
    http_close(&c);
    return is;
}

static void drain_in_flight(int signal_number)
{
    struct test_site site = test_site_open(patient);
    PGconn *lock = test_lock(site.url, "article_views, related_views");
    ask_all(site.server, clients, IN_FLIGHT);
    cr_assert(WAIT_UNTIL(2000, test_waiting(site.url) == 4), "%ld at work", test_waiting(site.url));

    test_server_signal(site.server, signal_number);
    cr_expect(WAIT_UNTIL(2000, is_refused(&site)), "new connections are still taken");
    test_unlock(lock);
    for (int i = 0; i < IN_FLIGHT; i++) {
        struct http_answer a = http_receive(&clients[i], false);
        cr_expect(is_article(&a, i + 1), "%d: %d %.200s", i + 1, a.status, a.body);
        const char *connection = http_field(&a, "connection");
        cr_expect(connection != NULL && strcmp(connection, "close") == 0, "Connection is %s",
                  connection);
        cr_expect(http_is_closed(&clients[i], 1000 * TEST_SLOWNESS), "the connection stays open");
        http_answer_finish(&a);
        http_close(&clients[i]);
    }
    uint64_t start = test_now_ms();
    test_site_close(&site);
    cr_expect_lt(test_now_ms() - start, 1000 * TEST_SLOWNESS, "it took its time to leave");
}

Test(drain, at_sigterm_what_is_in_flight_is_answered)
{
    drain_in_flight(SIGTERM);
}

Test(drain, at_sigint_what_is_in_flight_is_answered)
{
    drain_in_flight(SIGINT);
}

Test(drain, is_over_by_the_deadline_when_the_database_does_not_answer)
{
    struct test_site site = test_site_open(brisk);
    PGconn *lock = test_lock(site.url, "article_views, related_views");
    ask_all(site.server, clients, IN_FLIGHT);
    cr_assert(WAIT_UNTIL(900, test_waiting(site.url) >= 2));

    uint64_t start = test_now_ms();
    test_server_signal(site.server, SIGTERM);
    for (int i = 0; i < IN_FLIGHT; i++) {
        struct http_answer a = http_receive(&clients[i], false);
        expect_problem(&a, 504, "in lookup at SIGTERM");
        http_answer_finish(&a);
        http_close(&clients[i]);
    }
    test_site_close(&site);
    cr_expect_lt(test_now_ms() - start, 1000 + SLACK_MS);
    test_unlock(lock);
}

Test(drain, does_not_wait_for_connections_on_which_nothing_is_asked)
{
    struct test_site site = test_site_open(patient);
    struct http_connection silent = http_open(site.server);
    ask_all(site.server, clients, IN_FLIGHT);
    for (int i = 0; i < IN_FLIGHT; i++) {
        struct http_answer a = http_receive(&clients[i], false);
        cr_expect(is_article(&a, i + 1), "%d: %d", i, a.status);
        http_answer_finish(&a);
    }
    uint64_t start = test_now_ms();
    test_site_close(&site);
    cr_expect_lt(test_now_ms() - start, 1000 + SLACK_MS);
    for (int i = 0; i < IN_FLIGHT; i++)
        http_close(&clients[i]);
    http_close(&silent);
}

Test(drain, is_over_by_the_deadline_when_a_client_sends_half_a_request)
{
    struct test_site site = test_site_open(brisk);
    struct http_connection half = http_open(site.server);
    http_send_raw(&half, "GET /articles/1 HTTP/1.1\r\nHost: a\r\n", 35);
    cr_expect(is_served(site.server, 1));

    uint64_t start = test_now_ms();
    test_site_close(&site);
    cr_expect_lt(test_now_ms() - start, 1000 + SLACK_MS);
    http_close(&half);
}

Test(drain, is_over_by_the_deadline_when_a_client_does_not_read_its_answer)
{
    struct test_site site = test_site_open(brisk);
    test_sql(site.url, "update articles set body = repeat('0123456789', 2000000) where id = 1");
    struct http_connection deaf = http_open(site.server);
    http_send(&deaf, "GET", "/articles/1", NULL, NULL);
    cr_expect(is_served(site.server, 2));

    uint64_t start = test_now_ms();
    test_site_close(&site);
    cr_expect_lt(test_now_ms() - start, 2000 + SLACK_MS);
    http_close(&deaf);
}
