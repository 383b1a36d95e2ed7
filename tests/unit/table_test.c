#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/table.h"

enum { N = 20000 };

static struct table table;
static struct table_node nodes[N];

static void a_table(void)
{
    table_init(&table, 2);
}

TestSuite(table, .init = a_table, .timeout = 30);

Test(table, has_no_memory_while_it_is_empty)
{
    cr_expect_eq(table_bytes(&table), 0);
    cr_expect_null(table_find(&table, 1));
    table_insert(&table, &nodes[0], 1);
    cr_expect_gt(table_bytes(&table), 0);
    table_remove(&table, &nodes[0]);
    cr_expect_eq(table_bytes(&table), 0);
    cr_expect_null(table_find(&table, 1));
    cr_expect(table_is_consistent(&table));
}

Test(table, finds_each_key_at_any_time_while_it_grows_and_shrinks)
{
    for (size_t i = 0; i < N; i++) {
        table_insert(&table, &nodes[i], i * 7);
        cr_assert_eq(table_find(&table, i / 2 * 7), &nodes[i / 2]);
        cr_assert_null(table_find(&table, i * 7 + 1));
    }
    cr_expect(table_is_consistent(&table));
    for (size_t i = 0; i < N; i++) {
        table_remove(&table, &nodes[i]);
        cr_assert_null(table_find(&table, i * 7));
        size_t left = i + 1 + (N - i - 1) / 2;
        if (left < N)
            cr_assert_eq(table_find(&table, left * 7), &nodes[left]);
    }
    cr_expect_eq(table_bytes(&table), 0);
}

Test(table, is_consistent_at_each_step_of_a_move)
{
    for (size_t i = 0; i < 600; i++) {
        table_insert(&table, &nodes[i], i % 100);
        cr_assert(table_is_consistent(&table), "after %zu insertions", i + 1);
    }
    for (size_t i = 600; i-- > 0;) {
        table_remove(&table, &nodes[i]);
        cr_assert(table_is_consistent(&table), "with %zu left", i);
    }
}

Test(table, never_moves_all_at_once)
{
    size_t growths = 0;
    for (size_t i = 0; i < N; i++) {
        bool was_moving = table._old.first != NULL;
        size_t moved = table._moved;
        table_insert(&table, &nodes[i], i);
        if (table._old.first == NULL)
            continue;
        growths += !was_moving;
        cr_assert_leq(table._moved - (was_moving ? moved : 0), 4, "at %zu nodes", i + 1);
    }
    cr_expect_gt(growths, 5);
}

Test(table, gives_memory_back_when_most_nodes_are_gone)
{
    for (size_t i = 0; i < N; i++)
        table_insert(&table, &nodes[i], i);
    size_t full = table_bytes(&table);
    for (size_t i = 100; i < N; i++)
        table_remove(&table, &nodes[i]);
    for (size_t i = 0; i < 1000; i++) { /* each use moves some nodes */
        table_remove(&table, &nodes[0]);
        table_insert(&table, &nodes[0], 0);
    }
    cr_expect_lt(table_bytes(&table), full / 16);
    for (size_t i = 0; i < 100; i++)
        cr_expect_eq(table_find(&table, i), &nodes[i]);
}

static size_t length(const struct table_node *list)
{
    size_t n = 0;
    for (; list != NULL; list = list->_next)
        n++;
    return n;
}

Test(table, removes_all_nodes_with_a_key_and_no_others)
{
    for (size_t i = 0; i < N; i++) { /* the table has about k nodes with the key k */
        uint64_t key = (uint64_t)(rand() % 200);
        table_insert(&table, &nodes[i], key);
    }
    for (uint64_t key = 0; key < 200; key++) {
        struct table_node *list = NULL;
        size_t want = 0;
        for (size_t i = 0; i < N; i++)
            want += nodes[i].key == key;
        table_take(&table, key, &list);
        cr_assert_null(table_find(&table, key));
        cr_assert_eq(length(list), want);
        while (list != NULL) {
            cr_assert_eq(list->key, key);
            table_remove(&table, list);
        }
        cr_assert(table_is_consistent(&table));
    }
    cr_expect_eq(table_bytes(&table), 0);
}

Test(table, removes_also_nodes_that_have_not_moved_yet)
{
    size_t n = 0;
    while (n < 100 || table._old.first == NULL) {
        table_insert(&table, &nodes[n], 5);
        n++;
    }
    struct table_node *list = NULL;
    table_take(&table, 5, &list);
    cr_expect_eq(length(list), n);
    while (list != NULL)
        table_remove(&table, list);
}

Test(table, has_another_hash_function_for_each_seed)
{
    struct table other;
    table_init(&other, 2);
    cr_expect_neq(table_hash(&table, 1), table_hash(&other, 1));
    cr_expect_neq(table_hash(&table, 0), table_hash(&other, 0));
}

/* Keys at any distance: when 4,096 buckets have 4,096 keys, few keys share a bucket with more than
 * a handful of others. */
Test(table, distributes_keys_that_follow_a_pattern_evenly)
{
    static unsigned in_bucket[4096];
    for (unsigned shift = 0; shift < 52; shift++) {
        unsigned most = 0;
        memset(in_bucket, 0, sizeof(in_bucket));
        for (uint64_t i = 0; i < 4096; i++) {
            unsigned n = ++in_bucket[table_hash(&table, i << shift) >> 52];
            most = n > most ? n : most;
        }
        cr_expect_leq(most, 16, "%u keys in a bucket, 2^%u apart", most, shift);
    }
}
