#include <criterion/criterion.h>
#include <signal.h>

#include "cache/freshness.h"

static struct freshness f;

static void a_second(void)
{
    freshness_init(&f, 1000000);
}

TestSuite(freshness, .init = a_second, .timeout = 5);

static bool has_changed(uint64_t since, uint64_t key)
{
    return freshness_has_changed(&f, since, &key, 1);
}

static void change(uint64_t key)
{
    freshness_changed(&f, &key, 1);
}

Test(freshness, knows_which_entities_have_changed_since)
{
    const uint64_t page[] = {5, 6, 7};
    uint64_t before = f.seq;
    change(7);
    uint64_t after = f.seq;
    cr_expect(has_changed(before, 7));
    cr_expect(freshness_has_changed(&f, before, page, 3), "one of its entities has changed");
    cr_expect_not(has_changed(before, 8));
    cr_expect_not(freshness_has_changed(&f, before, page, 2));
    cr_expect_not(freshness_has_changed(&f, before, NULL, 0));
    cr_expect_not(has_changed(after, 7));
    cr_expect_not(has_changed(after, 0), "an empty place of the memory is no change");
}

Test(freshness, counts_each_change)
{
    const uint64_t keys[] = {1, 2, 3};
    freshness_changed(&f, keys, 3);
    cr_expect_eq(f.seq, 3);
    cr_expect(has_changed(0, 1));
    cr_expect_not(has_changed(1, 1));
    cr_expect(has_changed(2, 3));
    freshness_changed(&f, keys, 0);
    cr_expect_eq(f.seq, 3);
}

Test(freshness, reports_everything_as_changed_when_it_does_not_remember)
{
    for (uint64_t key = 1; key <= FRESHNESS_MEMORY; key++)
        change(key);
    cr_expect_not(has_changed(0, 90000), "all of them are remembered");
    cr_expect(has_changed(0, 1));
    change(FRESHNESS_MEMORY + 1);
    cr_expect(has_changed(0, 90000));
    cr_expect_not(has_changed(1, 90000));
    cr_expect_not(has_changed(1, 1));
    cr_expect(has_changed(1, 2));
    cr_expect(has_changed(1, FRESHNESS_MEMORY + 1));
}

Test(freshness, accepts_more_changes_at_once_than_it_remembers)
{
    static uint64_t keys[3 * FRESHNESS_MEMORY];
    for (size_t i = 0; i < 3 * FRESHNESS_MEMORY; i++)
        keys[i] = i + 1;
    freshness_changed(&f, keys, 3 * FRESHNESS_MEMORY);
    cr_expect(has_changed(0, 90000));
    cr_expect(has_changed(2 * FRESHNESS_MEMORY, 2 * FRESHNESS_MEMORY + 1));
    cr_expect_not(has_changed(2 * FRESHNESS_MEMORY, 2 * FRESHNESS_MEMORY));
}

Test(freshness, reports_everything_as_changed_after_a_change_of_everything)
{
    change(1);
    uint64_t before = f.seq;
    freshness_changed_all(&f);
    uint64_t after = f.seq;
    cr_expect(has_changed(before, 99));
    cr_expect(freshness_has_changed(&f, before, NULL, 0));
    cr_expect_not(has_changed(after, 1));
    change(2);
    cr_expect(has_changed(before, 99));
    cr_expect_not(has_changed(after, 99));
    cr_expect(has_changed(after, 2));
}

Test(freshness, aborts_on_a_seq_of_the_future, .signal = SIGABRT)
{
    has_changed(1, 1);
}

Test(freshness, is_confirmed_for_the_time_of_its_setting)
{
    cr_expect_not(freshness_is_confirmed(&f, 0), "nothing is confirmed yet");
    cr_expect_not(freshness_is_confirmed(&f, 5000000));
    freshness_confirm(&f, 5000000);
    cr_expect(freshness_is_confirmed(&f, 5000000));
    cr_expect(freshness_is_confirmed(&f, 5999999));
    cr_expect_not(freshness_is_confirmed(&f, 6000000));
    cr_expect_not(freshness_is_confirmed(&f, UINT64_MAX));
    cr_expect(freshness_is_confirmed(&f, 4000000), "an earlier time");
}

Test(freshness, ignores_an_earlier_confirmation)
{
    freshness_confirm(&f, 5000000);
    freshness_confirm(&f, 3000000);
    cr_expect(freshness_is_confirmed(&f, 5900000));
    freshness_confirm(&f, 5500000);
    cr_expect(freshness_is_confirmed(&f, 6400000));
}

Test(freshness, is_confirmed_for_ever_when_the_setting_says_so)
{
    freshness_init(&f, UINT64_MAX);
    cr_expect_not(freshness_is_confirmed(&f, 1));
    freshness_confirm(&f, 2);
    cr_expect(freshness_is_confirmed(&f, UINT64_MAX - 1));
}

Test(freshness, is_never_confirmed_when_no_stale_answer_may_be_shown)
{
    freshness_init(&f, 0);
    freshness_confirm(&f, 2);
    cr_expect_not(freshness_is_confirmed(&f, 2));
    cr_expect_not(freshness_is_confirmed(&f, 3));
}

Test(freshness, is_not_confirmed_after_it_was_put_in_doubt)
{
    freshness_confirm(&f, 5000000);
    freshness_doubt(&f);
    cr_expect_not(freshness_is_confirmed(&f, 5000000));
    freshness_confirm(&f, 4900000);
    cr_expect(freshness_is_confirmed(&f, 5000000), "there is news again");
}
