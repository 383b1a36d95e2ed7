#include "server/answer_cache.h"

#include "base/container_of.h"

enum { LOOKUPS_A_BUCKET = 1 };

static cache_evicted_fn on_evicted;

void answer_cache_init(struct answer_cache *store, size_t max_bytes, unsigned max_stale_ms)
{
    *store = (struct answer_cache){.max_stale_us = max_stale_ms * UINT64_C(1000),
                                   ._keeps = max_bytes > 0};
    freshness_init(&store->freshness, store->max_stale_us);
    table_init(&store->lookups, LOOKUPS_A_BUCKET);
    if (store->_keeps)
        cache_init(&store->_cache, max_bytes, on_evicted);
}

void answer_cache_finish(struct answer_cache *store)
{
    if (store->_keeps)
        cache_finish(&store->_cache);
    answer_finish_thread();
}

static void on_evicted(struct cache *cache, struct cache_item *item)
{
    (void)cache;
    struct answer *answer = container_of(item, struct answer, item);
    answer->is_kept = false;
    h2o_mem_release_shared(answer);
}

static void count(struct answer_cache *store)
{
    counter_set(&store->stats.items, cache_items(&store->_cache));
    counter_set(&store->stats.bytes, cache_bytes(&store->_cache));
}

struct answer *answer_cache_find(struct answer_cache *store, uint64_t key, uint64_t now_us)
{
    if (!store->_keeps)
        return NULL;
    struct cache_item *item =
        freshness_is_confirmed(&store->freshness, now_us) ? cache_find(&store->_cache, key) : NULL;
    struct answer *answer = item != NULL ? container_of(item, struct answer, item) : NULL;
    if (answer != NULL && answer->stale_at_us != 0 && answer->stale_at_us <= now_us)
        answer = NULL;
    counter_add(answer != NULL ? &store->stats.hits : &store->stats.misses, 1);
    return answer;
}

void answer_cache_keep(struct answer_cache *store, uint64_t key, struct answer *answer,
                       const int64_t *dependencies, size_t ndependencies, uint64_t since)
{
    if (!store->_keeps ||
        freshness_has_changed(&store->freshness, since, dependencies, ndependencies))
        return;
    struct cache_item *before = cache_find(&store->_cache, key);
    if (before != NULL)
        cache_remove(&store->_cache, before);
    h2o_mem_addref_shared(answer);
    answer->is_kept = true;
    cache_insert(&store->_cache, &answer->item, key, answer_memory(answer), dependencies,
                 ndependencies);
    count(store);
}

void answer_cache_compress(struct answer_cache *store, struct answer *answer)
{
    size_t more_bytes = answer_compress(answer);
    if (more_bytes == 0 || !answer->is_kept)
        return;
    cache_grow(&store->_cache, &answer->item, more_bytes);
    count(store);
}

void answer_cache_on_news(struct answer_cache *store, const struct db_change_feed_news *news)
{
    size_t dropped = 0;
    if (news->everything) {
        freshness_changed_all(&store->freshness);
        if (store->_keeps) {
            dropped = cache_items(&store->_cache);
            cache_clear(&store->_cache);
        }
    } else if (news->n > 0) {
        freshness_changed(&store->freshness, (const int64_t *)news->keys, news->n);
        for (size_t i = 0; store->_keeps && i < news->n; i++)
            dropped += cache_drop(&store->_cache, news->keys[i]);
    }
    if (dropped > 0) {
        counter_add(&store->stats.dropped, dropped);
        count(store);
    }
    freshness_confirm(&store->freshness, news->confirmed_at_us);
}
