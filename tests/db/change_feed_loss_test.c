/* The news of a change feed after the loss of connections, the log, the database or the server. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/db/feed_recorder.h"
#include "tests/support/cluster.h"
#include "tests/support/database.h"

static char *url;

static void make_articles(void)
{
    url = test_database_create();
    recorder_fill(url);
}

static void free_url(void)
{
    free(url);
}

TestSuite(feed_loss, .init = make_articles, .fini = free_url, .timeout = 60);
TestSuite(feed_loss_of_server, .timeout = 120); /* these tests make a PostgreSQL of their own */

Test(feed_loss, reports_commits_made_while_its_connection_is_lost)
{
    PGconn *session = test_session_open(url);
    recorder_start_up(url, BY_NOTIFICATION);
    for (int id = 1; id <= 5; id++) {
        test_session_sql(session, "begin");
        recorder_touch(session, id);
        recorder_kill_backend(session);
        test_session_sql(session, "commit");
        cr_assert(RUN_UNTIL(ALL_MS, recorder.reported[id] == 1), "article %d is not reported", id);
        cr_assert(RUN_UNTIL(ALL_MS, counter_get(&recorder.stats.is_up) == 1));
        recorder_touch(session, 100 + id);
        cr_assert(RUN_UNTIL(ALL_MS, recorder.reported[100 + id] == 1), "it does not listen");
    }
    cr_expect_eq(recorder.everything, 1);
    cr_expect_eq(recorder.reported[1], 1);
    cr_expect_gt(recorder.events[DB_EVENT_LOST], 0);
    cr_expect_geq(recorder.lost, 5);
    cr_expect_gt(strlen(recorder.why), 10);
    PQfinish(session);
    recorder_stop();
}

/* false: ends the feed's connection, and allows no other one until allow_connections(true). */
static void allow_connections(PGconn *session, bool are_allowed)
{
    char *cluster = test_cluster_url();
    test_sql(cluster, "alter database %s allow_connections %s", PQdb(session),
             are_allowed ? "true" : "false");
    free(cluster);
    if (are_allowed)
        return;
    recorder_kill_backend(session);
    cr_assert(RUN_UNTIL(ALL_MS, recorder.events[DB_EVENT_NO_CONNECT] > 0));
}

Test(feed_loss, reads_on_after_a_gap_that_the_log_still_covers)
{
    PGconn *session = test_session_open(url);
    recorder_start_up(url, BY_POLL);
    allow_connections(session, false);
    recorder_touch(session, 3);
    test_session_sql(session, "select change_log_trim('0')");
    allow_connections(session, true);
    cr_assert(RUN_UNTIL(ALL_MS, recorder.reported[3] == 1));
    cr_expect_eq(recorder.everything, 1);
    PQfinish(session);
    recorder_stop();
}

Test(feed_loss, reports_everything_after_a_gap_that_the_log_does_not_cover)
{
    PGconn *session = test_session_open(url);
    recorder_start_up(url, BY_POLL);
    allow_connections(session, false);
    recorder_touch(session, 3);
    for (int i = 0; i < 3; i++)
        test_session_sql(session, "select change_log_trim('0')");
    allow_connections(session, true);
    cr_assert(RUN_UNTIL(ALL_MS, recorder.everything == 2));
    recorder_touch(session, 4);
    recorder_wait_until_confirmed();
    cr_expect_eq(recorder.reported[4], 1);
    cr_expect_eq(recorder.everything, 2);
    PQfinish(session);
    recorder_stop();
}

Test(feed_loss, reports_everything_when_another_database_has_its_name)
{
    char *cluster = test_cluster_url(), *other = test_database_create();
    PGconn *session = test_session_open(url), *other_session = test_session_open(other);
    char *name = strdup(PQdb(session)), *other_name = strdup(PQdb(other_session));
    PQfinish(session);
    PQfinish(other_session);
    recorder_start_up(url, BY_POLL);
    test_sql(cluster, "drop database %s (force)", name);
    test_sql(cluster, "alter database %s rename to %s", other_name, name);
    cr_assert(RUN_UNTIL(ALL_MS, recorder.everything == 2));
    recorder_stop();
    free(cluster);
    free(other);
    free(name);
    free(other_name);
}

/* pg_notify of this database does nothing, so notify tests do not come back. */
Test(feed_loss, replaces_a_connection_that_answers_but_has_no_notifications)
{
    PGconn *session = test_session_open(url);
    test_session_sql(session,
                     "alter function pg_catalog.pg_notify(text, text) rename to pg_notify_kept;"
                     "create function pg_catalog.pg_notify(text, text) returns void language sql"
                     " as 'select'");
    recorder_start(url,
                   (struct db_change_feed_config){.max_stale_ms = BY_POLL, .notify_test_ms = 100});
    long first = 0, second = 0;
    cr_assert(RUN_UNTIL(ALL_MS, (first = recorder_backend(session)) != 0));
    cr_assert(RUN_UNTIL(ALL_MS, (second = recorder_backend(session)) != first && second != 0));
    cr_assert(RUN_UNTIL(ALL_MS, recorder_backend(session) != second));
    cr_expect(strstr(recorder.why, "no notifications arrive") != NULL, "%s", recorder.why);
    cr_expect_eq(recorder.events[DB_EVENT_LOST], 1, "it is reported once");

    test_session_sql(session, "drop function pg_catalog.pg_notify(text, text);"
                              "alter function pg_catalog.pg_notify_kept rename to pg_notify");
    cr_assert(RUN_UNTIL(ALL_MS, counter_get(&recorder.stats.is_up) == 1));
    recorder_wait_until_confirmed();
    PQfinish(session);
    recorder_stop();
}

Test(feed_loss, names_the_missing_object_and_continues_when_the_object_exists)
{
    char *empty = test_database_create_empty();
    recorder_start(empty, (struct db_change_feed_config){.max_stale_ms = BY_POLL});
    cr_assert(RUN_UNTIL(ALL_MS, recorder.events[DB_EVENT_NO_CONNECT] > 0));
    cr_expect(strstr(recorder.why, "change_log") != NULL, "%s", recorder.why);
    test_database_migrate(empty, "up");
    cr_assert(RUN_UNTIL(ALL_MS, recorder.news > 0));
    cr_expect_eq(recorder.events[DB_EVENT_NO_CONNECT], 1);
    cr_expect_eq(recorder.events[DB_EVENT_UP], 1);
    free(empty);
    recorder_stop();
}

Test(feed_loss, stops_confirming_while_its_read_fails)
{
    PGconn *session = test_session_open(url);
    recorder_start_up(url, BY_POLL);
    test_session_sql(session, "alter function change_log_reaches rename to gone");
    uint64_t broken_us = clock_us();
    cr_assert(RUN_UNTIL(ALL_MS, recorder.events[DB_EVENT_LOST] == 1));
    cr_expect(!recorder_is_confirmed(broken_us));
    cr_expect_eq(counter_get(&recorder.stats.is_up), 0);
    recorder_touch(session, 9);
    test_session_sql(session, "alter function gone rename to change_log_reaches");
    recorder_wait_until_confirmed();
    cr_expect_eq(recorder.reported[9], 1);
    cr_expect_eq(recorder.everything, 1);
    PQfinish(session);
    recorder_stop();
}

Test(feed_loss_of_server, stops_confirming_while_the_server_is_frozen)
{
    struct test_cluster *cluster = test_cluster_create();
    recorder_start_up(test_cluster_database(cluster), BY_POLL);
    test_cluster_freeze(cluster);
    uint64_t frozen_us = clock_us();
    cr_assert(RUN_UNTIL(ALL_MS, recorder.events[DB_EVENT_LOST] == 1));
    cr_expect(!recorder_is_confirmed(frozen_us));
    cr_assert(RUN_UNTIL(ALL_MS, recorder.events[DB_EVENT_NO_CONNECT] == 1));
    cr_expect(!recorder_is_confirmed(frozen_us));
    test_cluster_thaw(cluster);
    recorder_wait_until_confirmed();
    cr_expect_eq(recorder.everything, 1);
    recorder_stop();
    test_cluster_destroy(cluster);
}

/* A crash may lose commits that were reported, and later commits get their numbers. */
Test(feed_loss_of_server, reports_everything_after_a_crash_but_not_after_a_restart)
{
    struct test_cluster *cluster = test_cluster_create();
    recorder_start_up(test_cluster_database(cluster), BY_POLL);
    test_cluster_stop(cluster);
    cr_assert(RUN_UNTIL(ALL_MS, recorder.events[DB_EVENT_LOST] == 1));
    test_cluster_start(cluster);
    recorder_wait_until_confirmed();
    cr_expect_eq(recorder.everything, 1);
    test_cluster_crash(cluster);
    test_cluster_start(cluster);
    recorder_wait_until_confirmed();
    cr_expect_eq(recorder.everything, 2);
    recorder_stop();
    test_cluster_destroy(cluster);
}
