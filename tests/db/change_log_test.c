/* The change log stays short, and never loses a change. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/db/model.h"
#include "tests/support/database.h"

static char *url;
static PGconn *session, *other;

static void open_site(void)
{
    url = model_create();
    session = test_session_open(url);
    other = test_session_open(url);
    test_session_sql(other, "set statement_timeout = '10s'"); /* so that no test hangs */
}

static void close_site(void)
{
    PQfinish(session);
    PQfinish(other);
    free(url);
}

TestSuite(change_log, .init = open_site, .fini = close_site, .timeout = 60);

static void touch(PGconn *s, int id)
{
    test_session_sql(s, "update articles set version = version + 1 where id = %d", id);
}

static long trim(PGconn *s, const char *keep)
{
    return model_number(s, "select change_log_trim('%s')", keep);
}

static long rows(void)
{
    return model_number(session, "select count(*) from change_log");
}

static char *position(PGconn *s)
{
    return model_value(s, "select pg_current_snapshot()");
}

static bool reaches(const char *since)
{
    char *answer = model_value(session, "select change_log_reaches('%s')", since);
    bool reached = strcmp(answer, "t") == 0;
    free(answer);
    return reached;
}

/* Changes that became visible after a snapshot. */
static long visible_since(const char *since)
{
    return model_number(
        session, "select count(*) from change_log where not pg_visible_in_snapshot(xid, '%s')",
        since);
}

/* Names of entities: see model.h. */
static void expect_changes(const char *want)
{
    char *changes = model_changes(session);
    cr_expect_str_eq(changes, want, "%s and not %s", changes, want);
    free(changes);
}

Test(change_log, has_each_entity_of_a_transaction_once)
{
    test_session_sql(session, "begin");
    touch(session, 3);
    touch(session, 3);
    test_session_sql(session, "update tags set name = 'Tramway' where id = 1; commit");
    expect_changes("a3 t1 A S2 T1 *");
    cr_expect_eq(rows(), 6, "a3, A, S2, T1, t1 and *");
    touch(session, 3);
    cr_expect_eq(rows(), 10);
}

Test(change_log, keeps_changes_that_are_younger_than_the_given_time)
{
    touch(session, 4);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(trim(session, "1 hour"), 0);
    expect_changes("a4");
}

/* A draft is on no listing, so a change of it is one row. */
Test(change_log, deletes_changes_that_were_visible_when_the_period_began)
{
    touch(session, 4);
    cr_expect_eq(trim(session, "0"), 0, "the period begins");
    touch(session, 5);
    cr_expect_eq(trim(session, "0"), 1);
    expect_changes("a5");
    cr_expect_eq(trim(session, "0"), 1);
    cr_expect_eq(rows(), 0);
}

Test(change_log, has_the_changes_of_at_most_two_periods)
{
    enum { CHANGES = 20 };
    for (int i = 0; i < 30; i++) {
        for (int n = 0; n < CHANGES; n++)
            touch(session, 4 + n % 2);
        trim(session, "0");
        cr_assert_leq(rows(), 2 * CHANGES);
    }
}

Test(change_log, keeps_the_changes_of_a_transaction_that_is_still_open)
{
    test_session_sql(other, "begin");
    touch(other, 4);
    for (int i = 0; i < 3; i++) {
        touch(session, 5);
        trim(session, "0");
    }
    char *since = position(session);
    test_session_sql(other, "commit");
    cr_expect_eq(visible_since(since), 1, "the change is in the log when it becomes visible");
    cr_expect(reaches(since));
    trim(session, "0");
    cr_expect_eq(visible_since(since), 1);
    trim(session, "0");
    cr_expect_eq(visible_since(since), 0);
    cr_expect_not(reaches(since), "the log reports that the change is deleted");
    free(since);
}

Test(change_log, is_trimmed_by_one_caller_at_a_time_and_none_waits)
{
    touch(session, 4);
    trim(session, "0");
    test_session_sql(session, "begin");
    cr_expect_eq(trim(session, "0"), 1);
    cr_expect_eq(trim(other, "0"), 0);
    test_session_sql(session, "commit");
}

Test(change_log, reaches_back_to_any_snapshot_since_the_floor)
{
    char *before = position(session);
    cr_expect(reaches(before));
    touch(session, 4);
    cr_expect(reaches(before));
    trim(session, "0");
    char *at_floor = position(session);
    cr_expect(reaches(before), "the first period is not over");
    touch(session, 5);
    trim(session, "0");
    cr_expect_not(reaches(before));
    cr_expect(reaches(at_floor));
    free(at_floor);
    free(before);
}

/* The snapshot has the same end as the floor, but one transaction was still open in it. The changes
 * of this transaction are not visible in the snapshot, and the log may have deleted them. */
Test(change_log, does_not_reach_back_to_a_snapshot_with_an_open_transaction_that_the_floor_saw)
{
    test_session_sql(other, "begin");
    touch(other, 4);
    touch(session, 5);
    char *since = position(session);
    test_session_sql(other, "commit");
    trim(session, "0");
    cr_expect(reaches(since));
    trim(session, "0");
    cr_expect_not(reaches(since));
    cr_expect_eq(visible_since(since), 0);
    free(since);
}

/* The log has all changes since each snapshot to which it reaches back by its own account. */
Test(change_log, has_all_changes_since_every_snapshot_to_which_it_reaches)
{
    enum { N = 60 };
    char *since[N];
    bool is_open = false;
    unsigned reached = 0;
    srand(1);
    for (int i = 0; i < N; i++) {
        since[i] = position(session);
        if (rand() % 3 == 0) {
            test_session_sql(other, is_open ? "commit" : "begin");
            is_open = !is_open;
            if (is_open)
                test_session_sql(other, "insert into change_log (key) values (%d)", 1000 + i);
        }
        test_session_sql(session, "insert into change_log (key) values (%d)", 2000 + i);
        test_session_sql(session, "create table if not exists truth (like change_log);"
                                  "insert into truth select * from change_log"
                                  " where (xid, key) not in (table truth)");
        if (rand() % 8 == 0)
            trim(session, "0");
        for (int before = 0; before <= i; before++) {
            if (!reaches(since[before]))
                continue;
            reached++;
            cr_assert_eq(model_number(session,
                                      "select count(*) from truth where not"
                                      " pg_visible_in_snapshot(xid, '%s')"
                                      " and (xid, key) not in (table change_log)",
                                      since[before]),
                         0);
        }
    }
    cr_expect_gt(reached, N);
    cr_expect_not(reaches(since[0]));
    for (int i = 0; i < N; i++)
        free(since[i]);
}
