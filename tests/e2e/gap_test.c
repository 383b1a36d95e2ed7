/* The server does not hear of changes: the connection that tells of them is lost, silent or
 * frozen, or the server or the whole database is away. Nothing that is older than max_stale is
 * shown meanwhile, and nothing that was missed is missed for long. */
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
static uint64_t asleep_since_us;
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

/* The title of article 5, as it is and as the card of article 4; -1 where an answer is no
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

/* The backends of the servers' feeds. The brackets keep the pattern from finding itself. */
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
        } else if (n % 3 == 1) { /* they die just before it commits */
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

static bool are_vouched(void)
{
    return age_ms(servers[0]) < MAX_STALE_MS && age_ms(servers[1]) < MAX_STALE_MS;
}

/* From max_stale on nothing comes from memory: so what has committed is shown at once. */
static void expect_truth_without_a_feed(int n)
{
    for (size_t i = 0; i < NSERVERS; i++)
        cr_expect(WAIT_UNTIL(ALL_MS, age_ms(servers[i]) >= MAX_STALE_MS));
    change_to(n);
    for (size_t i = 0; i < NSERVERS; i++)
        cr_expect_eq(shown(servers[i]), n, "an old answer, though nothing vouches for it");
}

Test(gap, with_frozen_feeds_the_database_is_asked_until_they_are_replaced)
{
    open_on(test_database_create());
    start_servers(url);
    change_to(1);
    cr_expect(WAIT_UNTIL(SEEN_MS, is_everywhere(1)));
    PGconn *session = test_session_open(url);
    PGresult *rows = test_session_rows(session, "select pid " FEEDS);
    for (int i = 0; i < PQntuples(rows); i++)
        kill((pid_t)strtol(PQgetvalue(rows, i, 0), NULL, 10), SIGSTOP);
    expect_truth_without_a_feed(2);
    cr_expect(WAIT_UNTIL(ALL_MS, are_vouched()), "frozen feeds are not replaced");
    change_to(3);
    cr_expect(WAIT_UNTIL(SEEN_MS, is_everywhere(3)));
    for (int i = 0; i < PQntuples(rows); i++)
        kill((pid_t)strtol(PQgetvalue(rows, i, 0), NULL, 10), SIGCONT);
    PQclear(rows);
    PQfinish(session);
    stop_servers();
}

Test(gap, with_silent_feeds_the_database_is_asked_until_they_speak_again)
{
    open_on(test_database_create());
    struct test_wire *wire = test_wire_create(url);
    start_servers(test_wire_url(wire));
    change_to(1);
    cr_expect(WAIT_UNTIL(SEEN_MS, is_everywhere(1)));
    test_wire_hold(wire, WIRE_CHANGES);
    for (int n = 2; n <= 5; n++)
        expect_truth_without_a_feed(n);
    cr_expect(WAIT_UNTIL(ALL_MS, !is_feed_up(servers[0])), "it waits for them for ever");
    expect_truth_without_a_feed(6);
    double lookups = article_lookups(servers[0]);
    cr_expect_eq(shown(servers[0]), 6);
    cr_expect_eq(article_lookups(servers[0]), lookups + 2, "it answers from memory");

    test_wire_release(wire, WIRE_CHANGES);
    cr_expect(WAIT_UNTIL(ALL_MS, are_vouched()));
    change_to(7);
    cr_expect(WAIT_UNTIL(SEEN_MS, is_everywhere(7)));
    stop_servers();
    test_wire_destroy(wire);
}

static void signal_servers(int signal_number)
{
    if (signal_number == SIGSTOP)
        asleep_since_us = clock_us();
    for (size_t i = 0; i < NSERVERS; i++)
        kill(test_server_pid(servers[i]), signal_number);
}

/* The servers sleep while a change is made and the log of it goes. */
Test(gap, what_the_log_does_not_reach_back_to_is_not_kept)
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

static bool have_slept_past_max_stale(void)
{
    return clock_us() - asleep_since_us > MAX_STALE_MS * 1000;
}

/* Up to max_stale they may show what they kept, and a database can be stopped and started in less:
 * so they sleep until then. The first server is asked at once. The second is not until its feed
 * speaks again: what it kept before it slept is still there, and must not be shown. */
static void expect_change_after(int n, const char *what)
{
    cr_assert(WAIT_UNTIL(ALL_MS, have_slept_past_max_stale()));
    signal_servers(SIGCONT);
    do {
        int n_now = shown(servers[0]);
        cr_expect(n_now == n || n_now == -1, "%s: %d instead of %d", what, n_now, n);
    } while (age_ms(servers[0]) >= MAX_STALE_MS);
    cr_expect(WAIT_UNTIL(ALL_MS, are_vouched()), "%s: the feeds do not come back", what);
    cr_expect_eq(shown(servers[1]), n, "%s: what was kept before is shown", what);
    cr_expect(is_everywhere(n), "%s: not seen", what);
}

/* How many statements of the servers work on lists. */
static long refreshing(void)
{
    return test_sql_number(url, "select count(*) from pg_stat_activity where state = 'active'"
                                " and query ~ 'related_work' and pid <> pg_backend_pid()");
}

/* Where PostgreSQL does not wait for the disk, a crash takes the newest commits along, and
 * gives their numbers to others. */
Test(gap, a_change_that_a_crash_takes_back_is_not_shown_any_more)
{
    open_cluster();
    /* A commit of the servers' own would bring the one before it to the disk. */
    test_sql(url, "create or replace function related_work(max_articles integer, out done integer,"
                  "  out failed bigint[], out reason text)"
                  "  language sql as 'select 0, null::bigint[], null::text'");
    cr_assert(WAIT_UNTIL(ALL_MS, refreshing() == 0));
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
                 "the crash has taken nothing back, so nothing is tested");
    for (int i = 0; i < 20; i++)
        test_sql(url, "update articles set version = version + 1 where id = 30");
    expect_change_after(1, "a crash");
    stop_servers();
    test_cluster_destroy(cluster);
}

/* The change is made while the servers sleep, between two lives of the database: no session of
 * theirs could hear it. */
Test(gap, a_change_between_a_stop_and_a_start_of_the_database_is_seen)
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
