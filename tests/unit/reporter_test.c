#include <criterion/criterion.h>
#include <stdio.h>

#include "db/reporter.h"

static struct db_reporter reporter;

static bool is_reported(enum db_event event, const char *why)
{
    return db_reporter_problem(&reporter, event, why);
}

Test(reporter, reports_a_start_once)
{
    cr_expect(db_reporter_up(&reporter));
    cr_expect_not(db_reporter_up(&reporter));
}

Test(reporter, reports_two_problems_that_alternate_once_each)
{
    for (int i = 0; i < 100; i++) {
        cr_expect_eq(is_reported(DB_EVENT_NO_CONNECT, "the first host refuses"), i == 0);
        cr_expect_eq(is_reported(DB_EVENT_NO_CONNECT, "the second host is silent"), i == 0);
    }
}

Test(reporter, reports_once_a_problem_that_comes_and_goes)
{
    unsigned ups = db_reporter_up(&reporter), losses = 0;
    for (int i = 0; i < 100; i++) {
        losses += is_reported(DB_EVENT_LOST, "terminated");
        ups += db_reporter_up(&reporter);
    }
    cr_expect_eq(losses, 1);
    cr_expect_eq(ups, 2);
    cr_expect(is_reported(DB_EVENT_NO_CONNECT, "refused"), "another problem is reported");
    cr_expect(db_reporter_up(&reporter), "its end is reported");
}

Test(reporter, reports_a_problem_again_after_a_minute_without_it)
{
    cr_assert(is_reported(DB_EVENT_LOST, "terminated"));
    db_reporter_up(&reporter);
    cr_assert_not(is_reported(DB_EVENT_LOST, "terminated"));
    db_reporter_up(&reporter);
    reporter._up_since_us -= 60000001;
    cr_expect(is_reported(DB_EVENT_LOST, "terminated"));
}

Test(reporter, reports_a_reason_again_when_it_explains_another_event)
{
    cr_expect(is_reported(DB_EVENT_LOST, "there is no such table"));
    cr_expect(is_reported(DB_EVENT_NO_CONNECT, "there is no such table"));
    cr_expect(is_reported(DB_EVENT_FAILED, "there is no such table"));
    cr_expect_not(is_reported(DB_EVENT_FAILED, "there is no such table"));
}

Test(reporter, accepts_a_failure_without_a_message)
{
    cr_expect(is_reported(DB_EVENT_FAILED, ""));
}

/* A repeated report is one line too many, and does no harm. */
Test(reporter, forgets_the_oldest_problem_when_there_are_very_many)
{
    char why[32];
    for (int i = 0; i <= DB_REPORTER_PROBLEMS; i++) {
        snprintf(why, sizeof(why), "problem %d", i);
        cr_expect(is_reported(DB_EVENT_FAILED, why));
    }
    cr_expect(is_reported(DB_EVENT_FAILED, "problem 0"));
    cr_expect_not(is_reported(DB_EVENT_FAILED, "problem 2"));
}
