#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/entity.h"
#include "server/answer_cache.h"

enum {
    MAX_BYTES = 1000 * 1000,
    MAX_STALE_MS = 1000,
    LENGTH = 4000,
    MEMORY_BYTES = 1 << 30,
    NOW_US = 5000000
};

static struct answer_cache cache;
static struct memory memory;

static void report(const uint64_t *keys, size_t n)
{
    answer_cache_on_news(
        &cache, &(struct db_change_feed_news){.keys = keys, .n = n, .confirmed_at_us = NOW_US});
}

static void report_change_of(uint64_t key)
{
    report(&key, 1);
}

static void report_change_of_everything(void)
{
    answer_cache_on_news(
        &cache, &(struct db_change_feed_news){.everything = true, .confirmed_at_us = NOW_US});
}

static void init(void)
{
    memory_init(&memory, MEMORY_BYTES);
    answer_cache_init(&cache, MAX_BYTES, MAX_STALE_MS);
    report(NULL, 0);
}

static void finish(void)
{
    answer_cache_finish(&cache);
    cr_expect_eq(memory_used(&memory), 0);
}

TestSuite(answer_cache, .init = init, .fini = finish);

static struct answer_key key_of(uint64_t number)
{
    return (struct answer_key){.number = number};
}

/* An answer that differs by its key. The caller owns a reference. */
static struct answer *answer_of(uint64_t key)
{
    char bytes[LENGTH];
    memset(bytes, 'a' + (int)(key % 26), sizeof(bytes));
    h2o_iovec_t part = h2o_iovec_init(bytes, sizeof(bytes));
    return answer_create_copy(&memory, &part, 1);
}

static void keep_answer(uint64_t key, struct answer *answer, const uint64_t *entities, size_t n,
                        uint64_t since)
{
    struct answer_key own = key_of(key);
    struct dependencies dependencies = {.n = 0};
    for (size_t i = 0; i < n; i++)
        dependencies_add(&dependencies, entities[i]);
    answer_cache_keep(&cache, &own, answer, &dependencies, since);
}

/* Keeps a new answer with one dependency; returns it where it is in the cache now. */
static struct answer *keep(uint64_t key, uint64_t entity, uint64_t since)
{
    struct answer *answer = answer_of(key);
    keep_answer(key, answer, &entity, 1, since);
    bool is_in_cache = answer->is_in_cache;
    h2o_mem_release_shared(answer);
    return is_in_cache ? answer : NULL;
}

static struct answer *find_at(uint64_t key, uint64_t now_us)
{
    struct answer_key own = key_of(key);
    return answer_cache_find(&cache, &own, now_us);
}

static struct answer *find(uint64_t key)
{
    return find_at(key, NOW_US);
}

Test(answer_cache, finds_the_answers_that_it_keeps)
{
    struct answer *answer = keep(1, 7, cache.freshness.seq);
    cr_assert_not_null(answer);
    cr_expect_eq(find(1), answer);
    cr_expect_null(find(2));
    cr_expect_eq(counter_get(&cache.stats.hits), 1);
    cr_expect_eq(counter_get(&cache.stats.misses), 1);
    cr_expect_eq(counter_get(&cache.stats.items), 1);
    cr_expect_geq(counter_get(&cache.stats.bytes), answer_memory(answer));
}

Test(answer_cache, does_not_keep_an_answer_whose_dependency_has_changed_since)
{
    uint64_t since = cache.freshness.seq;
    report_change_of(7);
    cr_expect_null(keep(1, 7, since));
    cr_expect_null(find(1));
    cr_expect_not_null(keep(2, 8, since), "another article has not changed");
    cr_expect_not_null(keep(1, 7, cache.freshness.seq), "it has not changed since then");
}

Test(answer_cache, does_not_keep_an_answer_when_any_of_its_dependencies_has_changed)
{
    uint64_t since = cache.freshness.seq;
    report_change_of(13);
    struct answer *answer = answer_of(1);
    keep_answer(1, answer, (uint64_t[]){7, 8, 9, 10, 11, 12, 13}, 7, since);
    cr_expect_not(answer->is_in_cache);
    h2o_mem_release_shared(answer);
}

Test(answer_cache, does_not_keep_an_answer_looked_up_before_everything_changed)
{
    uint64_t since = cache.freshness.seq;
    report_change_of_everything();
    cr_expect_null(keep(1, 7, since));
    cr_expect_not_null(keep(1, 7, cache.freshness.seq));
}

Test(answer_cache, does_not_keep_an_answer_looked_up_more_changes_ago_than_it_remembers)
{
    uint64_t since = cache.freshness.seq;
    for (uint64_t key = 100; key < 100 + FRESHNESS_MEMORY; key++)
        report_change_of(key);
    cr_expect_not_null(keep(1, 7, since));
    report_change_of(99);
    cr_expect_null(keep(2, 8, since));
}

Test(answer_cache, replaces_the_answer_of_a_key)
{
    struct answer *before = keep(1, 7, 0);
    h2o_mem_addref_shared(before);
    struct answer *after = keep(1, 7, 0);
    cr_assert_neq(after, before);
    cr_expect_eq(find(1), after);
    cr_expect_not(before->is_in_cache);
    cr_expect_eq(counter_get(&cache.stats.items), 1);
    cr_expect_eq(counter_get(&cache.stats.dropped), 0, "it has not changed");
    h2o_mem_release_shared(before);
}

Test(answer_cache, does_not_replace_a_newer_answer_with_an_older_one)
{
    uint64_t since = cache.freshness.seq;
    report_change_of(7);
    struct answer *newer = keep(1, 7, cache.freshness.seq);
    cr_expect_null(keep(1, 7, since));
    cr_expect_eq(find(1), newer);
}

Test(answer_cache, drops_the_answers_that_show_a_changed_article)
{
    keep(1, 7, 0);
    keep(2, 7, 0);
    keep(3, 8, 0);
    report((uint64_t[]){6, 7}, 2);
    cr_expect_null(find(1));
    cr_expect_null(find(2));
    cr_expect_not_null(find(3));
    cr_expect_eq(counter_get(&cache.stats.dropped), 2);
    cr_expect_eq(counter_get(&cache.stats.items), 1);
    report_change_of_everything();
    cr_expect_null(find(3));
    cr_expect_eq(counter_get(&cache.stats.dropped), 3);
    cr_expect_eq(counter_get(&cache.stats.items), 0);
    cr_expect_eq(counter_get(&cache.stats.bytes), 0);
}

Test(answer_cache, leaves_a_dropped_answer_to_the_requests_that_send_it)
{
    struct answer *answer = keep(1, 7, 0);
    h2o_mem_addref_shared(answer);
    report_change_of(7);
    cr_expect_not(answer->is_in_cache);
    cr_expect_eq(answer->parts[0].bytes.base[LENGTH - 1], 'b');
    answer_cache_compress(&cache, answer); /* also fine now */
    cr_expect_not_null(answer->gzip.base);
    cr_expect_eq(counter_get(&cache.stats.bytes), 0);
    h2o_mem_release_shared(answer);
}

Test(answer_cache, shows_nothing_when_the_last_news_is_as_old_as_max_stale)
{
    uint64_t end_us = NOW_US + MAX_STALE_MS * UINT64_C(1000);
    struct answer *answer = keep(1, 7, 0);
    cr_expect_eq(find_at(1, end_us - 1), answer);
    cr_expect_null(find_at(1, end_us));
    answer_cache_on_news(&cache, &(struct db_change_feed_news){.confirmed_at_us = NOW_US + 1});
    cr_expect_eq(find_at(1, end_us), answer);
    cr_expect_null(find_at(1, end_us + 1));
    report(NULL, 0); /* an earlier time than before */
    cr_expect_eq(find_at(1, end_us), answer);
}

Test(answer_cache, shows_nothing_before_the_first_news)
{
    answer_cache_finish(&cache);
    answer_cache_init(&cache, MAX_BYTES, MAX_STALE_MS);
    cr_assert_not_null(keep(1, 7, 0));
    cr_expect_null(find(1));
}

Test(answer_cache, does_not_show_an_answer_after_the_end_of_its_life)
{
    struct answer *answer = keep(1, 7, 0);
    answer->stale_at_us = NOW_US + 10;
    cr_expect_eq(find_at(1, NOW_US + 9), answer);
    cr_expect_null(find_at(1, NOW_US + 10));
    struct answer *next = keep(1, 7, 0); /* the new answer replaces the old one */
    cr_expect_eq(find_at(1, NOW_US + 10), next);
}

Test(answer_cache, keeps_and_shows_nothing_when_it_is_off)
{
    answer_cache_init(&cache, 0, MAX_STALE_MS);
    report(NULL, 0);
    cr_expect_null(keep(1, 7, 0));
    cr_expect_null(find(1));
    struct answer *answer = answer_of(1);
    answer_cache_compress(&cache, answer);
    cr_expect_not_null(answer->gzip.base);
    h2o_mem_release_shared(answer);
    report_change_of(7);
    report_change_of_everything();
    cr_expect_eq(cache.freshness.seq, 2, "it still counts changes, for requests that join");
    cr_expect_eq(counter_get(&cache.stats.hits), 0);
    cr_expect_eq(counter_get(&cache.stats.misses), 0);
    cr_expect_eq(counter_get(&cache.stats.dropped), 0);
}

Test(answer_cache, keeps_as_many_bytes_as_it_may)
{
    for (uint64_t key = 0; key < 1000; key++) {
        keep(key, key, 0);
        cr_assert_leq(counter_get(&cache.stats.bytes), MAX_BYTES);
    }
    uint64_t items = counter_get(&cache.stats.items);
    cr_expect_gt(items, MAX_BYTES / (LENGTH + 1000));
    cr_expect_lt(items, MAX_BYTES / LENGTH);
    cr_expect_not_null(find(999));
    cr_expect_null(find(500), "it was evicted");
    cr_expect_eq(counter_get(&cache.stats.dropped), 0);
}

Test(answer_cache, counts_the_compressed_bytes_of_its_answers_and_evicts_others_for_them)
{
    for (uint64_t key = 0; key < 1000; key++)
        keep(key, key, 0);
    uint64_t items = counter_get(&cache.stats.items);
    struct answer *answer = find(999);
    for (uint64_t key = 0; key < 1000; key++) {
        struct answer *each = find(key);
        if (each != NULL)
            answer_cache_compress(&cache, each);
        cr_assert_leq(counter_get(&cache.stats.bytes), MAX_BYTES);
    }
    cr_expect_lt(counter_get(&cache.stats.items), items);
    cr_expect_eq(find(999), answer);

    uint64_t before = counter_get(&cache.stats.bytes);
    answer_cache_compress(&cache, answer);
    cr_expect_eq(counter_get(&cache.stats.bytes), before, "it is compressed already");
}

Test(answer_cache, does_not_keep_an_answer_that_is_too_large)
{
    static char bytes[MAX_BYTES / 10];
    h2o_iovec_t part = h2o_iovec_init(bytes, sizeof(bytes));
    struct answer *answer = answer_create_copy(&memory, &part, 1);
    keep_answer(1, answer, &(uint64_t){7}, 1, 0);
    cr_expect_not(answer->is_in_cache);
    cr_expect_null(find(1));
    answer_cache_compress(&cache, answer);
    cr_expect_eq(counter_get(&cache.stats.bytes), 0);
    h2o_mem_release_shared(answer);
}

Test(answer_cache, releases_its_answers_when_it_is_finished)
{
    struct answer *answer = keep(1, 7, 0);
    h2o_mem_addref_shared(answer);
    answer_cache_finish(&cache);
    cr_expect_not(answer->is_in_cache);
    h2o_mem_release_shared(answer);
    init();
}

/* ---- keys */

static struct answer_key text_key(uint64_t hash, const char *text)
{
    return answer_key_of_text(hash, h2o_iovec_init(text, strlen(text)));
}

Test(answer_cache, distinguishes_keys_that_have_the_same_number)
{
    struct answer_key one = text_key(1, "/sections?page=1"),
                      other = text_key(1, "/sections?page=2");
    struct dependencies none = {.n = 0};
    struct answer *answer = answer_of(1);
    answer_cache_keep(&cache, &one, answer, &none, 0);
    cr_expect_eq(answer_cache_find(&cache, &one, NOW_US), answer);
    cr_expect_null(answer_cache_find(&cache, &other, NOW_US));
    cr_expect_null(find(1), "a number without a text is another key");
    h2o_mem_release_shared(answer);
    answer = answer_of(2);
    answer_cache_keep(&cache, &other, answer, &none, 0);
    cr_expect_eq(answer_cache_find(&cache, &other, NOW_US), answer);
    cr_expect_null(answer_cache_find(&cache, &one, NOW_US), "both have the same place");
    h2o_mem_release_shared(answer);
}

/* ---- dependencies */

Test(answer_cache, does_not_keep_an_answer_with_too_many_dependencies)
{
    uint64_t entities[CACHE_MAX_DEPENDENCIES + 1];
    for (uint64_t i = 0; i < CACHE_MAX_DEPENDENCIES + 1; i++)
        entities[i] = 16 * (i + 1) + ENTITY_ARTICLE;
    struct answer *most = answer_of(1), *too_many = answer_of(2);
    keep_answer(1, most, entities, CACHE_MAX_DEPENDENCIES, 0);
    keep_answer(2, too_many, entities, CACHE_MAX_DEPENDENCIES + 1, 0);
    cr_expect(most->is_in_cache);
    cr_expect_not(too_many->is_in_cache);
    h2o_mem_release_shared(most);
    h2o_mem_release_shared(too_many);
}

Test(answer_cache, drops_each_answer_that_depends_on_a_listing_when_all_listings_change)
{
    keep(1, entity_key(ENTITY_ARTICLE, 7), 0);
    keep(2, entity_key(ENTITY_LISTING, 0), 0);
    keep(3, entity_key(ENTITY_SECTION_LISTING, 5), 0);
    keep(4, entity_key(ENTITY_AUTHOR_LISTING, 5), 0);
    keep(5, entity_key(ENTITY_TAG_LISTING, 5), 0);
    uint64_t since = cache.freshness.seq;
    report_change_of(entity_key(ENTITY_ALL_LISTINGS, 0));
    cr_expect_not_null(find(1));
    for (uint64_t key = 2; key <= 5; key++)
        cr_expect_null(find(key), "%lu", (unsigned long)key);
    cr_expect_null(keep(2, entity_key(ENTITY_TAG_LISTING, 6), since));
}

/* ---- the budget of memory */

Test(answer_cache, counts_an_answer_in_the_cache_or_in_the_budget)
{
    struct answer *answer = answer_of(1);
    size_t in_use = memory_used(&memory);
    cr_expect_geq(in_use, LENGTH);
    keep_answer(1, answer, &(uint64_t){7}, 1, 0);
    cr_expect_eq(memory_used(&memory), 0);
    answer_cache_compress(&cache, answer);
    cr_expect_eq(memory_used(&memory), 0);
    report_change_of(7);
    cr_expect_geq(memory_used(&memory), in_use + answer->gzip.len,
                  "a request still has it, and the cache does not");
    h2o_mem_release_shared(answer);
    cr_expect_eq(memory_used(&memory), 0);
}
