/* server/answer_cache.h - the answers that a thread keeps in memory, its knowledge of changes, and the
 * look-ups under way, which requests may join (server/lookup.h).
 *
 * Promise: no answer from memory is older than max_stale, also while the database or the
 *          connection to it fails; an answer whose change was reported is not shown at all.
 * Thread:  each thread has one; nothing here locks. */
#ifndef SERVER_ANSWER_CACHE_H
#define SERVER_ANSWER_CACHE_H

#include "base/counter.h"
#include "base/table.h"
#include "cache/cache.h"
#include "cache/dependencies.h"
#include "cache/freshness.h"
#include "db/change_feed.h"
#include "server/answer.h"

/* Written by the thread, read by any. */
struct answer_cache_stats {
    struct counter hits, misses, joined;
    struct counter dropped;      /* because of a change */
    struct counter items, bytes; /* in memory now */
};

struct answer_cache {
    struct freshness freshness; /* read only */
    uint64_t max_stale_us;
    struct answer_cache_stats stats;
    bool is_unreliable; /* changes may go unreported */
    bool is_feed_lost;  /* the database may be another one than that of the answers in memory */

    bool _keeps; /* false: the cache is off */
    struct cache _cache;

    /* For server/lookup.c: */
    struct table _lookups;       /* those that may be joined, by the number of their key */
    h2o_linklist_t _all_lookups; /* under way */
};

/* max_bytes 0: it keeps nothing. */
void answer_cache_init(struct answer_cache *cache, size_t max_bytes, unsigned max_stale_ms);

/* Cancels the look-ups under way too. Call it before the pool of their queries is destroyed. */
void answer_cache_finish(struct answer_cache *cache);

/* NULL: there is no answer that may be shown. The answer is lent until the loop's next event. */
struct answer *answer_cache_find(struct answer_cache *cache, const struct answer_key *key,
                                 uint64_t now_us);

/* Keeps an answer under a key, with a reference of its own, and replaces an earlier one. It is not kept
 * where a dependency has changed since freshness.seq was `since`, where there are too many dependencies,
 * while changes may go unreported, and while the change feed is lost. */
void answer_cache_keep(struct answer_cache *cache, const struct answer_key *key,
                       struct answer *answer, const struct dependencies *dependencies,
                       uint64_t since);

/* Compresses an answer; where it is in the cache, its share grows. */
void answer_cache_compress(struct answer_cache *cache, struct answer *answer);

void answer_cache_on_news(struct answer_cache *cache, const struct db_change_feed_news *news);

/* No news come for the moment. Answers in memory may be shown until they are max_stale old. No answer is added,
 * since the pool may use any server. */
void answer_cache_on_lost(struct answer_cache *cache);

/* Drops all answers: they may come from another server than later ones. */
void answer_cache_drop_all(struct answer_cache *cache);

#endif
