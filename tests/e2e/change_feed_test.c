/* The change feed and the related worker of the built program. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/prometheus.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"

enum { ALL_MS = 10000 };

static const char *const env[] = {"BROADSHEET_THREADS=3", NULL};
static struct test_site site;

/* Does not use test_site_open, because these tests need computed lists. */
static void open_site(void)
{
    site.url = test_database_create();
    test_articles_insert(site.url);
    site.server = test_server_start(site.url, env, NULL);
}

static void close_site(void)
{
    test_site_close(&site);
}

TestSuite(feed, .init = open_site, .fini = close_site, .timeout = 60);

static double metric(const char *name)
{
    struct http_answer a = http_get(site.server, "/metrics");
    cr_assert_eq(a.status, 200);
    double sum = prometheus_sum(a.body, name, "");
    http_answer_finish(&a);
    return sum;
}

static bool is_up(void)
{
    return metric("broadsheet_change_feed_up") == 1;
}

static void kill_connections(void)
{
    test_sql(site.url, "select pg_terminate_backend(pid) from pg_stat_activity"
                       "  where datname = current_database() and pid <> pg_backend_pid()");
}

Test(feed, is_one_for_all_loops_and_reports_changes)
{
    cr_assert(WAIT_UNTIL(ALL_MS, is_up()));
    for (int i = 1; i <= 3; i++) {
        double changes = metric("broadsheet_change_feed_changes_total");
        test_sql(site.url, "update articles set title = 'New %d' where id = 1", i);
        cr_assert(WAIT_UNTIL(ALL_MS, metric("broadsheet_change_feed_changes_total") > changes));
    }
    cr_expect_eq(metric("broadsheet_change_feed_everything_total"), 1,
                 "only the first read reports everything");
}

Test(feed, shows_by_the_age_of_its_last_confirmation_that_it_works)
{
    cr_assert(WAIT_UNTIL(ALL_MS, is_up()));
    double reads = metric("broadsheet_change_feed_reads_total");
    cr_assert(WAIT_UNTIL(ALL_MS, metric("broadsheet_change_feed_reads_total") > reads + 1));
    cr_expect(WAIT_UNTIL(ALL_MS, metric("broadsheet_change_feed_confirmed_age_seconds") < 1));
}

Test(feed, comes_back_after_a_loss_and_skips_nothing)
{
    cr_assert(WAIT_UNTIL(ALL_MS, is_up()));
    double changes = metric("broadsheet_change_feed_changes_total");
    kill_connections();
    test_sql(site.url, "update articles set title = 'New' where id = 1");
    cr_assert(WAIT_UNTIL(ALL_MS, metric("broadsheet_change_feed_changes_total") > changes));
    cr_expect_eq(metric("broadsheet_change_feed_everything_total"), 1);
}

Test(feed, serves_a_server_whose_worker_empties_the_queue)
{
    test_sql(site.url, "insert into related_queue (article_id, needs_reading) values (1, false)");
    cr_assert(
        WAIT_UNTIL(ALL_MS, test_sql_number(site.url, "select count(*) from related_queue") == 0));
    cr_expect(WAIT_UNTIL(ALL_MS, metric("broadsheet_related_worker_articles_total") > 0));
    cr_expect_eq(metric("broadsheet_related_worker_failures_total"), 0);
}

Test(feed, is_not_needed_for_answers)
{
    cr_assert(WAIT_UNTIL(ALL_MS, is_up()));
    test_sql(site.url, "alter function change_log_since rename to gone");
    kill_connections();
    cr_assert(WAIT_UNTIL(ALL_MS, test_server_has_logged(site.server, "change_feed_not_connected")));
    cr_expect(test_server_has_logged(site.server, "./dev migrate"));
    cr_expect_eq(metric("broadsheet_change_feed_up"), 0);
    cr_expect(WAIT_UNTIL(ALL_MS, is_served(site.server, 1)));
    test_sql(site.url, "alter function gone rename to change_log_since");
    cr_expect(WAIT_UNTIL(ALL_MS, is_up()));
}

/* News arrives at loops that are ending, and at loops that have ended. */
Test(feed, does_not_disturb_a_drain)
{
    PGconn *writer = test_session_open(site.url);
    cr_assert(WAIT_UNTIL(ALL_MS, is_up()));
    double reads = metric("broadsheet_change_feed_reads_total");
    cr_assert_eq(PQsendQuery(writer, "do $$ begin for i in 1..100000 loop"
                                     "  update articles set version = version + 1 where id = 1;"
                                     "  commit;"
                                     "end loop; end $$"),
                 1);
    cr_assert(WAIT_UNTIL(ALL_MS, metric("broadsheet_change_feed_reads_total") > reads + 20));
    cr_expect_eq(test_server_stop(site.server), 0);
    PQfinish(writer);
    site.server = test_server_start(site.url, env, NULL);
}
