#include <criterion/criterion.h>

#include "cache/ghost.h"

/* What a good hash gives for i: splitmix64 (Vigna, public domain). */
static uint64_t hash(uint64_t i)
{
    uint64_t z = i * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static struct ghost ghost;

static void finish(void)
{
    ghost_finish(&ghost);
}

TestSuite(ghost, .fini = finish, .timeout = 10);

Test(ghost, remembers_nothing_where_it_has_no_room)
{
    ghost_add(&ghost, hash(1));
    cr_expect_not(ghost_take(&ghost, hash(1), 10));
    cr_expect_eq(ghost_bytes(&ghost), 0);
}

Test(ghost, tells_what_it_has_seen_once)
{
    ghost_fit(&ghost, 10);
    ghost_add(&ghost, hash(1));
    cr_expect_not(ghost_take(&ghost, hash(2), 10));
    cr_expect(ghost_take(&ghost, hash(1), 10));
    cr_expect_not(ghost_take(&ghost, hash(1), 10));
}

Test(ghost, knows_the_last_n)
{
    ghost_fit(&ghost, 4);
    for (uint64_t i = 1; i <= 3; i++)
        ghost_add(&ghost, hash(i));
    cr_expect_not(ghost_take(&ghost, hash(1), 2));
    cr_expect(ghost_take(&ghost, hash(2), 2));
    cr_expect(ghost_take(&ghost, hash(3), 2));
    cr_expect(ghost_take(&ghost, hash(1), 3));
}

Test(ghost, loses_few_of_as_many_as_it_fits)
{
    enum { N = 50000 };
    ghost_fit(&ghost, N);
    for (uint64_t i = 0; i < 4 * N; i++)
        ghost_add(&ghost, hash(i));
    unsigned found = 0, old = 0, strangers = 0;
    for (uint64_t i = 0; i < 3 * N; i++)
        old += ghost_take(&ghost, hash(i), N);
    for (uint64_t i = 3 * N; i < 4 * N; i++)
        found += ghost_take(&ghost, hash(i), N);
    for (uint64_t i = 4 * N; i < 8 * N; i++)
        strangers += ghost_take(&ghost, hash(i), N);
    cr_expect_gt(found, N * 9 / 10, "%u of %u found", found, N);
    cr_expect_eq(old, 0);
    cr_expect_eq(strangers, 0);
}

Test(ghost, still_knows_what_came_before_it_was_resized)
{
    ghost_fit(&ghost, 100);
    for (uint64_t i = 0; i < 50; i++)
        ghost_add(&ghost, hash(i));
    ghost_fit(&ghost, 1000);
    for (uint64_t i = 50; i < 100; i++)
        ghost_add(&ghost, hash(i));
    unsigned found = 0;
    for (uint64_t i = 0; i < 100; i++)
        found += ghost_take(&ghost, hash(i), 100);
    cr_expect_geq(found, 95);
}

Test(ghost, drops_the_slots_of_before_once_all_in_them_is_too_old)
{
    ghost_fit(&ghost, 100);
    for (uint64_t i = 0; i < 100; i++)
        ghost_add(&ghost, hash(i));
    ghost_fit(&ghost, 1000);
    size_t with_both = ghost_bytes(&ghost);
    for (uint64_t i = 100; i < 1000; i++)
        ghost_add(&ghost, hash(i));
    cr_expect_lt(ghost_bytes(&ghost), with_both);
}

Test(ghost, takes_22_bytes_at_most_for_each_that_it_fits)
{
    for (size_t n = 1; n < 100000; n += 1 + n / 50) {
        ghost_fit(&ghost, n);
        for (uint64_t i = 0; i < 3 * n; i++) /* the slots of before are gone then */
            ghost_add(&ghost, hash(i));
        cr_assert_leq(ghost_bytes(&ghost), 128 + 22 * n, "%zu bytes for %zu", ghost_bytes(&ghost),
                      n);
    }
}

Test(ghost, gets_smaller_again)
{
    ghost_fit(&ghost, 100000);
    size_t large = ghost_bytes(&ghost);
    for (int i = 0; i < 10; i++)
        ghost_fit(&ghost, 10);
    cr_expect_lt(ghost_bytes(&ghost), large / 64);
}
