/* base/table.h - a hash table of nodes that their owners embed; several nodes may have the same key.
 *
 * It grows and shrinks in small steps: each call that changes it moves a few nodes, and no call moves all.
 * An empty table has no memory.
 *
 * Clients choose the keys, so each table has a random hash function. Multiply-shift in 128 bits is
 * strongly universal (Dietzfelbinger 1996): two keys share a bucket no more often than by chance, as long
 * as their author does not know the random numbers. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* It is not moved while it is in a table or on the list of table_take(). */
struct table_node {
    uint64_t key; /* read only */
    struct table_node *_next, **_where;
};

struct table_buckets {
    struct table_node **first; /* NULL: there are none */
    unsigned bits;             /* 2^bits of them */
};

struct table {
    size_t _nodes;
    unsigned _load; /* nodes a bucket, at most */
    struct table_buckets _now;
    struct table_buckets _old; /* while nodes move from here to there */
    size_t _moved;             /* the first buckets of _old, which are empty */
    uint64_t _factor[2], _term[2];
};

/* load: the nodes per bucket at which it grows; a larger one is slower and smaller. */
void table_init(struct table *table, unsigned load);

void table_insert(struct table *table, struct table_node *node, uint64_t key);
void table_remove(struct table *table, struct table_node *node);

/* One of the nodes with this key, or NULL. */
struct table_node *table_find(const struct table *table, uint64_t key);

/* Moves all nodes with this key to the list, which is empty. They are not found any more. Each must still
 * be removed, which takes it off the list. */
void table_take(struct table *table, uint64_t key, struct table_node **list);

uint64_t table_hash(const struct table *table, uint64_t key);
size_t table_bytes(
    const struct table *table); /* of the buckets; the nodes belong to their owners */

/* Checks all nodes: for tests. */
bool table_is_consistent(const struct table *table);

#endif
