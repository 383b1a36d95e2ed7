/* A machine under load must not fail a test by its time limit.
 *
 *     Criterion has read the limits of all tests (.timeout) --> each becomes TIMES as long --> the tests run
 *
 * A limit is enough for the test on an idle machine. It ends a test that hangs. */
#include <criterion/criterion.h>
#include <criterion/hooks.h>

enum { TIMES = 5 };

ReportHook(PRE_ALL)(struct criterion_test_set *all)
{
    FOREACH_SET(struct criterion_suite_set * suite, all->suites)
    {
        if (suite->suite.data != NULL)
            suite->suite.data->timeout *= TIMES;
        FOREACH_SET(struct criterion_test * test, suite->tests)
        {
            test->data->timeout *= TIMES;
        }
    }
}
