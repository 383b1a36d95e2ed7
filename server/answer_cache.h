/* server/answer_cache.h - the answers that a loop keeps, what it is told of changes, and the look-ups that are
 * under way, which others may join.
 *
 * Promise: nothing is shown that is older than max_stale, whatever happens to the database or on the
 * way to it; and what the database has told to be old is not shown at all.
 * Thread:  one store a loop; nothing here locks. */
#ifndef SERVER_ANSWER_CACHE_H
#define SERVER_ANSWER_CACHE_H

#include "base/counter.h"
#include "cache/cache.h"
#include "cache/freshness.h"
#include "cache/table.h"
#include "db/change_feed.h"
#include "server/answer.h"

/* Written by the loop, read by any thread. */
struct answer_cache_stats {
    struct counter hits, misses, joined;
    struct counter dropped;      /* since what they show has changed */
    struct counter items, bytes; /* kept now */
};

struct answer_cache {
    struct freshness freshness;
    struct table lookups; /* see handlers/article_lookup.h */
    uint64_t max_stale_us;
    struct answer_cache_stats stats;

    bool _keeps; /* false: the cache is off */
    struct cache _cache;
};

/* max_bytes 0: it keeps nothing. */
void answer_cache_init(struct answer_cache *store, size_t max_bytes, unsigned max_stale_ms);
void answer_cache_finish(struct answer_cache *store);

/* NULL: there is none that may be shown. Lent until the loop's next event. */
struct answer *answer_cache_find(struct answer_cache *store, uint64_t key, uint64_t now_us);

/* Keeps an answer under a key, with a reference of its own, unless one of the dependencies (article ids)
 * has changed since freshness.seq was `since`. Whatever the key led to before is replaced. */
void answer_cache_keep(struct answer_cache *store, uint64_t key, struct answer *answer,
                       const int64_t *dependencies, size_t ndependencies, uint64_t since);

/* Compresses an answer; if it is one that is kept, its share grows. */
void answer_cache_compress(struct answer_cache *store, struct answer *answer);

void answer_cache_on_news(struct answer_cache *store, const struct db_change_feed_news *news);

#endif
