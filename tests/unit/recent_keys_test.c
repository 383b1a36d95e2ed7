#include <criterion/criterion.h>

#include "cache/recent_keys.h"

/* The hash of i by a good hash function: splitmix64 (Vigna, public domain). */
static uint64_t hash(uint64_t i)
{
    uint64_t z = i * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static struct recent_keys recent;

static void finish(void)
{
    recent_keys_finish(&recent);
}

TestSuite(recent, .fini = finish, .timeout = 10);

Test(recent, remembers_nothing_when_it_has_no_room)
{
    recent_keys_add(&recent, hash(1));
    cr_expect_not(recent_keys_take(&recent, hash(1), 10));
    cr_expect_eq(recent_keys_bytes(&recent), 0);
}

Test(recent, finds_a_key_once)
{
    recent_keys_fit(&recent, 10);
    recent_keys_add(&recent, hash(1));
    cr_expect_not(recent_keys_take(&recent, hash(2), 10));
    cr_expect(recent_keys_take(&recent, hash(1), 10));
    cr_expect_not(recent_keys_take(&recent, hash(1), 10));
}

Test(recent, finds_the_last_n_keys)
{
    recent_keys_fit(&recent, 4);
    for (uint64_t i = 1; i <= 3; i++)
        recent_keys_add(&recent, hash(i));
    cr_expect_not(recent_keys_take(&recent, hash(1), 2));
    cr_expect(recent_keys_take(&recent, hash(2), 2));
    cr_expect(recent_keys_take(&recent, hash(3), 2));
    cr_expect(recent_keys_take(&recent, hash(1), 3));
}

Test(recent, loses_few_keys_of_the_number_that_it_has_room_for)
{
    enum { N = 50000 };
    recent_keys_fit(&recent, N);
    for (uint64_t i = 0; i < 4 * N; i++)
        recent_keys_add(&recent, hash(i));
    unsigned found = 0, old = 0, unknown = 0;
    for (uint64_t i = 0; i < 3 * N; i++)
        old += recent_keys_take(&recent, hash(i), N);
    for (uint64_t i = 3 * N; i < 4 * N; i++)
        found += recent_keys_take(&recent, hash(i), N);
    for (uint64_t i = 4 * N; i < 8 * N; i++)
        unknown += recent_keys_take(&recent, hash(i), N);
    cr_expect_gt(found, N * 9 / 10, "%u of %u found", found, N);
    cr_expect_eq(old, 0);
    cr_expect_eq(unknown, 0);
}

Test(recent, still_finds_the_keys_from_before_a_resize)
{
    recent_keys_fit(&recent, 100);
    for (uint64_t i = 0; i < 50; i++)
        recent_keys_add(&recent, hash(i));
    recent_keys_fit(&recent, 1000);
    for (uint64_t i = 50; i < 100; i++)
        recent_keys_add(&recent, hash(i));
    unsigned found = 0;
    for (uint64_t i = 0; i < 100; i++)
        found += recent_keys_take(&recent, hash(i), 100);
    cr_expect_geq(found, 95);
}

Test(recent, drops_the_old_slots_when_all_their_keys_are_too_old)
{
    recent_keys_fit(&recent, 100);
    for (uint64_t i = 0; i < 100; i++)
        recent_keys_add(&recent, hash(i));
    recent_keys_fit(&recent, 1000);
    size_t with_both = recent_keys_bytes(&recent);
    for (uint64_t i = 100; i < 1000; i++)
        recent_keys_add(&recent, hash(i));
    cr_expect_lt(recent_keys_bytes(&recent), with_both);
}

Test(recent, takes_at_most_22_bytes_for_each_key_that_it_has_room_for)
{
    for (size_t n = 1; n < 100000; n += 1 + n / 50) {
        recent_keys_fit(&recent, n);
        for (uint64_t i = 0; i < 3 * n; i++) /* the old slots are dropped then */
            recent_keys_add(&recent, hash(i));
        cr_assert_leq(recent_keys_bytes(&recent), 128 + 22 * n, "%zu bytes for %zu",
                      recent_keys_bytes(&recent), n);
    }
}

Test(recent, gets_smaller_again)
{
    recent_keys_fit(&recent, 100000);
    size_t large = recent_keys_bytes(&recent);
    for (int i = 0; i < 10; i++)
        recent_keys_fit(&recent, 10);
    cr_expect_lt(recent_keys_bytes(&recent), large / 64);
}
