/* cache_insert, cache_grow --> make_room --> evict_one --> take_out --> `evicted`
 *                                                             ^
 *                  cache_remove, cache_drop --> remove_item --+ */
#include "cache/cache.h"

#include <assert.h>
#include <stdlib.h>

#include <h2o/memory.h>

#include "base/container_of.h"

enum {
    SMALL_SHARE = 10, /* of max_bytes: one part in so many is the small queue's */
    LARGEST_SHARE = 10,
    LARGEST_GROWN_SHARE = 2,
    MAX_USES = 3,
    USES_FOR_MAIN = 2,
    MAX_CHANCES = 64, /* items passed over in one eviction */
    ITEMS_LOAD = 2,
    DEPENDENCIES_LOAD = 8, /* only cache_drop() searches there */
    ALLOCATOR_BYTES = 16,  /* of an allocation, at most */
};

static_assert(2 * LARGEST_GROWN_SHARE < LARGEST_SHARE, "each item may become twice as large");

static void index_item(struct cache *cache, struct cache_item *item, uint64_t key,
                       const uint64_t *dependencies, size_t ndependencies);
static void make_room(struct cache *cache, size_t bytes);
static void evict_one(struct cache *cache);
static struct cache_item *victim_in_small(struct cache *cache);
static struct cache_item *victim_in_main(struct cache *cache);
static void remember(struct cache *cache, const struct cache_item *item);
static void remove_item(struct cache *cache, struct cache_item *item);
static void take_out(struct cache *cache, struct cache_item *item);
static void enqueue(struct cache *cache, struct cache_item *item, enum cache_queue queue);
static void dequeue(struct cache *cache, struct cache_item *item);
static struct cache_item *oldest(const struct cache *cache, enum cache_queue queue);
static bool is_sound(const struct cache *cache);

void cache_init(struct cache *cache, size_t max_bytes, cache_evicted_fn *evicted)
{
    *cache = (struct cache){._max_bytes = max_bytes, ._evicted = evicted};
    for (size_t i = 0; i < CACHE_NQUEUES; i++)
        h2o_linklist_init_anchor(&cache->_queues[i].items);
    table_init(&cache->_items, ITEMS_LOAD);
    table_init(&cache->_dependencies, DEPENDENCIES_LOAD);
}

void cache_finish(struct cache *cache)
{
    cache_clear(cache);
}

struct cache_item *cache_find(struct cache *cache, uint64_t key)
{
    struct table_node *node = table_find(&cache->_items, key);
    if (node == NULL)
        return NULL;
    struct cache_item *item = container_of(node, struct cache_item, _own);
    if (item->_uses < MAX_USES)
        item->_uses++;
    return item;
}

/* ---- in */

/* The item is on no queue until there is room for it, so it can't be evicted to make that. */
bool cache_insert(struct cache *cache, struct cache_item *item, uint64_t key, size_t bytes,
                  const uint64_t *dependencies, size_t ndependencies)
{
    assert(bytes >= sizeof(*item) && ndependencies <= CACHE_MAX_DEPENDENCIES);
    assert(table_find(&cache->_items, key) == NULL);
    size_t largest = cache->_max_bytes / LARGEST_SHARE;
    size_t own_bytes = cache_dependencies_bytes(ndependencies);
    *item = (struct cache_item){._own.key = key};
    if (bytes > largest || own_bytes > largest - bytes) {
        cache->_evicted(cache, item);
        return false;
    }
    item->_bytes = bytes + own_bytes;
    bool is_back =
        recent_keys_take(&cache->_recent_keys, table_hash(&cache->_items, key), cache_items(cache));
    index_item(cache, item, key, dependencies, ndependencies);
    recent_keys_fit(&cache->_recent_keys, cache_items(cache));
    make_room(cache, item->_bytes);
    enqueue(cache, item, is_back ? CACHE_MAIN : CACHE_SMALL);
    assert(is_sound(cache));
    return true;
}

void cache_grow(struct cache *cache, struct cache_item *item, size_t more_bytes)
{
    assert(more_bytes <= cache->_max_bytes / LARGEST_GROWN_SHARE - item->_bytes);
    dequeue(cache, item);
    item->_bytes += more_bytes;
    make_room(cache, item->_bytes);
    enqueue(cache, item, item->_queue);
    assert(is_sound(cache));
}

static void index_item(struct cache *cache, struct cache_item *item, uint64_t key,
                       const uint64_t *dependencies, size_t ndependencies)
{
    table_insert(&cache->_items, &item->_own, key);
    item->_ndependencies = ndependencies;
    if (ndependencies > 0)
        item->_dependencies = h2o_mem_alloc(ndependencies * sizeof(item->_dependencies[0]));
    for (size_t i = 0; i < ndependencies; i++) {
        item->_dependencies[i].item = item;
        table_insert(&cache->_dependencies, &item->_dependencies[i].node, dependencies[i]);
    }
}

size_t cache_dependencies_bytes(size_t n)
{
    return n > 0 ? n * sizeof(struct cache_dependency) + ALLOCATOR_BYTES : 0;
}

/* ---- out
 *
 * There is always something to evict: at the worst moment of their growth, the tables and the recent keys
 * take less than the items themselves, and the item that needs room is half of the cache at most. */

static void make_room(struct cache *cache, size_t bytes)
{
    while (cache_bytes(cache) + bytes > cache->_max_bytes)
        evict_one(cache);
}

static void evict_one(struct cache *cache)
{
    bool is_small_due = cache->_queues[CACHE_MAIN].n == 0 ||
                        cache->_queues[CACHE_SMALL].bytes >= cache->_max_bytes / SMALL_SHARE;
    struct cache_item *item = is_small_due ? victim_in_small(cache) : NULL;
    if (item == NULL) /* also where all items of small have moved to main */
        item = victim_in_main(cache);
    if (item->_queue == CACHE_SMALL)
        remember(cache, item);
    take_out(cache, item);
}

static struct cache_item *victim_in_small(struct cache *cache)
{
    struct cache_item *item;
    for (int chances = MAX_CHANCES; (item = oldest(cache, CACHE_SMALL)) != NULL; chances--) {
        if (item->_uses < USES_FOR_MAIN || chances == 0)
            return item;
        dequeue(cache, item);
        item->_uses = 0;
        enqueue(cache, item, CACHE_MAIN);
    }
    return NULL;
}

static struct cache_item *victim_in_main(struct cache *cache)
{
    for (int chances = MAX_CHANCES;; chances--) {
        struct cache_item *item = oldest(cache, CACHE_MAIN);
        assert(item != NULL);
        if (item->_uses == 0 || chances == 0)
            return item;
        dequeue(cache, item);
        item->_uses--;
        enqueue(cache, item, CACHE_MAIN);
    }
}

static void remember(struct cache *cache, const struct cache_item *item)
{
    recent_keys_add(&cache->_recent_keys, table_hash(&cache->_items, cache_item_key(item)));
}

static void take_out(struct cache *cache, struct cache_item *item)
{
    dequeue(cache, item);
    table_remove(&cache->_items, &item->_own);
    for (size_t i = 0; i < item->_ndependencies; i++)
        table_remove(&cache->_dependencies, &item->_dependencies[i].node);
    free(item->_dependencies);
    item->_dependencies = NULL;
    cache->_evicted(cache, item);
}

void cache_remove(struct cache *cache, struct cache_item *item)
{
    remove_item(cache, item);
    make_room(cache, 0);
    assert(is_sound(cache));
}

static void remove_item(struct cache *cache, struct cache_item *item)
{
    if (item->_queue == CACHE_MAIN || item->_uses >= USES_FOR_MAIN)
        remember(cache, item);
    take_out(cache, item);
}

/* Each item that is removed takes all its dependencies off the list, so that the list becomes shorter;
 * by two, where an item has the dependency twice. */
size_t cache_drop(struct cache *cache, uint64_t dependency)
{
    struct table_node *dependencies = NULL;
    size_t n = 0;
    table_take(&cache->_dependencies, dependency, &dependencies);
    for (; dependencies != NULL; n++)
        remove_item(cache, container_of(dependencies, struct cache_dependency, node)->item);
    make_room(cache, 0);
    assert(is_sound(cache));
    return n;
}

void cache_clear(struct cache *cache)
{
    for (enum cache_queue queue = 0; queue < CACHE_NQUEUES; queue++)
        for (struct cache_item *item; (item = oldest(cache, queue)) != NULL;)
            take_out(cache, item);
    recent_keys_finish(&cache->_recent_keys);
    assert(cache_bytes(cache) == 0);
}

/* ---- the queues */

static void enqueue(struct cache *cache, struct cache_item *item, enum cache_queue queue)
{
    item->_queue = queue;
    h2o_linklist_insert(&cache->_queues[queue].items, &item->_link);
    cache->_queues[queue].n++;
    cache->_queues[queue].bytes += item->_bytes;
}

static void dequeue(struct cache *cache, struct cache_item *item)
{
    h2o_linklist_unlink(&item->_link);
    cache->_queues[item->_queue].n--;
    cache->_queues[item->_queue].bytes -= item->_bytes;
}

static struct cache_item *oldest(const struct cache *cache, enum cache_queue queue)
{
    const h2o_linklist_t *items = &cache->_queues[queue].items;
    return items->next != items ? container_of(items->next, struct cache_item, _link) : NULL;
}

size_t cache_bytes(const struct cache *cache)
{
    return cache->_queues[CACHE_SMALL].bytes + cache->_queues[CACHE_MAIN].bytes +
           table_bytes(&cache->_items) + table_bytes(&cache->_dependencies) +
           recent_keys_bytes(&cache->_recent_keys);
}

static bool is_sound(const struct cache *cache)
{
    return cache_bytes(cache) <= cache->_max_bytes && cache->_items._nodes == cache_items(cache) &&
           cache->_dependencies._nodes <= CACHE_MAX_DEPENDENCIES * cache_items(cache);
}

bool cache_is_consistent(const struct cache *cache)
{
    size_t ndependencies = 0;
    for (enum cache_queue queue = 0; queue < CACHE_NQUEUES; queue++) {
        const h2o_linklist_t *items = &cache->_queues[queue].items;
        size_t n = 0, bytes = 0;
        for (const h2o_linklist_t *link = items->next; link != items; link = link->next, n++) {
            const struct cache_item *item = container_of(link, struct cache_item, _link);
            if (item->_queue != queue ||
                table_find(&cache->_items, cache_item_key(item)) != &item->_own)
                return false;
            bytes += item->_bytes;
            ndependencies += item->_ndependencies;
            for (size_t i = 0; i < item->_ndependencies; i++)
                if (item->_dependencies[i].item != item)
                    return false;
        }
        if (n != cache->_queues[queue].n || bytes != cache->_queues[queue].bytes)
            return false;
    }
    return is_sound(cache) && ndependencies == cache->_dependencies._nodes &&
           table_is_consistent(&cache->_items) && table_is_consistent(&cache->_dependencies);
}
