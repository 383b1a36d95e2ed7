#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/answer_cache.h"

enum { MAX_BYTES = 1000 * 1000, MAX_STALE_MS = 1000, LENGTH = 4000, NOW_US = 5000000 };

static struct answer_cache store;

static void tell(const int64_t *ids, size_t n)
{
    answer_cache_on_news(
        &store, &(struct db_change_feed_news){.keys = (const uint64_t *)ids, .n = n, .confirmed_at_us = NOW_US});
}

static void tell_of(int64_t id)
{
    tell(&id, 1);
}

static void tell_everything(void)
{
    answer_cache_on_news(
        &store, &(struct db_change_feed_news){.everything = true, .confirmed_at_us = NOW_US});
}

static void init(void)
{
    answer_cache_init(&store, MAX_BYTES, MAX_STALE_MS);
    tell(NULL, 0);
}

static void finish(void)
{
    answer_cache_finish(&store);
}

TestSuite(store, .init = init, .fini = finish);

/* One that differs by its key. The caller owns a reference. */
static struct answer *answer_of(uint64_t key)
{
    char bytes[LENGTH];
    memset(bytes, 'a' + (int)(key % 26), sizeof(bytes));
    h2o_iovec_t part = h2o_iovec_init(bytes, sizeof(bytes));
    return answer_create(&part, 1);
}

/* Keeps a new answer that is about one subject; gives back what is in the store afterwards. */
static struct answer *keep(uint64_t key, int64_t subject, uint64_t since)
{
    struct answer *answer = answer_of(key);
    answer_cache_keep(&store, key, answer, &subject, 1, since);
    bool is_kept = answer->is_kept;
    h2o_mem_release_shared(answer);
    return is_kept ? answer : NULL;
}

static struct answer *find(uint64_t key)
{
    return answer_cache_find(&store, key, NOW_US);
}

Test(store, finds_what_it_keeps)
{
    struct answer *answer = keep(1, 7, store.freshness.seq);
    cr_assert_not_null(answer);
    cr_expect_eq(find(1), answer);
    cr_expect_null(find(2));
    cr_expect_eq(counter_get(&store.stats.hits), 1);
    cr_expect_eq(counter_get(&store.stats.misses), 1);
    cr_expect_eq(counter_get(&store.stats.items), 1);
    cr_expect_geq(counter_get(&store.stats.bytes), answer_memory(answer));
}

Test(store, keeps_nothing_of_what_has_changed_since)
{
    uint64_t since = store.freshness.seq;
    tell_of(7);
    cr_expect_null(keep(1, 7, since));
    cr_expect_null(find(1));
    cr_expect_not_null(keep(2, 8, since), "another article has not changed");
    cr_expect_not_null(keep(1, 7, store.freshness.seq), "nor has this one since then");
}

Test(store, asks_for_all_the_subjects)
{
    uint64_t since = store.freshness.seq;
    tell_of(13);
    struct answer *answer = answer_of(1);
    answer_cache_keep(&store, 1, answer, (int64_t[]){7, 8, 9, 10, 11, 12, 13}, 7, since);
    cr_expect_not(answer->is_kept);
    h2o_mem_release_shared(answer);
}

Test(store, keeps_nothing_that_began_before_everything_changed)
{
    uint64_t since = store.freshness.seq;
    tell_everything();
    cr_expect_null(keep(1, 7, since));
    cr_expect_not_null(keep(1, 7, store.freshness.seq));
}

Test(store, keeps_nothing_that_began_more_changes_ago_than_it_remembers)
{
    uint64_t since = store.freshness.seq;
    for (int64_t id = 100; id < 100 + FRESHNESS_MEMORY; id++)
        tell_of(id);
    cr_expect_not_null(keep(1, 7, since));
    tell_of(99);
    cr_expect_null(keep(2, 8, since));
}

Test(store, replaces_what_a_key_led_to)
{
    struct answer *before = keep(1, 7, 0);
    h2o_mem_addref_shared(before);
    struct answer *after = keep(1, 7, 0);
    cr_assert_neq(after, before);
    cr_expect_eq(find(1), after);
    cr_expect_not(before->is_kept);
    cr_expect_eq(counter_get(&store.stats.items), 1);
    cr_expect_eq(counter_get(&store.stats.dropped), 0, "it was not told to be old");
    h2o_mem_release_shared(before);
}

Test(store, does_not_let_what_is_old_take_the_place_of_what_is_new)
{
    uint64_t since = store.freshness.seq;
    tell_of(7);
    struct answer *newer = keep(1, 7, store.freshness.seq);
    cr_expect_null(keep(1, 7, since));
    cr_expect_eq(find(1), newer);
}

Test(store, drops_what_shows_an_article_that_has_changed)
{
    keep(1, 7, 0);
    keep(2, 7, 0);
    keep(3, 8, 0);
    tell((int64_t[]){6, 7}, 2);
    cr_expect_null(find(1));
    cr_expect_null(find(2));
    cr_expect_not_null(find(3));
    cr_expect_eq(counter_get(&store.stats.dropped), 2);
    cr_expect_eq(counter_get(&store.stats.items), 1);
    tell_everything();
    cr_expect_null(find(3));
    cr_expect_eq(counter_get(&store.stats.dropped), 3);
    cr_expect_eq(counter_get(&store.stats.items), 0);
    cr_expect_eq(counter_get(&store.stats.bytes), 0);
}

Test(store, leaves_an_answer_that_is_dropped_to_who_still_sends_it)
{
    struct answer *answer = keep(1, 7, 0);
    h2o_mem_addref_shared(answer);
    tell_of(7);
    cr_expect_not(answer->is_kept);
    cr_expect_eq(answer->bytes[LENGTH - 1], 'b');
    answer_cache_compress(&store, answer); /* also fine now */
    cr_expect_not_null(answer->gzip.base);
    cr_expect_eq(counter_get(&store.stats.bytes), 0);
    h2o_mem_release_shared(answer);
}

Test(store, shows_nothing_from_max_stale_after_the_last_vouch_on)
{
    uint64_t end_us = NOW_US + MAX_STALE_MS * UINT64_C(1000);
    struct answer *answer = keep(1, 7, 0);
    cr_expect_eq(answer_cache_find(&store, 1, end_us - 1), answer);
    cr_expect_null(answer_cache_find(&store, 1, end_us));
    answer_cache_on_news(&store, &(struct db_change_feed_news){.confirmed_at_us = NOW_US + 1});
    cr_expect_eq(answer_cache_find(&store, 1, end_us), answer);
    cr_expect_null(answer_cache_find(&store, 1, end_us + 1));
    tell(NULL, 0); /* an earlier time than was vouched for already */
    cr_expect_eq(answer_cache_find(&store, 1, end_us), answer);
}

Test(store, shows_nothing_before_the_first_vouch)
{
    answer_cache_init(&store, MAX_BYTES, MAX_STALE_MS);
    cr_assert_not_null(keep(1, 7, 0));
    cr_expect_null(find(1));
}

Test(store, shows_nothing_from_its_own_end_on)
{
    struct answer *answer = keep(1, 7, 0);
    answer->stale_at_us = NOW_US + 10;
    cr_expect_eq(answer_cache_find(&store, 1, NOW_US + 9), answer);
    cr_expect_null(answer_cache_find(&store, 1, NOW_US + 10));
    struct answer *next = keep(1, 7, 0); /* it makes way */
    cr_expect_eq(answer_cache_find(&store, 1, NOW_US + 10), next);
}

Test(store, keeps_and_shows_nothing_where_it_is_off)
{
    answer_cache_init(&store, 0, MAX_STALE_MS);
    tell(NULL, 0);
    cr_expect_null(keep(1, 7, 0));
    cr_expect_null(find(1));
    struct answer *answer = answer_of(1);
    answer_cache_compress(&store, answer);
    cr_expect_not_null(answer->gzip.base);
    h2o_mem_release_shared(answer);
    tell_of(7);
    tell_everything();
    cr_expect_eq(store.freshness.seq, 2, "but it knows of changes, for those who join");
    cr_expect_eq(counter_get(&store.stats.hits), 0);
    cr_expect_eq(counter_get(&store.stats.misses), 0);
    cr_expect_eq(counter_get(&store.stats.dropped), 0);
}

Test(store, keeps_as_many_bytes_as_it_may)
{
    for (uint64_t key = 0; key < 1000; key++) {
        keep(key, (int64_t)key, 0);
        cr_assert_leq(counter_get(&store.stats.bytes), MAX_BYTES);
    }
    uint64_t items = counter_get(&store.stats.items);
    cr_expect_gt(items, MAX_BYTES / (LENGTH + 1000));
    cr_expect_lt(items, MAX_BYTES / LENGTH);
    cr_expect_not_null(find(999));
    cr_expect_null(find(500), "it had to go");
    cr_expect_eq(counter_get(&store.stats.dropped), 0);
}

Test(store, counts_the_compressed_bytes_of_what_it_keeps_and_evicts_others_for_them)
{
    for (uint64_t key = 0; key < 1000; key++)
        keep(key, (int64_t)key, 0);
    uint64_t items = counter_get(&store.stats.items);
    struct answer *answer = find(999);
    for (uint64_t key = 0; key < 1000; key++) {
        struct answer *each = find(key);
        if (each != NULL)
            answer_cache_compress(&store, each);
        cr_assert_leq(counter_get(&store.stats.bytes), MAX_BYTES);
    }
    cr_expect_lt(counter_get(&store.stats.items), items);
    cr_expect_eq(find(999), answer);

    uint64_t before = counter_get(&store.stats.bytes);
    answer_cache_compress(&store, answer);
    cr_expect_eq(counter_get(&store.stats.bytes), before, "it is compressed already");
}

Test(store, gives_back_at_once_what_is_too_large_for_it)
{
    static char bytes[MAX_BYTES / 10];
    h2o_iovec_t part = h2o_iovec_init(bytes, sizeof(bytes));
    struct answer *answer = answer_create(&part, 1);
    answer_cache_keep(&store, 1, answer, &(int64_t){7}, 1, 0);
    cr_expect_not(answer->is_kept);
    cr_expect_null(find(1));
    answer_cache_compress(&store, answer);
    cr_expect_eq(counter_get(&store.stats.bytes), 0);
    h2o_mem_release_shared(answer);
}

Test(store, lets_go_of_all_in_the_end)
{
    struct answer *answer = keep(1, 7, 0);
    h2o_mem_addref_shared(answer);
    answer_cache_finish(&store);
    cr_expect_not(answer->is_kept);
    h2o_mem_release_shared(answer);
    init();
}
