#include "server/store.h"

#include "base/container_of.h"

enum { FLIGHTS_A_BUCKET = 1 };

static cache_evicted_fn on_evicted;

void store_init(struct store *store, size_t max_bytes, unsigned max_stale_ms)
{
    *store = (struct store){.max_stale_us = max_stale_ms * UINT64_C(1000), ._keeps = max_bytes > 0};
    freshness_init(&store->freshness, store->max_stale_us);
    table_init(&store->flights, FLIGHTS_A_BUCKET);
    if (store->_keeps)
        cache_init(&store->_cache, max_bytes, on_evicted);
}

void store_finish(struct store *store)
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

static void count(struct store *store)
{
    counter_set(&store->stats.items, cache_items(&store->_cache));
    counter_set(&store->stats.bytes, cache_bytes(&store->_cache));
}

struct answer *store_find(struct store *store, uint64_t key, uint64_t now_us)
{
    if (!store->_keeps)
        return NULL;
    struct cache_item *item =
        freshness_is_vouched(&store->freshness, now_us) ? cache_find(&store->_cache, key) : NULL;
    struct answer *answer = item != NULL ? container_of(item, struct answer, item) : NULL;
    if (answer != NULL && answer->stale_at_us != 0 && answer->stale_at_us <= now_us)
        answer = NULL;
    counter_add(answer != NULL ? &store->stats.hits : &store->stats.misses, 1);
    return answer;
}

void store_keep(struct store *store, uint64_t key, struct answer *answer, const int64_t *subjects,
                size_t nsubjects, uint64_t since)
{
    if (!store->_keeps || freshness_has_changed(&store->freshness, since, subjects, nsubjects))
        return;
    struct cache_item *before = cache_find(&store->_cache, key);
    if (before != NULL)
        cache_remove(&store->_cache, before);
    h2o_mem_addref_shared(answer);
    answer->is_kept = true;
    cache_insert(&store->_cache, &answer->item, key, answer_memory(answer), subjects, nsubjects);
    count(store);
}

void store_compress(struct store *store, struct answer *answer)
{
    size_t more_bytes = answer_compress(answer);
    if (more_bytes == 0 || !answer->is_kept)
        return;
    cache_grow(&store->_cache, &answer->item, more_bytes);
    count(store);
}

void store_on_news(struct store *store, const struct db_feed_news *news)
{
    size_t dropped = 0;
    if (news->everything) {
        freshness_changed_all(&store->freshness);
        if (store->_keeps) {
            dropped = cache_items(&store->_cache);
            cache_clear(&store->_cache);
        }
    } else if (news->n > 0) {
        freshness_changed(&store->freshness, news->ids, news->n);
        for (size_t i = 0; store->_keeps && i < news->n; i++)
            dropped += cache_drop(&store->_cache, news->ids[i]);
    }
    if (dropped > 0) {
        counter_add(&store->stats.dropped, dropped);
        count(store);
    }
    freshness_vouch(&store->freshness, news->vouched_at_us);
}
