#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "db/teller.h"

static struct db_teller teller;
static unsigned told[DB_EVENT_FAILED + 1];
static char last[256];

static void on_event(enum db_event event, const char *why)
{
    told[event]++;
    snprintf(last, sizeof(last), "%s", why);
}

static void init(void)
{
    db_teller_init(&teller, on_event);
}

TestSuite(teller, .init = init);

static void down(const char *why, enum db_conn_state was)
{
    struct db_conn conn = {.state = DB_CONN_DOWN};
    snprintf(conn.why, sizeof(conn.why), "%s", why);
    db_teller_down(&teller, &conn, was);
}

Test(teller, tells_a_start_once)
{
    db_teller_up(&teller);
    db_teller_up(&teller);
    cr_expect_eq(told[DB_EVENT_UP], 1);
    cr_expect_str_eq(last, "");
}

Test(teller, tells_a_loss_from_an_attempt_that_failed)
{
    down("refused", DB_CONN_CONNECTING);
    cr_expect_eq(told[DB_EVENT_NO_CONNECT], 1);
    cr_expect_str_eq(last, "refused");
    down("cut off", DB_CONN_BUSY);
    down("terminated", DB_CONN_IDLE);
    cr_expect_eq(told[DB_EVENT_LOST], 2);
    cr_expect_str_eq(last, "terminated");
}

Test(teller, tells_the_same_misfortune_once_though_it_comes_and_goes)
{
    db_teller_up(&teller);
    for (int i = 0; i < 100; i++) {
        down("cut off", DB_CONN_IDLE);
        db_teller_up(&teller);
    }
    cr_expect_eq(told[DB_EVENT_LOST], 1);
    cr_expect_eq(told[DB_EVENT_UP], 2);
    down("refused", DB_CONN_CONNECTING);
    db_teller_up(&teller);
    cr_expect_eq(told[DB_EVENT_NO_CONNECT], 1);
    cr_expect_eq(told[DB_EVENT_UP], 3);
}

Test(teller, tells_a_reason_again_where_it_means_another_thing)
{
    for (int i = 0; i < 100; i++) {
        down("there is no such table", DB_CONN_BUSY);
        down("there is no such table", DB_CONN_PREPARING);
    }
    cr_expect_eq(told[DB_EVENT_LOST], 1);
    cr_expect_eq(told[DB_EVENT_NO_CONNECT], 1);
}

Test(teller, takes_a_failure_that_has_no_message)
{
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_FATAL_ERROR);
    db_teller_failed(&teller, result);
    cr_expect_eq(told[DB_EVENT_FAILED], 1);
    cr_expect_str_eq(last, "");
    PQclear(result);
}

Test(teller, may_have_nobody_to_tell)
{
    db_teller_init(&teller, NULL);
    down("refused", DB_CONN_CONNECTING);
    db_teller_up(&teller);
    cr_expect_eq(told[DB_EVENT_UP] + told[DB_EVENT_NO_CONNECT], 0);
}
