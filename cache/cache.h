/* cache/cache.h - objects in memory by key, bounded in bytes, each of which knows the dependencies that
 * it shows.
 *
 *     cache_insert --> small (a tenth) --used twice--> main --not used--> evicted
 *          |             |                             ^  |
 *          |             +--else--> evicted, the key   |  +--used--> main again
 *          |                        is remembered      |
 *          +-- with a key that is remembered ----------+
 *
 * The policy is S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP
 * 2023): who walks the archive passes through the small queue and leaves the main one as it was. As
 * in the paper, an object goes from small to main when it was used more than once after its
 * insertion; its uses are counted up to 3, anew in main, where each turn costs one. Ours:
 * - as many keys are remembered as there are objects, by the hash (recent.h);
 * - what is removed or dropped from main, or had earned its place there, is remembered too: an
 *   article that changes while all read it comes back into main;
 * - at most 64 objects are passed over in the search for one to evict, so that no call takes long;
 * - an object larger than a tenth of the whole is not worth what would have to go for it.
 *
 * libh2o's container (h2o/cache.h) is not this: it evicts by LRU, counts the bytes of the values
 * alone, can't tell who shows a subject, and moves its whole hash table when that grows.
 *
 * Everything counts: what the owner says of an object, the hash tables, what is remembered. Of the
 * cache itself, an object with seven dependencies costs about 305 bytes: struct cache_item, 272, and
 * its share in the tables.
 *
 * One thread. */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include <h2o/linklist.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/recent_keys.h"
#include "cache/table.h"

struct cache;
struct cache_item;

enum { CACHE_MAX_DEPENDENCIES = 7 };

/* The item has left the cache and is its owner's again; it may be freed. Called from within all
 * that may evict, at the end of what they do to the item, but not of what they do: of the cache,
 * only the figures may be asked for from here. Never called by cache_find. */
typedef void cache_evicted_fn(struct cache *cache, struct cache_item *item);

enum cache_queue {
    CACHE_SMALL,
    CACHE_MAIN,
    CACHE_NQUEUES,
};

/* Embed it. You own the memory until cache_insert(), and again from `evicted` on; in between it is
 * not moved. Nothing of it has to be set. */
struct cache_item {
    struct table_node _own; /* by its key */
    h2o_linklist_t _link;   /* in a queue */
    uint64_t _bytes : 48, _queue : 1, _uses : 2, _ndependencies : 3;
    struct cache_dependency {
        struct table_node node; /* by subject */
        struct cache_item *item;
    } _dependency_nodes[CACHE_MAX_DEPENDENCIES];
};

struct cache {
    size_t _max_bytes;
    cache_evicted_fn *_evicted;
    struct {
        h2o_linklist_t items; /* the oldest first */
        size_t n, bytes;
    } _queues[CACHE_NQUEUES];
    struct table _items;
    struct table _dependencies;      /* dependencies */
    struct recent_keys _recent_keys; /* hashes of keys */
};

void cache_init(struct cache *cache, size_t max_bytes, cache_evicted_fn *evicted);
void cache_finish(struct cache *cache); /* evicts all */

/* NULL: not here. Counts as a use. The item is lent until the next call but this one: all others
 * may evict. */
struct cache_item *cache_find(struct cache *cache, uint64_t key);

/* Takes an item whose key is not in the cache. bytes: all that it costs its owner, the struct that
 * embeds it included. dependencies: CACHE_MAX_DEPENDENCIES at most, in any order; one that comes twice
 * counts once. Evicts others to make room. False: it is larger than a tenth of the cache, and
 * `evicted` has been called for it. */
bool cache_insert(struct cache *cache, struct cache_item *item, uint64_t key, size_t bytes,
                  const int64_t *dependencies, size_t ndependencies);

/* The item costs that much more. It must not grow beyond half of the cache. May evict others, not
 * itself: it is young again in its queue. */
void cache_grow(struct cache *cache, struct cache_item *item, size_t more_bytes);

/* These evict: `evicted` is called for each that goes, which may be others as well, where a table
 * that gets smaller needs room for its move. */
void cache_remove(struct cache *cache, struct cache_item *item);
size_t cache_drop(struct cache *cache, int64_t subject); /* all that hold it; how many they were */
void cache_clear(struct cache *cache);                   /* all, and forgets what it remembered */

static inline uint64_t cache_item_key(const struct cache_item *item)
{
    return item->_own.key;
}

/* Figures. */
static inline size_t cache_items(const struct cache *cache)
{
    return cache->_queues[CACHE_SMALL].n + cache->_queues[CACHE_MAIN].n;
}
size_t cache_bytes(const struct cache *cache); /* never above max_bytes, but within a call */

/* Looks at everything: for tests. */
bool cache_is_consistent(const struct cache *cache);

#endif
