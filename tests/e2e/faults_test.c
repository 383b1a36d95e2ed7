/* The answers that a reader gets while something is wrong in the database, and the recovery: broken
 * tables, lost connections, a row that cannot be read. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/support/site.h"
#include "tests/support/wait.h"

enum {
    QUICK_MS = 300 * TEST_PATIENCE,
    HEALING_MS = 1000 * TEST_SLOWNESS,
    MAX_CLIENTS = SITE_ARTICLES
};

static const char *const one_thread[] = {"BROADSHEET_CACHE_MB=0", "BROADSHEET_THREADS=1",
                                         "BROADSHEET_DEADLINE_MS=10000",
                                         "BROADSHEET_RELATED_MS=10000", NULL};
static const char *const long_deadline[] = {"BROADSHEET_CACHE_MB=0", "BROADSHEET_THREADS=1",
                                            "BROADSHEET_DEADLINE_MS=10000", NULL};

TestSuite(faults, .timeout = 30);

static struct http_connection clients[MAX_CLIENTS];

/* The answer to the client that asked for this article. */
static struct http_answer answer_to(int id)
{
    struct http_answer answer = http_receive(&clients[id - 1], false);
    http_close(&clients[id - 1]);
    return answer;
}

Test(faults, articles_come_at_once_when_related_lists_are_broken)
{
    struct test_site site = test_site_open(one_thread);
    cr_assert(is_served(site.server, 1));
    test_sql(site.url, "alter table related_views rename to gone");

    ask_all(site.server, clients, 20);
    for (int id = 1; id <= 20; id++) {
        struct http_answer a = answer_to(id);
        expect_article(&a, id, "unavailable");
        cr_expect_lt(a.took_ms, QUICK_MS, "%d: %lu ms", id, a.took_ms);
        http_answer_finish(&a);
    }
    test_sql(site.url, "alter table gone rename to related_views");
    cr_expect(WAIT_UNTIL(HEALING_MS, is_served(site.server, 1)),
              "related articles do not come back");
    test_site_close(&site);
}

Test(faults, articles_come_when_related_lists_are_broken_before_connections_are_made)
{
    struct test_site site = {.url = test_database_create()};
    test_articles_insert(site.url);
    test_sql(site.url, "alter table related_views rename to gone");
    site.server = test_server_start(site.url, one_thread, NULL);

    struct http_answer a = http_get(site.server, "/articles/1");
    expect_article(&a, 1, "unavailable");
    http_answer_finish(&a);

    test_sql(site.url, "alter table gone rename to related_views");
    cr_expect(WAIT_UNTIL(HEALING_MS, is_served(site.server, 1)), "related articles do not come");
    test_site_close(&site);
}

Test(faults, a_change_of_a_table_under_the_statements_causes_no_lasting_fault)
{
    struct test_site site = test_site_open(one_thread);
    cr_assert(is_served(site.server, 1));

    test_sql(site.url, "alter table articles add column extra int");
    cr_expect(WAIT_UNTIL(HEALING_MS, is_served(site.server, 2)));
    test_sql(site.url, "alter table article_views alter column document type varchar(20000)");
    cr_expect(WAIT_UNTIL(HEALING_MS, is_served(site.server, 3)));
    test_site_close(&site);
}

/* Ends the server's connections whose statement waits for a lock; `which` is a condition in SQL.
 * Returns after they have ended. New connections may wait for the same lock by then. */
static void kill_waiting(const struct test_site *site, const char *which)
{
    char *pids = test_sql_value(
        site->url,
        "select array_agg(pid) from (select pid, pg_terminate_backend(pid) from pg_stat_activity"
        "  where wait_event_type = 'Lock' and datname = current_database() and %s) k",
        which);
    cr_assert(WAIT_UNTIL(
        2000,
        test_sql_number(site->url, "select count(*) from pg_stat_activity where pid = any ('%s')",
                        pids) == 0));
    free(pids);
}

Test(faults, queries_on_a_killed_connection_are_answered_on_the_other_one)
{
    struct test_site site = test_site_open(long_deadline);
    PGconn *lock = test_lock(site.url, "article_views, related_views");
    ask_all(site.server, clients, SITE_ARTICLES);
    cr_assert(WAIT_UNTIL(2000, test_waiting(site.url) == 2));

    kill_waiting(&site, "query !~ 'related_views'");
    test_unlock(lock);
    for (int id = 1; id <= SITE_ARTICLES; id++) {
        struct http_answer a = answer_to(id);
        expect_article(&a, id, "ok");
        http_answer_finish(&a);
    }
    test_site_close(&site);
}

Test(faults, queries_under_way_when_all_connections_are_killed_are_answered_or_refused)
{
    struct test_site site = test_site_open(long_deadline);
    PGconn *lock = test_lock(site.url, "article_views, related_views");
    ask_all(site.server, clients, SITE_ARTICLES);
    cr_assert(WAIT_UNTIL(2000, test_waiting(site.url) == 2));

    test_sql(site.url,
             "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'"
             "  and datname = current_database()");
    test_unlock(lock);
    for (int id = 1; id <= SITE_ARTICLES; id++) {
        struct http_answer a = answer_to(id);
        cr_expect(is_article(&a, id) || a.status == 503, "%d: %d %.200s", id, a.status, a.body);
        http_answer_finish(&a);
    }
    cr_expect(WAIT_UNTIL(HEALING_MS, is_served(site.server, 1)), "not recovered within a second");
    test_site_close(&site);
}

Test(faults, connections_killed_while_idle_are_back_within_a_second)
{
    struct test_site site = test_site_open(long_deadline);
    cr_assert(is_served(site.server, 1));
    for (int round = 0; round < 3; round++) {
        test_sql(site.url, "select pg_terminate_backend(pid) from pg_stat_activity"
                           "  where datname = current_database() and pid <> pg_backend_pid()");
        struct http_answer a = http_get(site.server, "/articles/2");
        cr_expect(is_article(&a, 2) || a.status == 503, "%d %.200s", a.status, a.body);
        http_answer_finish(&a);
        cr_expect(WAIT_UNTIL(HEALING_MS, is_served(site.server, 3)),
                  "not recovered within a second");
    }
    cr_expect(WAIT_UNTIL(
        HEALING_MS,
        test_sql_number(site.url, "select count(*) from pg_stat_activity where"
                                  " datname = current_database() and pid <> pg_backend_pid()") ==
            2 + SERVER_OWN_CONNECTIONS));
    test_site_close(&site);
}

/* The text of article 13 is stored outside of its row, and this storage is destroyed. PostgreSQL
 * answers "missing chunk number 0" to every statement that reads it. */
Test(faults, a_row_that_cannot_be_read_does_not_fail_the_other_rows)
{
    struct test_site site = test_site_open(long_deadline);
    test_sql(site.url, "create extension pg_surgery;"
                       "update articles set body = (select string_agg(md5(n::text), '') from "
                       "generate_series(1, 2000) n)"
                       "  where id = 13");
    test_sql(site.url,
             "do $$ declare toast regclass; chunks tid[]; begin"
             "  select reltoastrelid from pg_class where relname = 'article_views' into toast;"
             "  execute 'select array_agg(ctid) from ' || toast into chunks;"
             "  perform heap_force_kill(toast, chunks); end $$");
    for (int round = 0; round < 2; round++) {
        PGconn *lock = test_lock(site.url, "article_views, related_views");
        ask_all(site.server, clients, 20);
        cr_assert(WAIT_UNTIL(2000, test_waiting(site.url) == 2));
        test_unlock(lock);
        for (int id = 1; id <= 20; id++) {
            struct http_answer a = answer_to(id);
            if (id == 13)
                expect_problem(&a, 503, "the row that cannot be read");
            else
                expect_article(&a, id, "ok");
            http_answer_finish(&a);
        }
    }
    test_site_close(&site);
}
