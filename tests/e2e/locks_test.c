/* The answers that a reader gets while tables are locked. Both queries run at the same time; at the
 * deadline the reader gets the parts that have arrived, or an error. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/support/fail.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"

enum {
    DEADLINE_MS = 600,
    SLACK_MS = 400 * TEST_PATIENCE,
    QUICK_MS = 250 * TEST_PATIENCE,
    HEALING_MS = 1000 * TEST_SLOWNESS,
    MAX_CLIENTS = 100,
};

static const char *const one_thread[] = {"BROADSHEET_CACHE_MB=0", "BROADSHEET_THREADS=1",
                                         "BROADSHEET_DEADLINE_MS=600", NULL};
static const char *const long_deadline[] = {"BROADSHEET_CACHE_MB=0", "BROADSHEET_THREADS=1",
                                            "BROADSHEET_DEADLINE_MS=10000", NULL};

TestSuite(locks, .timeout = 30);

static struct http_connection clients[MAX_CLIENTS];

/* The answer to the client that asked for this article. */
static struct http_answer answer_to(int id)
{
    struct http_answer answer = http_receive(&clients[id - 1], false);
    http_close(&clients[id - 1]);
    return answer;
}

Test(locks, one_request_runs_both_queries_at_once_and_the_loop_is_free_meanwhile)
{
    struct test_site site = test_site_open(long_deadline);
    PGconn *lock = test_lock(site.url, "article_views, related_views");

    ask_all(site.server, clients, 1);
    cr_expect(WAIT_UNTIL(2000, test_waiting(site.url) == 2), "%ld at work", test_waiting(site.url));
    struct http_answer health = http_get(site.server, "/healthz");
    cr_expect(health.status == 200 && health.took_ms < QUICK_MS, "%d in %lu ms", health.status,
              health.took_ms);

    test_unlock(lock);
    struct http_answer a = answer_to(1);
    expect_article(&a, 1, "ok");
    http_answer_finish(&a);
    http_answer_finish(&health);
    test_site_close(&site);
}

Test(locks, articles_come_by_the_deadline_when_related_lists_are_locked)
{
    struct test_site site = test_site_open(one_thread);
    PGconn *lock = test_lock(site.url, "related_views");

    for (int round = 0; round < 2; round++) {
        ask_all(site.server, clients, 20);
        for (int id = 1; id <= 20; id++) {
            struct http_answer a = answer_to(id);
            expect_article(&a, id, "timeout");
            cr_expect_lt(a.took_ms, DEADLINE_MS + SLACK_MS, "%d: %lu ms", id, a.took_ms);
            http_answer_finish(&a);
        }
    }
    test_unlock(lock);
    cr_expect(WAIT_UNTIL(HEALING_MS, is_served(site.server, 1)),
              "related articles do not come back");
    test_site_close(&site);
}

Test(locks, the_deadline_counts_while_a_request_waits_in_the_queue)
{
    struct test_site site = test_site_open(one_thread);
    PGconn *lock = test_lock(site.url, "article_views, related_views");

    ask_all(site.server, clients, MAX_CLIENTS);
    for (int id = 1; id <= MAX_CLIENTS; id++) {
        struct http_answer a = answer_to(id);
        expect_problem(&a, 504, "a request that waits");
        cr_expect(a.took_ms > DEADLINE_MS * 3 / 4 && a.took_ms < DEADLINE_MS + SLACK_MS,
                  "%d: %lu ms", id, a.took_ms);
        http_answer_finish(&a);
    }
    cr_expect(WAIT_UNTIL(1000, test_waiting(site.url) == 0),
              "PostgreSQL still runs a query that nobody waits for");

    test_unlock(lock);
    cr_expect(WAIT_UNTIL(HEALING_MS, is_served(site.server, 1)));
    test_site_close(&site);
}

Test(locks, the_deadline_is_kept_also_with_a_single_connection)
{
    static const char *const env[] = {"BROADSHEET_CACHE_MB=0", "BROADSHEET_THREADS=1",
                                      "BROADSHEET_DB_CONNECTIONS=1", "BROADSHEET_DEADLINE_MS=600",
                                      NULL};
    struct test_site site = test_site_open(env);
    cr_expect(is_served(site.server, 1));
    PGconn *lock = test_lock(site.url, "article_views");
    ask_all(site.server, clients, 10);
    for (int id = 1; id <= 10; id++) {
        struct http_answer a = answer_to(id);
        expect_problem(&a, 504, "a request that waits");
        cr_expect_lt(a.took_ms, DEADLINE_MS + SLACK_MS, "%d: %lu ms", id, a.took_ms);
        http_answer_finish(&a);
    }
    test_unlock(lock);
    cr_expect(WAIT_UNTIL(HEALING_MS, is_served(site.server, 1)));
    test_site_close(&site);
}

Test(locks, a_single_connection_serves_every_article_before_a_list_that_hangs)
{
    static const char *const env[] = {"BROADSHEET_CACHE_MB=0", "BROADSHEET_THREADS=1",
                                      "BROADSHEET_DB_CONNECTIONS=1", "BROADSHEET_DEADLINE_MS=600",
                                      NULL};
    struct test_site site = test_site_open(env);
    for (int id = SITE_ARTICLES + 1; id <= MAX_CLIENTS; id++) {
        char *slug = test_format("more-%d", id);
        test_article_insert(site.url, id, slug);
        free(slug);
    }
    cr_expect(is_served(site.server, 1));
    PGconn *lock = test_lock(site.url, "related_views");
    ask_all(site.server, clients, MAX_CLIENTS); /* more than one batch */
    for (int id = 1; id <= MAX_CLIENTS; id++) {
        struct http_answer a = answer_to(id);
        expect_article(&a, id, "timeout");
        cr_expect_lt(a.took_ms, DEADLINE_MS + SLACK_MS, "%d: %lu ms", id, a.took_ms);
        http_answer_finish(&a);
    }
    test_unlock(lock);
    test_site_close(&site);
}

Test(locks, articles_come_when_related_lists_are_locked_and_every_connection_is_new)
{
    static const char *const env[] = {"BROADSHEET_CACHE_MB=0", "BROADSHEET_THREADS=1",
                                      "BROADSHEET_DEADLINE_MS=1500", NULL};
    struct test_site site = test_site_open(env);
    cr_expect(is_served(site.server, 1));
    PGconn *lock = test_lock(site.url, "related_views");
    test_sql(site.url, "select pg_terminate_backend(pid) from pg_stat_activity"
                       " where application_name = 'broadsheet' and datname = current_database()");

    ask_all(site.server, clients, 10);
    for (int id = 1; id <= 10; id++) {
        struct http_answer a = answer_to(id);
        cr_expect_eq(a.status, 200, "%d: %d %.200s", id, a.status, a.body);
        cr_expect_lt(a.took_ms, 1500 + SLACK_MS, "%d: %lu ms", id, a.took_ms);
        http_answer_finish(&a);
    }
    test_unlock(lock);
    cr_expect(WAIT_UNTIL(2 * HEALING_MS, is_served(site.server, 1)));
    test_site_close(&site);
}
