#include <criterion/criterion.h>
#include <signal.h>

#include "cache/freshness.h"

static struct freshness f;

static void a_second(void)
{
    freshness_init(&f, 1000000);
}

TestSuite(freshness, .init = a_second, .timeout = 5);

static bool has_changed(uint64_t since, int64_t id)
{
    return freshness_has_changed(&f, since, &id, 1);
}

static void change(int64_t id)
{
    freshness_changed(&f, &id, 1);
}

Test(freshness, tells_what_has_changed_since)
{
    const int64_t page[] = {5, 6, 7};
    uint64_t before = f.seq;
    change(7);
    uint64_t after = f.seq;
    cr_expect(has_changed(before, 7));
    cr_expect(freshness_has_changed(&f, before, page, 3), "one of its ids has");
    cr_expect_not(has_changed(before, 8));
    cr_expect_not(freshness_has_changed(&f, before, page, 2));
    cr_expect_not(freshness_has_changed(&f, before, NULL, 0));
    cr_expect_not(has_changed(after, 7));
    cr_expect_not(has_changed(after, 0), "what was never written is no change");
}

Test(freshness, counts_each_id)
{
    const int64_t ids[] = {1, 2, 3};
    freshness_changed(&f, ids, 3);
    cr_expect_eq(f.seq, 3);
    cr_expect(has_changed(0, 1));
    cr_expect_not(has_changed(1, 1));
    cr_expect(has_changed(2, 3));
    freshness_changed(&f, ids, 0);
    cr_expect_eq(f.seq, 3);
}

Test(freshness, takes_anything_for_changed_where_it_does_not_remember)
{
    for (int64_t id = 1; id <= FRESHNESS_MEMORY; id++)
        change(id);
    cr_expect_not(has_changed(0, 5000), "all of them are remembered");
    cr_expect(has_changed(0, 1));
    change(FRESHNESS_MEMORY + 1);
    cr_expect(has_changed(0, 5000));
    cr_expect_not(has_changed(1, 5000));
    cr_expect_not(has_changed(1, 1));
    cr_expect(has_changed(1, 2));
    cr_expect(has_changed(1, FRESHNESS_MEMORY + 1));
}

Test(freshness, takes_more_changes_at_once_than_it_remembers)
{
    static int64_t ids[3 * FRESHNESS_MEMORY];
    for (size_t i = 0; i < 3 * FRESHNESS_MEMORY; i++)
        ids[i] = (int64_t)i + 1;
    freshness_changed(&f, ids, 3 * FRESHNESS_MEMORY);
    cr_expect(has_changed(0, 5000));
    cr_expect(has_changed(2 * FRESHNESS_MEMORY, 2 * FRESHNESS_MEMORY + 1));
    cr_expect_not(has_changed(2 * FRESHNESS_MEMORY, 2 * FRESHNESS_MEMORY));
}

Test(freshness, takes_anything_for_changed_after_all_has)
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

Test(freshness, refuses_a_seq_of_the_future, .signal = SIGABRT)
{
    has_changed(1, 1);
}

Test(freshness, is_vouched_for_as_long_as_was_said)
{
    cr_expect_not(freshness_is_confirmed(&f, 0), "nobody has vouched yet");
    cr_expect_not(freshness_is_confirmed(&f, 5000000));
    freshness_confirm(&f, 5000000);
    cr_expect(freshness_is_confirmed(&f, 5000000));
    cr_expect(freshness_is_confirmed(&f, 5999999));
    cr_expect_not(freshness_is_confirmed(&f, 6000000));
    cr_expect_not(freshness_is_confirmed(&f, UINT64_MAX));
    cr_expect(freshness_is_confirmed(&f, 4000000), "a clock read before");
}

Test(freshness, never_takes_a_voucher_back)
{
    freshness_confirm(&f, 5000000);
    freshness_confirm(&f, 3000000);
    cr_expect(freshness_is_confirmed(&f, 5900000));
    freshness_confirm(&f, 5500000);
    cr_expect(freshness_is_confirmed(&f, 6400000));
}

Test(freshness, is_vouched_for_ever_where_that_is_set)
{
    freshness_init(&f, UINT64_MAX);
    cr_expect_not(freshness_is_confirmed(&f, 1));
    freshness_confirm(&f, 2);
    cr_expect(freshness_is_confirmed(&f, UINT64_MAX - 1));
}

Test(freshness, is_never_vouched_for_where_nothing_stale_may_be_shown)
{
    freshness_init(&f, 0);
    freshness_confirm(&f, 2);
    cr_expect_not(freshness_is_confirmed(&f, 2));
    cr_expect_not(freshness_is_confirmed(&f, 3));
}
