/* cache/cache.h - objects in memory by key, bounded in bytes. Each has dependencies: keys of the entities
 * that it shows. A change of one of them drops it.
 *
 *     cache_insert --> small (a tenth) --used twice--> main --not used--> evicted
 *          |             |                             ^  |
 *          |             +--else--> evicted, the key   |  +--used--> main again
 *          |                        is remembered      |
 *          +-- with a key that is remembered ----------+
 *
 * The policy is S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP
 * 2023): a crawler that reads the whole archive passes through the small queue, and the main queue stays as
 * it was. As in the paper, an object moves from small to main when it was used more than once after its
 * insertion. Its uses are counted up to 3, and from 0 again in main, where each turn costs one.
 * We differ from the paper in four points:
 * - The cache remembers as many keys as it has objects, by their hash (recent_keys.h).
 * - The key of an object that is removed or dropped from main, or that had earned its place there, is
 *   remembered too: a popular article that changes comes back into main.
 * - The search for an object to evict passes over 64 objects at most, so that no call takes long.
 * - An object larger than a tenth of the cache is not kept, since too many others would have to go.
 *
 * libh2o's container (h2o/cache.h) evicts by LRU, counts the bytes of the values only, does not know
 * dependencies, and moves its whole hash table when that grows.
 *
 * All memory counts: the bytes that the owner names for an object, its dependencies, the hash tables, the
 * remembered keys. The cache itself takes about 90 bytes for an object and 34 for each of its dependencies.
 *
 * One thread. */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include <assert.h>
#include <h2o/linklist.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/table.h"
#include "cache/recent_keys.h"

struct cache;
struct cache_item;

enum { CACHE_MAX_DEPENDENCIES = 256 };

/* The item has left the cache and belongs to its owner again, who may free it. The functions that evict call
 * this before they return; it may only ask the cache for its figures. cache_find() never calls it. */
typedef void cache_evicted_fn(struct cache *cache, struct cache_item *item);

enum cache_queue {
    CACHE_SMALL,
    CACHE_MAIN,
    CACHE_NQUEUES,
};

struct cache_dependency {
    struct table_node node; /* by the key of the entity */
    struct cache_item *item;
};

/* Embed it. You own the memory until cache_insert(), and again from `evicted` on; in between it is
 * not moved. You need not set any member. */
struct cache_item {
    struct table_node _own; /* by its key */
    h2o_linklist_t _link;   /* in a queue */
    uint64_t _bytes : 48, _queue : 1, _uses : 2, _ndependencies : 13;
    struct cache_dependency *_dependencies; /* one allocation; NULL where there are none */
};
static_assert(CACHE_MAX_DEPENDENCIES < 1 << 13, "_ndependencies has 13 bits");

struct cache {
    size_t _max_bytes;
    cache_evicted_fn *_evicted;
    struct {
        h2o_linklist_t items; /* the oldest first */
        size_t n, bytes;
    } _queues[CACHE_NQUEUES];
    struct table _items;
    struct table _dependencies;
    struct recent_keys _recent_keys; /* hashes of keys */
};

void cache_init(struct cache *cache, size_t max_bytes, cache_evicted_fn *evicted);
void cache_finish(struct cache *cache); /* evicts all */

/* NULL: not here. Counts as a use. The item is lent until the next call but this one: all others
 * may evict. */
struct cache_item *cache_find(struct cache *cache, uint64_t key);

/* Takes an item whose key is not in the cache. bytes: all that it costs its owner, the struct that
 * embeds it included. dependencies: CACHE_MAX_DEPENDENCIES at most, in any order. Evicts others to make
 * room. False: it is larger than a tenth of the cache, and `evicted` has been called for it. */
bool cache_insert(struct cache *cache, struct cache_item *item, uint64_t key, size_t bytes,
                  const uint64_t *dependencies, size_t ndependencies);

/* The item costs that much more. It must not grow beyond half of the cache. May evict others, not
 * itself: it moves to the end of its queue. */
void cache_grow(struct cache *cache, struct cache_item *item, size_t more_bytes);

/* The cost of the dependencies of an item, besides the bytes that its owner names. */
size_t cache_dependencies_bytes(size_t n);

/* These evict: `evicted` is called for each item that goes. Other items may go too, where a table that
 * becomes smaller needs room for its move. */
void cache_remove(struct cache *cache, struct cache_item *item);
size_t cache_drop(struct cache *cache,
                  uint64_t dependency); /* all items that have it; their number */
void cache_clear(struct cache *cache);  /* all items and all remembered keys */

static inline uint64_t cache_item_key(const struct cache_item *item)
{
    return item->_own.key;
}

/* Figures. */
static inline size_t cache_items(const struct cache *cache)
{
    return cache->_queues[CACHE_SMALL].n + cache->_queues[CACHE_MAIN].n;
}
size_t cache_bytes(const struct cache *cache); /* never above max_bytes after a call */

/* Checks all items: for tests. */
bool cache_is_consistent(const struct cache *cache);

#endif
