#include "base/table.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    MIN_BITS = 3,
    STEPS = 4, /* in each change: enough to be done long before the next growth is due */
};

static void resize_if_due(struct table *table);
static void move_some(struct table *table);
static void release(struct table_buckets *buckets);

void table_init(struct table *table, unsigned load)
{
    assert(load >= 1);
    *table = (struct table){._load = load};
    if (getentropy(table->_factor, sizeof(table->_factor)) != 0 ||
        getentropy(table->_term, sizeof(table->_term)) != 0)
        abort(); /* the kernel has no such call */
}

/* The upper half of factor * key + term, modulo 2^128. The steps after it are one to one, so that the
 * guarantee stays; they keep consecutive ids from forming a pattern. */
uint64_t table_hash(const struct table *table, uint64_t key)
{
    unsigned __int128 factor = (unsigned __int128)table->_factor[1] << 64 | table->_factor[0];
    unsigned __int128 term = (unsigned __int128)table->_term[1] << 64 | table->_term[0];
    uint64_t x = (uint64_t)((factor * key + term) >> 64);
    x ^= x >> 32;
    x *= 0x9e3779b97f4a7c15;
    return x ^ x >> 32;
}

static size_t count(const struct table_buckets *buckets)
{
    return buckets->first != NULL ? (size_t)1 << buckets->bits : 0;
}

static size_t index_of(const struct table_buckets *buckets, uint64_t hash)
{
    return (size_t)(hash >> (64 - buckets->bits));
}

static void link_in(struct table_node **where, struct table_node *node)
{
    node->_next = *where;
    node->_where = where;
    if (node->_next != NULL)
        node->_next->_where = &node->_next;
    *where = node;
}

static void unlink_node(struct table_node *node)
{
    *node->_where = node->_next;
    if (node->_next != NULL)
        node->_next->_where = node->_where;
}

void table_insert(struct table *table, struct table_node *node, uint64_t key)
{
    node->key = key;
    table->_nodes++;
    resize_if_due(table);
    link_in(&table->_now.first[index_of(&table->_now, table_hash(table, key))], node);
    move_some(table);
}

void table_remove(struct table *table, struct table_node *node)
{
    assert(table->_nodes > 0);
    unlink_node(node);
    table->_nodes--;
    if (table->_nodes == 0) {
        release(&table->_now);
        release(&table->_old);
        return;
    }
    resize_if_due(table);
    move_some(table);
}

static void resize_if_due(struct table *table)
{
    unsigned bits = table->_now.bits;
    size_t most = count(&table->_now) * table->_load;
    if (table->_old.first != NULL)
        return;
    if (table->_now.first == NULL)
        bits = MIN_BITS;
    else if (table->_nodes > most)
        bits++;
    else if (table->_nodes < most / 8 && bits >= MIN_BITS + 2)
        bits -= 2;
    else
        return;
    table->_old = table->_now;
    table->_moved = 0;
    table->_now.bits = bits;
    table->_now.first = calloc((size_t)1 << bits, sizeof(struct table_node *));
    if (table->_now.first == NULL)
        abort();
}

static void move_some(struct table *table)
{
    for (int step = 0; step < STEPS && table->_old.first != NULL; step++) {
        struct table_node *node = table->_old.first[table->_moved];
        if (node != NULL) {
            unlink_node(node);
            link_in(&table->_now.first[index_of(&table->_now, table_hash(table, node->key))], node);
        } else if (++table->_moved == count(&table->_old)) {
            release(&table->_old);
        }
    }
}

static void release(struct table_buckets *buckets)
{
    free(buckets->first);
    *buckets = (struct table_buckets){0};
}

/* The bucket of this hash, or NULL where there are no buckets. */
static struct table_node **bucket(const struct table_buckets *buckets, uint64_t hash)
{
    return buckets->first != NULL ? &buckets->first[index_of(buckets, hash)] : NULL;
}

struct table_node *table_find(const struct table *table, uint64_t key)
{
    uint64_t hash = table_hash(table, key);
    struct table_node **buckets[] = {bucket(&table->_now, hash), bucket(&table->_old, hash)};
    for (int i = 0; i < 2 && buckets[i] != NULL; i++)
        for (struct table_node *node = *buckets[i]; node != NULL; node = node->_next)
            if (node->key == key)
                return node;
    return NULL;
}

void table_take(struct table *table, uint64_t key, struct table_node **list)
{
    assert(*list == NULL);
    uint64_t hash = table_hash(table, key);
    struct table_node **buckets[] = {bucket(&table->_now, hash), bucket(&table->_old, hash)};
    for (int i = 0; i < 2 && buckets[i] != NULL; i++) {
        for (struct table_node *node = *buckets[i], *next; node != NULL; node = next) {
            next = node->_next;
            if (node->key != key)
                continue;
            unlink_node(node);
            link_in(list, node);
        }
    }
}

size_t table_bytes(const struct table *table)
{
    return (count(&table->_now) + count(&table->_old)) * sizeof(struct table_node *);
}

/* The number of nodes; SIZE_MAX where one is in a wrong bucket or not linked both ways. */
static size_t count_sound(const struct table *table, const struct table_buckets *buckets)
{
    size_t n = 0;
    for (size_t i = 0; i < count(buckets); i++) {
        struct table_node **where = &buckets->first[i];
        for (; *where != NULL; where = &(*where)->_next, n++)
            if ((*where)->_where != where ||
                index_of(buckets, table_hash(table, (*where)->key)) != i)
                return SIZE_MAX;
    }
    return n;
}

bool table_is_consistent(const struct table *table)
{
    for (size_t i = 0; i < table->_moved && i < count(&table->_old); i++)
        if (table->_old.first[i] != NULL)
            return false;
    size_t now = count_sound(table, &table->_now), old = count_sound(table, &table->_old);
    return now != SIZE_MAX && old != SIZE_MAX && now + old == table->_nodes &&
           (table->_nodes > 0 || table_bytes(table) == 0);
}
