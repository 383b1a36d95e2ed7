/* The server receives no news of changes: the connection of its change feed is lost, silent or
 * frozen, or the server or the whole database is stopped. Meanwhile the server shows nothing that
 * is older than max_stale, and it catches up soon afterwards. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/counter.h"
#include "tests/e2e/metric.h"
#include "tests/support/cluster.h"
#include "tests/support/fail.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"
#include "tests/support/wire.h"

enum {
    ALL_MS = 8000 * TEST_SLOWNESS,
    SEEN_MS = 3000 * TEST_SLOWNESS,
    NSERVERS = 2,
    MAX_STALE_MS = 300
};

static const char *const env[] = {"BROADSHEET_THREADS=1", "BROADSHEET_MAX_STALE_MS=300", NULL};

static struct test_cluster *cluster;
static struct test_server *servers[NSERVERS];
static uint64_t frozen_since_us;
static char *url;

TestSuite(gap, .timeout = 120);

static void open_on(char *take_database)
{
    url = take_database;
    test_articles_insert(url);
    test_lists_keep(url);
}

static void start_servers(const char *of)
{
    for (size_t i = 0; i < NSERVERS; i++)
        servers[i] = test_server_start(of, env, NULL);
    for (size_t i = 0; i < NSERVERS; i++)
        cr_assert(WAIT_UNTIL(ALL_MS, is_feed_up(servers[i])));
}

static void stop_servers(void)
{
    for (size_t i = 0; i < NSERVERS; i++)
        cr_expect_eq(test_server_stop(servers[i]), 0);
    free(url);
}

/* The title of article 5, as an article and as the card of article 4; -1 when an answer is not an
 * article. */
static int shown(const struct test_server *server)
{
    static const char *const paths[] = {"/articles/5", "/articles/4"};
    static const char *const pointers[] = {"/article/title", "/related_articles/0/title"};
    int n[2];
    for (size_t i = 0; i < 2; i++) {
        struct http_answer a = http_get(server, paths[i]);
        const char *title = a.status == 200 ? answer_text(&a, pointers[i]) : NULL;
        n[i] = title != NULL ? (int)strtol(title, NULL, 10) : -1;
        http_answer_finish(&a);
    }
    return n[0] < n[1] ? n[0] : n[1];
}

static bool is_everywhere(int n)
{
    return shown(servers[0]) == n && shown(servers[1]) == n;
}

static void change_to(int n)
{
    test_sql(url, "update articles set title = '%d' where id = 5", n);
}

/* The backends of the servers' change feeds. The brackets keep the query from finding itself. */
#define FEEDS                                                          \
    "from pg_stat_activity where datname = current_database()"         \
    " and pid <> pg_backend_pid() and backend_type = 'client backend'" \
    " and query ~ '[c]hange_log_since|broadsheet[_]changes'"

Test(gap, a_change_while_the_feeds_are_killed_is_seen)
{
    open_on(test_database_create());
    start_servers(url);
    PGconn *session = test_session_open(url);
    for (int n = 1; n <= 6; n++) {
        cr_expect(WAIT_UNTIL(SEEN_MS, test_sql_number(url, "select count(*) " FEEDS) == NSERVERS));
        if (n % 3 == 0) {
            test_session_sql(session, "select pg_terminate_backend(pid) " FEEDS);
            change_to(n);
        } else if (n % 3 == 1) { /* they are killed just before the commit */
            test_session_sql(session,
                             "begin; update articles set title = '%d' where id = 5;"
                             "select pg_terminate_backend(pid) " FEEDS ";commit",
                             n);
        } else {
            change_to(n);
            test_session_sql(session, "select pg_terminate_backend(pid) " FEEDS);
        }
        cr_expect(WAIT_UNTIL(SEEN_MS, is_everywhere(n)), "change %d is not seen", n);
    }
    PQfinish(session);
    stop_servers();
}

static double age_ms(const struct test_server *server)
{
    return metric_of(server, "broadsheet_change_feed_confirmed_age_seconds", "") * 1000;
}

static bool are_confirmed(void)
{
    return age_ms(servers[0]) < MAX_STALE_MS && age_ms(servers[1]) < MAX_STALE_MS;
}

/* From max_stale on nothing comes from memory. So a committed change is shown at once. */
static void expect_right_answers_without_a_feed(int n)
{
    for (size_t i = 0; i < NSERVERS; i++)
        cr_expect(WAIT_UNTIL(ALL_MS, age_ms(servers[i]) >= MAX_STALE_MS));
    change_to(n);
    for (size_t i = 0; i < NSERVERS; i++)
        cr_expect_eq(shown(servers[i]), n, "an old answer that nothing has confirmed");
}

Test(gap, with_frozen_change_feeds_the_database_is_asked_until_they_are_replaced)
{
    open_on(test_database_create());
    start_servers(url);
    change_to(1);
    cr_expect(WAIT_UNTIL(SEEN_MS, is_everywhere(1)));
    PGconn *session = test_session_open(url);
    PGresult *rows = test_session_rows(session, "select pid " FEEDS);
    for (int i = 0; i < PQntuples(rows); i++)
        kill((pid_t)strtol(PQgetvalue(rows, i, 0), NULL, 10), SIGSTOP);
    expect_right_answers_without_a_feed(2);
    cr_expect(WAIT_UNTIL(ALL_MS, are_confirmed()), "frozen change feeds are not replaced");
    change_to(3);
    cr_expect(WAIT_UNTIL(SEEN_MS, is_everywhere(3)));
    for (int i = 0; i < PQntuples(rows); i++)
        kill((pid_t)strtol(PQgetvalue(rows, i, 0), NULL, 10), SIGCONT);
    PQclear(rows);
    PQfinish(session);
    stop_servers();
}

Test(gap, with_silent_change_feeds_the_database_is_asked_until_there_is_news_again)
{
    open_on(test_database_create());
    struct test_wire *wire = test_wire_create(url);
    start_servers(test_wire_url(wire));
    change_to(1);
    cr_expect(WAIT_UNTIL(SEEN_MS, is_everywhere(1)));
    test_wire_hold(wire, WIRE_CHANGES);
    for (int n = 2; n <= 5; n++)
        expect_right_answers_without_a_feed(n);
    cr_expect(WAIT_UNTIL(ALL_MS, !is_feed_up(servers[0])), "it waits for the feed for ever");
    expect_right_answers_without_a_feed(6);
    double lookups = article_lookups(servers[0]);
    cr_expect_eq(shown(servers[0]), 6);
    cr_expect_eq(article_lookups(servers[0]), lookups + 2, "it answers from memory");

    test_wire_release(wire, WIRE_CHANGES);
    cr_expect(WAIT_UNTIL(ALL_MS, are_confirmed()));
    change_to(7);
    cr_expect(WAIT_UNTIL(SEEN_MS, is_everywhere(7)));
    stop_servers();
    test_wire_destroy(wire);
}

static void signal_servers(int signal_number)
{
    if (signal_number == SIGSTOP)
        frozen_since_us = clock_us();
    for (size_t i = 0; i < NSERVERS; i++)
        kill(test_server_pid(servers[i]), signal_number);
}

/* The servers are frozen while a change is made and the log of it is trimmed. */
Test(gap, an_answer_from_before_the_beginning_of_the_log_is_dropped)
{
    open_on(test_database_create());
    start_servers(url);
    change_to(1);
    cr_expect(WAIT_UNTIL(SEEN_MS, is_everywhere(1)));
    double everything = metric_of(servers[0], "broadsheet_change_feed_everything_total", "");
    signal_servers(SIGSTOP);
    change_to(2);
    test_sql(url, "select change_log_trim('0')");
    test_sql(url, "select change_log_trim('0')");
    cr_expect(WAIT_UNTIL(ALL_MS, test_sql_number(url, "select change_log_trim('0') * 0 + count(*)"
                                                      " from change_log") == 0));
    signal_servers(SIGCONT);
    cr_expect(WAIT_UNTIL(SEEN_MS, is_everywhere(2)));
    cr_expect(WAIT_UNTIL(SEEN_MS, metric_of(servers[0], "broadsheet_change_feed_everything_total",
                                            "") > everything));
    cr_expect(is_everywhere(2));
    stop_servers();
}

static void open_cluster(void)
{
    cluster = test_cluster_create();
    open_on(strdup(test_cluster_database(cluster)));
    start_servers(url);
    change_to(1);
    cr_expect(WAIT_UNTIL(SEEN_MS, is_everywhere(1)));
}

static bool are_frozen_for_max_stale(void)
{
    return clock_us() - frozen_since_us > MAX_STALE_MS * 1000;
}

/* A server may show its answers for max_stale, and a database can be stopped and started in less
 * time. So the servers stay frozen for longer than that. The first server gets requests at once.
 * The second one gets none until its feed has news again: its old answers are still in memory, and
 * must not be shown. */
static void expect_change_after(int n, const char *what)
{
    cr_assert(WAIT_UNTIL(ALL_MS, are_frozen_for_max_stale()));
    signal_servers(SIGCONT);
    do {
        int n_now = shown(servers[0]);
        cr_expect(n_now == n || n_now == -1, "%s: %d instead of %d", what, n_now, n);
    } while (age_ms(servers[0]) >= MAX_STALE_MS);
    cr_expect(WAIT_UNTIL(ALL_MS, are_confirmed()), "%s: the change feeds do not come back", what);
    cr_expect_eq(shown(servers[1]), n, "%s: an answer from before is shown", what);
    cr_expect(is_everywhere(n), "%s: the change is not seen", what);
}

/* The number of the other sessions that are in a transaction. */
static long busy_sessions(void)
{
    return test_sql_number(url, "select count(*) from pg_stat_activity where state <> 'idle'"
                                " and backend_type = 'client backend' and pid <> pg_backend_pid()");
}

/* When PostgreSQL does not wait for the disk, a crash loses the newest commits, and later
 * transactions get their numbers. */
Test(gap, a_change_that_a_crash_undoes_is_not_shown_any_more)
{
    open_cluster();
    /* Servers that make lists would write the earlier commit to the disk. */
    test_sql(url, "create or replace function work_begin() returns void language plpgsql"
                  "  as 'begin raise lock_not_available; end'");
    cr_assert(WAIT_UNTIL(ALL_MS, busy_sessions() == 0));
    test_sql(url, "checkpoint");
    test_sql(url, "alter system set wal_writer_delay = '10s'");
    test_sql(url, "select pg_reload_conf()");
    cr_assert(
        WAIT_UNTIL(ALL_MS, test_sql_number(url, "select setting from pg_settings"
                                                " where name = 'wal_writer_delay'") == 10000));
    test_sql(url, "set synchronous_commit to on; update articles set version = 2 where id = 30");
    change_to(2);
    cr_expect(WAIT_UNTIL(SEEN_MS, is_everywhere(2)));
    signal_servers(SIGSTOP);
    test_cluster_crash(cluster);
    test_cluster_start(cluster);
    cr_expect_eq(test_sql_number(url, "select title from articles where id = 5"), 1,
                 "the crash has undone nothing, so nothing is tested");
    for (int i = 0; i < 20; i++)
        test_sql(url, "update articles set version = version + 1 where id = 30");
    expect_change_after(1, "a crash");
    stop_servers();
    test_cluster_destroy(cluster);
}

/* The change is made while the servers are frozen, between a stop and a start of the database. So
 * no session of theirs could receive a notification. */
Test(gap, a_change_during_a_restart_of_the_database_is_seen)
{
    open_cluster();
    signal_servers(SIGSTOP);
    test_cluster_stop(cluster);
    test_cluster_start(cluster);
    change_to(2);
    expect_change_after(2, "a stop and a start");

    signal_servers(SIGSTOP);
    test_cluster_crash(cluster);
    test_cluster_start(cluster);
    change_to(3);
    expect_change_after(3, "a crash");

    signal_servers(SIGSTOP);
    change_to(4);
    test_cluster_stop(cluster);
    test_cluster_start(cluster);
    expect_change_after(4, "a change and a stop");
    stop_servers();
    test_cluster_destroy(cluster);
}
