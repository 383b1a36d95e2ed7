/* The news of a change feed without faults. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/db/feed_recorder.h"
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

TestSuite(feed, .init = make_articles, .fini = free_url, .timeout = 60);

Test(feed, reports_everything_at_first)
{
    recorder_start_up(url, BY_NOTIFICATION);
    cr_expect_eq(recorder.news, 1);
    cr_expect_eq(recorder.everything, 1);
    cr_expect_gt(recorder.confirmed_at_us, 0);
    cr_expect(strstr(recorder.server, "/primary") != NULL, "%s", recorder.server);
    cr_expect_eq(recorder.unreliable, 0);
    cr_expect_eq(recorder.events[DB_EVENT_UP], 1);
    cr_expect_eq(counter_get(&recorder.stats.is_up), 1);
    recorder_stop();
}

Test(feed, reports_a_commit_at_its_notification)
{
    PGconn *session = test_session_open(url);
    recorder_start_up(url, BY_NOTIFICATION);
    for (int id = 1; id <= 20; id++) {
        recorder_touch(session, id);
        cr_assert(RUN_UNTIL(ALL_MS, recorder.reported[id] == 1), "article %d is not reported", id);
    }
    cr_expect_eq(recorder.everything, 1);
    cr_expect_geq(counter_get(&recorder.stats.changes), 20);
    cr_expect_eq(recorder.events[DB_EVENT_LOST], 0, "%s", recorder.why);
    PQfinish(session);
    recorder_stop();
}

Test(feed, reports_a_commit_without_notification_at_the_next_poll)
{
    test_sql(url,
             "create or replace function change_log_add(keys bigint[]) returns void"
             " language sql as 'insert into public.change_log (key) select distinct unnest(keys)"
             " on conflict do nothing'");
    PGconn *session = test_session_open(url);
    recorder_start_up(url, BY_POLL);
    recorder_touch(session, 7);
    recorder_wait_until_confirmed();
    cr_expect_eq(recorder.reported[7], 1);
    cr_expect_eq(recorder.everything, 1);
    PQfinish(session);
    recorder_stop();
}

Test(feed, confirms_again_when_nothing_changes)
{
    recorder_start_up(url, BY_POLL);
    for (int i = 0; i < 5; i++)
        recorder_wait_until_confirmed();
    cr_expect_eq(recorder.everything, 1);
    cr_expect_eq(counter_get(&recorder.stats.changes), 0);
    cr_expect_eq(counter_get(&recorder.stats.confirmed_at_us), recorder.confirmed_at_us);
    recorder_stop();
}

Test(feed, reports_once_a_change_that_began_earlier_and_commits_later)
{
    PGconn *early = test_session_open(url), *late = test_session_open(url);
    recorder_start_up(url, BY_POLL);
    test_session_sql(early, "begin");
    recorder_touch(early, 1);
    recorder_touch(late, 2);
    recorder_wait_until_confirmed();
    cr_expect_eq(recorder.reported[2], 1);
    cr_expect_eq(recorder.reported[1], 0);
    for (int i = 0; i < 3; i++)
        recorder_wait_until_confirmed();
    test_session_sql(early, "commit");
    for (int i = 0; i < 3; i++)
        recorder_wait_until_confirmed();
    cr_expect_eq(recorder.reported[1], 1);
    cr_expect_eq(recorder.reported[2], 1);
    cr_expect_eq(recorder.everything, 1);
    PQfinish(early);
    PQfinish(late);
    recorder_stop();
}

/* Sessions begin, commit and roll back in a random order, while the feed reads. */
Test(feed, reports_each_of_many_transactions_once_and_none_that_was_rolled_back)
{
    enum { SESSIONS = 8, TRANSACTIONS = 300 };
    PGconn *sessions[SESSIONS];
    int open[SESSIONS] = {0}, next = 1; /* the article that a session has changed, or 0 */
    bool is_committed[TRANSACTIONS + 1] = {false};
    for (int i = 0; i < SESSIONS; i++)
        sessions[i] = test_session_open(url);
    recorder_start_up(url, BY_POLL);
    srandom(20170301);
    for (int nopen = 0; next <= TRANSACTIONS || nopen > 0;) {
        int i = (int)(random() % SESSIONS);
        if (open[i] != 0) {
            is_committed[open[i]] = random() % 4 != 0;
            test_session_sql(sessions[i], is_committed[open[i]] ? "commit" : "rollback");
            open[i] = 0;
            nopen--;
        } else if (next <= TRANSACTIONS) {
            open[i] = next++;
            test_session_sql(sessions[i], "begin");
            recorder_touch(sessions[i], open[i]);
            nopen++;
        }
        if (random() % 3 == 0)
            test_loop_turn(1);
    }
    recorder_wait_until_confirmed();
    for (int id = 1; id <= TRANSACTIONS; id++)
        cr_expect_eq(recorder.reported[id], is_committed[id], "article %d: %u", id,
                     recorder.reported[id]);
    cr_expect_eq(recorder.everything, 1);
    for (int i = 0; i < SESSIONS; i++)
        PQfinish(sessions[i]);
    recorder_stop();
}

Test(feed, reports_everything_when_very_many_entities_changed)
{
    const char *change =
        "select change_log_add(array_agg(article_key(i))) from generate_series(1, %d) i";
    recorder_start_up(url, BY_NOTIFICATION);
    test_sql(url, change, 10000);
    cr_assert(RUN_UNTIL(ALL_MS, recorder.reported[10000] == 1));
    cr_expect_eq(counter_get(&recorder.stats.changes), 10000);
    cr_expect_eq(recorder.everything, 1);
    test_sql(url, change, 10001);
    cr_assert(RUN_UNTIL(ALL_MS, recorder.everything == 2));
    cr_expect_eq(counter_get(&recorder.stats.changes), 10000);
    cr_expect_eq(counter_get(&recorder.stats.everything), 2);
    recorder_stop();
}

Test(feed, reports_a_transaction_that_is_older_than_the_log)
{
    PGconn *old = test_session_open(url), *session = test_session_open(url);
    recorder_start_up(url, BY_POLL);
    test_session_sql(old, "begin");
    recorder_touch(old, 1);
    for (int i = 0; i < 3; i++) {
        recorder_touch(session, 2);
        test_session_sql(session, "select change_log_trim('0')");
        recorder_wait_until_confirmed();
    }
    cr_expect_eq(recorder.reported[2], 3);
    test_session_sql(old, "commit");
    recorder_wait_until_confirmed();
    cr_expect_eq(recorder.reported[1], 1);
    cr_expect_eq(recorder.everything, 1);
    PQfinish(old);
    PQfinish(session);
    recorder_stop();
}

Test(feed, keeps_a_connection_when_its_notify_tests_come_back)
{
    PGconn *session = test_session_open(url);
    recorder_start(url, (struct db_change_feed_config){.max_stale_ms = BY_NOTIFICATION,
                                                       .notify_test_ms = 400});
    cr_assert(RUN_UNTIL(ALL_MS, recorder.news > 0));
    long xid = test_sql_number(url, "select pg_current_xact_id()::text::bigint");
    /* Each notify test is a transaction with a number of its own. */
    cr_assert(
        RUN_UNTIL(ALL_MS, test_sql_number(url, "select pg_snapshot_xmax("
                                               "pg_current_snapshot())::text::bigint") > xid + 3));
    cr_expect_eq(recorder.events[DB_EVENT_LOST], 0, "%s", recorder.why);
    cr_expect_eq(recorder.news, 1, "a notify test is not a change");
    PQfinish(session);
    recorder_stop();
}

Test(feed, may_be_finished_at_any_moment)
{
    for (int turns = 0; turns < 30; turns++) {
        recorder_start(url,
                       (struct db_change_feed_config){.max_stale_ms = 100, .notify_test_ms = 2});
        for (int i = 0; i < turns; i++)
            test_loop_turn(2);
        recorder_stop();
    }
}
