#include "server/answer_cache.h"

#include <assert.h>
#include <string.h>

#include "base/container_of.h"
#include "base/gzip.h"
#include "server/lookup.h"

enum { LOOKUPS_PER_BUCKET = 1 };

static cache_evicted_fn on_evicted;
static void copy_key(struct answer *answer, const struct answer_key *key);
static void count(struct answer_cache *cache);

void answer_cache_init(struct answer_cache *cache, size_t max_bytes, unsigned max_stale_ms)
{
    *cache = (struct answer_cache){.max_stale_us = max_stale_ms * UINT64_C(1000),
                                   ._keeps = max_bytes > 0};
    freshness_init(&cache->freshness, cache->max_stale_us);
    table_init(&cache->_lookups, LOOKUPS_PER_BUCKET);
    h2o_linklist_init_anchor(&cache->_all_lookups);
    if (cache->_keeps)
        cache_init(&cache->_cache, max_bytes, on_evicted);
}

void answer_cache_finish(struct answer_cache *cache)
{
    lookup_cancel_all(cache);
    if (cache->_keeps)
        cache_finish(&cache->_cache);
    gzip_finish_thread();
}

static void on_evicted(struct cache *unused, struct cache_item *item)
{
    (void)unused;
    struct answer *answer = container_of(item, struct answer, item);
    answer_leave_cache(answer);
    h2o_mem_release_shared(answer);
}

struct answer *answer_cache_find(struct answer_cache *cache, const struct answer_key *key,
                                 uint64_t now_us)
{
    if (!cache->_keeps)
        return NULL;
    struct cache_item *item = freshness_is_confirmed(&cache->freshness, now_us)
                                  ? cache_find(&cache->_cache, key->number)
                                  : NULL;
    struct answer *answer = item != NULL ? container_of(item, struct answer, item) : NULL;
    if (answer != NULL && (!answer_key_is(&answer->key, key) ||
                           (answer->stale_at_us != 0 && answer->stale_at_us <= now_us)))
        answer = NULL;
    counter_add(answer != NULL ? &cache->stats.hits : &cache->stats.misses, 1);
    return answer;
}

void answer_cache_keep(struct answer_cache *cache, const struct answer_key *key,
                       struct answer *answer, const struct dependencies *dependencies,
                       uint64_t since)
{
    assert(!answer->is_in_cache && answer->missing == DB_OK && since <= cache->freshness.seq);
    if (!cache->_keeps || cache->is_unreliable || cache->is_feed_lost ||
        dependencies->is_too_long ||
        freshness_has_changed(&cache->freshness, since, dependencies->keys, dependencies->n))
        return;
    struct cache_item *before = cache_find(&cache->_cache, key->number);
    if (before != NULL)
        cache_remove(&cache->_cache, before);
    h2o_mem_addref_shared(answer);
    copy_key(answer, key);
    answer_enter_cache(answer);
    cache_insert(&cache->_cache, &answer->item, key->number, answer_memory(answer),
                 dependencies->keys, dependencies->n);
    count(cache);
}

static void copy_key(struct answer *answer, const struct answer_key *key)
{
    answer->key = *key;
    if (key->text.len > 0)
        answer->key.text = h2o_strdup(NULL, key->text.base, key->text.len);
}

static void count(struct answer_cache *cache)
{
    counter_set(&cache->stats.items, cache_items(&cache->_cache));
    counter_set(&cache->stats.bytes, cache_bytes(&cache->_cache));
}

void answer_cache_compress(struct answer_cache *cache, struct answer *answer)
{
    size_t more_bytes = answer_compress(answer);
    if (more_bytes == 0 || !answer->is_in_cache)
        return;
    cache_grow(&cache->_cache, &answer->item, more_bytes);
    count(cache);
}

void answer_cache_on_news(struct answer_cache *cache, const struct db_change_feed_news *news)
{
    bool was_unreliable = cache->is_unreliable;
    cache->is_unreliable = news->unreliable != NULL;
    cache->is_feed_lost = false;
    if (news->everything || cache->is_unreliable || was_unreliable) {
        answer_cache_drop_all(cache);
    } else if (news->n > 0) {
        size_t dropped = 0;
        freshness_changed(&cache->freshness, news->keys, news->n);
        for (size_t i = 0; cache->_keeps && i < news->n; i++)
            dropped += cache_drop(&cache->_cache, news->keys[i]);
        counter_add(&cache->stats.dropped, dropped);
        if (dropped > 0)
            count(cache);
    }
    if (cache->is_unreliable)
        freshness_doubt(&cache->freshness);
    else
        freshness_confirm(&cache->freshness, news->confirmed_at_us);
}

void answer_cache_on_lost(struct answer_cache *cache)
{
    cache->is_feed_lost = true;
}

void answer_cache_drop_all(struct answer_cache *cache)
{
    freshness_changed_all(&cache->freshness);
    if (!cache->_keeps)
        return;
    counter_add(&cache->stats.dropped, cache_items(&cache->_cache));
    cache_clear(&cache->_cache);
    count(cache);
}
