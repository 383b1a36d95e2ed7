/* Answers for some cities, and their memory. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "server/weather_view.h"

static struct cities cities;
static struct weather_view view;
static struct memory memory;

static void begin(void)
{
    static const char text[] = "[{\"name\":\"Oslo\",\"latitude\":60,\"longitude\":11}]";
    char *errors;
    cr_assert(cities_parse(&cities, "c", text, strlen(text), "http://a/", &errors));
    weather_view_update(&view, report_create_first(&cities));
}

static void end(void)
{
    weather_view_finish(&view);
    cr_expect_eq(memory_used(&memory), 0, "all is given back");
    cities_finish(&cities);
}

TestSuite(weather_view, .init = begin, .fini = end, .timeout = 60);

static struct weather_selection *make(const char *name)
{
    char *copy = strdup(name), *names[] = {copy};
    struct weather_selection *selection =
        weather_view_make(&view, &memory, h2o_iovec_init(name, strlen(name)), names, 1);
    free(copy);
    return selection;
}

Test(weather_view, keeps_an_answer_until_the_next_report)
{
    memory_init(&memory, 1 << 20);
    struct weather_selection *made = make("Oslo");
    cr_assert_not_null(made);
    cr_expect_not_null(strstr(made->text.base, "not-yet"), "%s", made->text.base);
    cr_expect_eq(weather_view_find(&view, h2o_iovec_init(H2O_STRLIT("Oslo"))), made);
    h2o_mem_release_shared(made);
    cr_expect_gt(memory_used(&memory), 0, "a kept answer is in the budget");
    weather_view_update(&view, report_create_first(&cities));
    cr_expect_null(weather_view_find(&view, h2o_iovec_init(H2O_STRLIT("Oslo"))));
}

Test(weather_view, makes_an_answer_also_when_the_budget_of_memory_is_in_use)
{
    memory_init(&memory, 100);
    struct weather_selection *made = make("Oslo");
    cr_assert_not_null(made);
    cr_expect_gt(memory_used(&memory), 100);
    cr_expect_not(memory_reserve(&memory, 1), "others are refused meanwhile");
    h2o_mem_release_shared(made);
}
