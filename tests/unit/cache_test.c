#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>

#include "base/container_of.h"
#include "cache/cache.h"

enum { MAX_KEYS = 300000 };

static struct cache cache;
static size_t evictions;
static bool is_there[MAX_KEYS]; /* by key */

static void on_evicted(struct cache *c, struct cache_item *item)
{
    cr_assert_eq(c, &cache);
    uint64_t key = cache_item_key(item);
    cr_assert(is_there[key], "key %lu was evicted twice", (unsigned long)key);
    is_there[key] = false;
    evictions++;
    memset(item, 0x55, sizeof(*item)); /* the owner may free it here */
    free(item);
}

static void a_cache_of(size_t max_bytes)
{
    cache_init(&cache, max_bytes, on_evicted);
}

static void finish(void)
{
    cache_finish(&cache);
    for (size_t key = 0; key < MAX_KEYS; key++)
        cr_assert_not(is_there[key], "key %zu was never evicted", key);
}

TestSuite(cache, .fini = finish, .timeout = 30);

static struct cache_item *insert(uint64_t key, size_t bytes, const uint64_t *dependencies, size_t n)
{
    struct cache_item *item = malloc(sizeof(*item));
    memset(item, 0x55, sizeof(*item));
    is_there[key] = true;
    return cache_insert(&cache, item, key, bytes, dependencies, n) ? item : NULL;
}

static void insert_many(uint64_t first, uint64_t n, size_t bytes)
{
    for (uint64_t key = first; key < first + n; key++)
        insert(key, bytes, NULL, 0);
}

static void use(uint64_t key, unsigned times)
{
    for (; times > 0; times--)
        cr_assert(cache_find(&cache, key) != NULL);
}

/* Items of 10 kB. The cache has room for about a hundred of them; ten of these are in the small
 * queue. */
enum { BYTES = 10000, ROOM = 100 };

static void a_cache_of_a_hundred(void)
{
    a_cache_of(ROOM * (BYTES + 100));
}

Test(cache, finds_the_inserted_items_and_no_others)
{
    a_cache_of_a_hundred();
    struct cache_item *item = insert(7, BYTES, NULL, 0);
    cr_expect_eq(cache_find(&cache, 7), item);
    cr_expect_eq(cache_item_key(item), 7);
    cr_expect_null(cache_find(&cache, 8));
    cr_expect_eq(cache_items(&cache), 1);
    cr_expect_geq(cache_bytes(&cache), BYTES);
    cache_remove(&cache, item);
    cr_expect_null(cache_find(&cache, 7));
    cr_expect_not(is_there[7]);
    cr_expect_eq(cache_items(&cache), 0);
}

Test(cache, aborts_on_a_key_that_it_has, .signal = SIGABRT)
{
    a_cache_of_a_hundred();
    insert(7, BYTES, NULL, 0);
    insert(7, BYTES, NULL, 0);
}

Test(cache, evicts_the_oldest_item_when_none_is_used)
{
    a_cache_of_a_hundred();
    insert_many(0, ROOM, BYTES);
    cr_expect_eq(cache_items(&cache), ROOM);
    insert_many(ROOM, 5, BYTES);
    cr_expect_eq(cache_items(&cache), ROOM);
    for (uint64_t key = 0; key < ROOM + 5; key++)
        cr_expect_eq(is_there[key], key >= 5, "key %lu", (unsigned long)key);
}

Test(cache, keeps_an_item_that_was_used_twice_during_a_scan)
{
    a_cache_of_a_hundred();
    insert_many(0, ROOM, BYTES);
    use(10, 2);
    use(11, 1);
    insert_many(ROOM, 10 * ROOM, BYTES);
    cr_expect(is_there[10]);
    cr_expect_not(is_there[11]);
}

Test(cache, puts_an_item_into_main_when_it_comes_back_soon)
{
    a_cache_of_a_hundred();
    insert_many(0, ROOM + 5, BYTES); /* 0 to 4 are evicted, and the cache remembers them */
    insert(3, BYTES, NULL, 0);
    insert_many(ROOM + 5, 10 * ROOM, BYTES);
    cr_expect(is_there[3]);
}

Test(cache, forgets_an_item_that_was_evicted_long_ago)
{
    a_cache_of_a_hundred();
    insert_many(0, 3 * ROOM, BYTES);
    insert(3, BYTES, NULL, 0);
    insert_many(3 * ROOM, 10 * ROOM, BYTES);
    cr_expect_not(is_there[3]);
}

Test(cache, evicts_an_item_of_main_that_is_not_used_any_more)
{
    a_cache_of_a_hundred();
    insert_many(0, ROOM, BYTES);
    for (uint64_t key = 0; key < ROOM; key++)
        use(key, 2);
    for (uint64_t key = ROOM; key < 4 * ROOM; key++) { /* other popular items; each comes twice */
        insert(key, BYTES, NULL, 0);
        use(key, 2);
    }
    for (uint64_t key = 0; key < ROOM; key++)
        cr_expect_not(is_there[key], "key %lu", (unsigned long)key);
}

Test(cache, counts_uses_from_zero_in_main)
{
    a_cache_of(50 * (BYTES + 100));
    insert_many(0, 50, BYTES);
    use(0, 3);
    use(1, 3);
    insert_many(50, 100, BYTES); /* only 0 and 1 are in main now */
    cr_expect_eq(cache_items(&cache), 50);
    for (uint64_t key = 200; key < 248; key++) {
        insert(key, BYTES, NULL, 0);
        use(key, 2);
    }
    cr_expect(is_there[0] && is_there[1]);
    insert(248, BYTES, NULL, 0); /* all others move to main, so its oldest item is evicted */
    cr_expect_not(is_there[0]);
    cr_expect(is_there[1] && is_there[200]);
}

Test(cache, keeps_an_item_in_main_that_was_replaced_while_it_was_there)
{
    a_cache_of_a_hundred();
    insert_many(0, ROOM, BYTES);
    use(10, 2);
    insert_many(ROOM, 2 * ROOM, BYTES); /* 10 is in main now */
    cache_remove(&cache, cache_find(&cache, 10));
    insert(10, BYTES, NULL, 0);
    insert_many(3 * ROOM, 10 * ROOM, BYTES);
    cr_expect(is_there[10]);
}

Test(cache, does_not_remember_an_item_that_was_removed_before_it_was_used)
{
    a_cache_of_a_hundred();
    insert_many(0, ROOM, BYTES);
    struct cache_item *item = insert(ROOM, BYTES, NULL, 0);
    cache_remove(&cache, item);
    insert(ROOM, BYTES, NULL, 0);
    insert_many(ROOM + 1, 10 * ROOM, BYTES);
    cr_expect_not(is_there[ROOM]);
}

/* Every item has been used, and the cache must evict one of them. */
Test(cache, passes_over_few_items_in_an_eviction)
{
    enum { N = 5000, ITEM = 1000 };
    a_cache_of((size_t)N * (ITEM + 100));
    insert_many(0, N, ITEM);
    for (uint64_t key = 0; key < N; key++)
        use(key, 3);
    size_t before = cache._queues[CACHE_MAIN].n;
    for (uint64_t key = N; evictions == 0; key++)
        insert(key, ITEM, NULL, 0);
    cr_expect_leq(cache._queues[CACHE_MAIN].n - before, 64);
}

/* ---- sizes */

Test(cache, accepts_an_item_of_a_tenth_of_its_bytes_and_refuses_a_larger_one)
{
    a_cache_of(100000);
    cr_expect(insert(1, 10000, NULL, 0) != NULL);
    cr_expect_null(insert(2, 10001, NULL, 0));
    cr_expect_not(is_there[2], "its owner has it back");
    cr_expect_null(insert(3, SIZE_MAX, NULL, 0));
    cr_expect(is_there[1]);
    cr_expect_eq(cache_items(&cache), 1);
    cr_expect(cache_is_consistent(&cache));
}

Test(cache, accepts_nothing_when_it_has_no_room)
{
    a_cache_of(0);
    cr_expect_null(insert(1, sizeof(struct cache_item), NULL, 0));
    cr_expect_null(cache_find(&cache, 1));
    cr_expect_eq(cache_bytes(&cache), 0);
    cr_expect_eq(cache_drop(&cache, 1), 0);
    cache_clear(&cache);
}

Test(cache, aborts_on_an_item_that_is_smaller_than_its_struct, .signal = SIGABRT)
{
    a_cache_of(100000);
    insert(1, sizeof(struct cache_item) - 1, NULL, 0);
}

Test(cache, counts_the_bytes_by_which_an_item_grows)
{
    a_cache_of_a_hundred();
    struct cache_item *item = insert(1, BYTES, NULL, 0);
    size_t before = cache_bytes(&cache);
    cache_grow(&cache, item, 1234);
    cr_expect_eq(cache_bytes(&cache), before + 1234);
    cache_remove(&cache, item);
    insert(2, BYTES, NULL, 0);
    cr_expect_eq(cache_bytes(&cache), before);
}

Test(cache, evicts_others_for_an_item_that_grows_and_never_the_item_itself)
{
    a_cache_of_a_hundred();
    insert_many(0, ROOM, BYTES);
    for (uint64_t key = 0; key < ROOM; key++)
        use(key, key % 4);
    struct cache_item *oldest = cache_find(&cache, 0);
    for (int i = 0; i < 40; i++) {
        cache_grow(&cache, oldest, BYTES);
        cr_assert(is_there[0]);
        cr_assert(cache_is_consistent(&cache));
    }
    cr_expect_geq(evictions, 40);
    cr_expect_eq(cache_find(&cache, 0), oldest);
}

Test(cache, lets_no_item_grow_beyond_half_of_it, .signal = SIGABRT)
{
    a_cache_of_a_hundred();
    cache_grow(&cache, insert(1, BYTES, NULL, 0), ROOM * BYTES / 2);
}

/* ---- dependencies */

Test(cache, drops_the_items_with_a_dependency_and_no_others)
{
    a_cache_of_a_hundred();
    insert(1, BYTES, (const uint64_t[]){1, 2, 3}, 3);
    insert(2, BYTES, (const uint64_t[]){2, 1}, 2);
    insert(3, BYTES, (const uint64_t[]){3}, 1);
    insert(4, BYTES, (const uint64_t[]){4, 5, 6, 7, 8, 9, 1}, 7);
    insert(5, BYTES, NULL, 0);
    cr_expect_eq(cache_drop(&cache, 10), 0);
    cr_expect_eq(cache_drop(&cache, 1), 3);
    cr_expect_not(is_there[1] || is_there[2] || is_there[4]);
    cr_expect(is_there[3] && is_there[5]);
    cr_expect_eq(cache_drop(&cache, 1), 0);
    cr_expect_eq(cache_drop(&cache, 9), 0);
    cr_expect_eq(cache_drop(&cache, 3), 1);
    cr_expect_eq(cache_items(&cache), 1);
    cr_expect(cache_is_consistent(&cache));
}

Test(cache, counts_once_a_dependency_that_an_item_has_twice)
{
    a_cache_of_a_hundred();
    insert(1, BYTES, (const uint64_t[]){4, 4, 4, UINT64_MAX, 4, 0, UINT64_MAX}, 7);
    cr_expect(cache_is_consistent(&cache));
    cr_expect_eq(cache_drop(&cache, 4), 1);
    insert(1, BYTES, (const uint64_t[]){4, UINT64_MAX, 0}, 3);
    cr_expect_eq(cache_drop(&cache, UINT64_MAX), 1);
    insert(1, BYTES, (const uint64_t[]){4, UINT64_MAX, 0}, 3);
    cr_expect_eq(cache_drop(&cache, 0), 1);
}

Test(cache, drops_a_dependency_that_all_items_have)
{
    enum { N = 20000 };
    a_cache_of((size_t)N * 1000);
    for (uint64_t key = 0; key < N; key++)
        insert(key, 400, (const uint64_t[]){key, 1 << 30, key + 1}, 3);
    cr_expect_eq(cache_items(&cache), N);
    cr_expect_eq(cache_drop(&cache, 5000), 2);
    cr_expect_eq(cache_drop(&cache, 1 << 30), N - 2);
    cr_expect_eq(cache_items(&cache), 0);
    cr_expect(cache_is_consistent(&cache));
}

Test(cache, drops_everything_and_can_be_filled_again)
{
    a_cache_of_a_hundred();
    for (int i = 0; i < 3; i++) {
        insert_many(0, 2 * ROOM, BYTES);
        cache_clear(&cache);
        cr_expect_eq(cache_items(&cache), 0);
        cr_expect_eq(cache_bytes(&cache), 0);
    }
}

/* ---- the memory of the cache itself */

/* Two items take all the free room at each moment. So a table that gets smaller has room for its
 * move only after an eviction. */
Test(cache, stays_within_its_bytes_while_its_tables_get_smaller)
{
    enum { N = 20000, ITEM = sizeof(struct cache_item), MAX_BYTES = N * 165 };
    for (int drops = 0; drops < 2; drops++) {
        a_cache_of(MAX_BYTES);
        for (uint64_t key = 0; key < N; key++)
            insert(key, ITEM, &key, 1);
        size_t nevictions = evictions, nremoved = 0;
        for (uint64_t key = N - 1; key > 100; key--) {
            for (uint64_t large = 0; large < 2; large++) {
                struct cache_item *item = cache_find(&cache, large);
                size_t room = MAX_BYTES - cache_bytes(&cache);
                if (item != NULL && item->_bytes + room <= MAX_BYTES / 2)
                    cache_grow(&cache, item, room);
            }
            if (!is_there[key])
                continue;
            nremoved++;
            if (drops == 1)
                cache_drop(&cache, key);
            else
                cache_remove(&cache, cache_find(&cache, key));
            cr_assert_leq(cache_bytes(&cache), MAX_BYTES);
        }
        cr_expect_gt(evictions - nevictions, nremoved, "some items were evicted for the tables");
        cache_finish(&cache);
    }
    a_cache_of(0); /* for the clean-up of the test */
}

/* cache.h promises about 90 bytes for an item and 34 for each dependency. These figures jump when
 * the tables grow, so the test takes an average. */
Test(cache, costs_an_item_about_90_bytes_and_34_for_each_dependency)
{
    enum { N = 30000, ITEM = sizeof(struct cache_item), NDEPENDENCIES = 20 };
    a_cache_of((size_t)1 << 30);
    double sum = 0;
    unsigned measured = 0;
    for (uint64_t key = 0; key < N; key++) {
        uint64_t dependencies[NDEPENDENCIES];
        for (uint64_t i = 0; i < NDEPENDENCIES; i++)
            dependencies[i] = NDEPENDENCIES * key + i;
        insert(key, ITEM, dependencies, NDEPENDENCIES);
        if (key < N / 4)
            continue;
        sum += (double)cache_bytes(&cache) / (double)(key + 1);
        measured++;
    }
    cr_expect_float_eq(sum / measured, 90 + 34 * NDEPENDENCIES, 25, "%.0f bytes", sum / measured);
    cr_expect(cache_is_consistent(&cache));
}

Test(cache, accepts_as_many_dependencies_as_it_promises)
{
    uint64_t dependencies[CACHE_MAX_DEPENDENCIES];
    for (uint64_t i = 0; i < CACHE_MAX_DEPENDENCIES; i++)
        dependencies[i] = i;
    a_cache_of(1000 * 1000);
    insert(1, BYTES, dependencies, CACHE_MAX_DEPENDENCIES);
    cr_expect_geq(cache_bytes(&cache), BYTES + cache_dependencies_bytes(CACHE_MAX_DEPENDENCIES));
    cr_expect_eq(cache_drop(&cache, CACHE_MAX_DEPENDENCIES - 1), 1);
    cr_expect_eq(cache_bytes(&cache), 0);
}

Test(cache, counts_the_dependencies_as_bytes_of_their_item)
{
    a_cache_of(100000);
    size_t largest = 10000 - cache_dependencies_bytes(3);
    cr_expect_null(insert(1, largest + 1, (const uint64_t[]){1, 2, 3}, 3));
    cr_expect(insert(1, largest, (const uint64_t[]){1, 2, 3}, 3) != NULL);
}
