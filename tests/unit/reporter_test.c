#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "db/reporter.h"

static struct db_reporter reporter;
static unsigned told[DB_EVENT_FAILED + 1];
static char last[256];

static void on_event(enum db_event event, const char *why)
{
    told[event]++;
    snprintf(last, sizeof(last), "%s", why);
}

static void init(void)
{
    db_reporter_init(&reporter, on_event);
}

TestSuite(reporter, .init = init);

static void down(const char *why, enum db_conn_state was)
{
    struct db_conn conn = {.state = DB_CONN_DOWN};
    snprintf(conn.why, sizeof(conn.why), "%s", why);
    db_reporter_down(&reporter, &conn, was);
}

Test(reporter, tells_a_start_once)
{
    db_reporter_up(&reporter);
    db_reporter_up(&reporter);
    cr_expect_eq(told[DB_EVENT_UP], 1);
    cr_expect_str_eq(last, "");
}

Test(reporter, tells_a_loss_from_an_attempt_that_failed)
{
    down("refused", DB_CONN_CONNECTING);
    cr_expect_eq(told[DB_EVENT_NO_CONNECT], 1);
    cr_expect_str_eq(last, "refused");
    down("cut off", DB_CONN_BUSY);
    down("terminated", DB_CONN_IDLE);
    cr_expect_eq(told[DB_EVENT_LOST], 2);
    cr_expect_str_eq(last, "terminated");
}

Test(reporter, tells_the_same_misfortune_once_though_it_comes_and_goes)
{
    db_reporter_up(&reporter);
    for (int i = 0; i < 100; i++) {
        down("cut off", DB_CONN_IDLE);
        db_reporter_up(&reporter);
    }
    cr_expect_eq(told[DB_EVENT_LOST], 1);
    cr_expect_eq(told[DB_EVENT_UP], 2);
    down("refused", DB_CONN_CONNECTING);
    db_reporter_up(&reporter);
    cr_expect_eq(told[DB_EVENT_NO_CONNECT], 1);
    cr_expect_eq(told[DB_EVENT_UP], 3);
}

Test(reporter, tells_a_reason_again_where_it_means_another_thing)
{
    for (int i = 0; i < 100; i++) {
        down("there is no such table", DB_CONN_BUSY);
        down("there is no such table", DB_CONN_PREPARING);
    }
    cr_expect_eq(told[DB_EVENT_LOST], 1);
    cr_expect_eq(told[DB_EVENT_NO_CONNECT], 1);
}

Test(reporter, takes_a_failure_that_has_no_message)
{
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_FATAL_ERROR);
    db_reporter_failed(&reporter, result);
    cr_expect_eq(told[DB_EVENT_FAILED], 1);
    cr_expect_str_eq(last, "");
    PQclear(result);
}

Test(reporter, may_have_nobody_to_tell)
{
    db_reporter_init(&reporter, NULL);
    down("refused", DB_CONN_CONNECTING);
    db_reporter_up(&reporter);
    cr_expect_eq(told[DB_EVENT_UP] + told[DB_EVENT_NO_CONNECT], 0);
}
