/* server/store.h - the answers that a loop keeps, what it is told of changes, and the look-ups that are
 * under way, which others may join.
 *
 * Promise: nothing is shown that is older than max_stale, whatever happens to the database or on the
 * way to it; and what the database has told to be old is not shown at all.
 * Thread:  one store a loop; nothing here locks. */
#ifndef SERVER_STORE_H
#define SERVER_STORE_H

#include "base/counter.h"
#include "cache/cache.h"
#include "cache/freshness.h"
#include "cache/table.h"
#include "db/feed.h"
#include "server/answer.h"

/* Written by the loop, read by any thread. */
struct store_stats {
    struct counter hits, misses, joined;
    struct counter dropped;      /* since what they show has changed */
    struct counter items, bytes; /* kept now */
};

struct store {
    struct freshness freshness;
    struct table flights; /* see handlers/article_flight.h */
    uint64_t max_stale_us;
    struct store_stats stats;

    bool _keeps; /* false: the cache is off */
    struct cache _cache;
};

/* max_bytes 0: it keeps nothing. */
void store_init(struct store *store, size_t max_bytes, unsigned max_stale_ms);
void store_finish(struct store *store);

/* NULL: there is none that may be shown. Lent until the loop's next event. */
struct answer *store_find(struct store *store, uint64_t key, uint64_t now_us);

/* Keeps an answer under a key, with a reference of its own, unless one of the subjects (article ids)
 * has changed since freshness.seq was `since`. Whatever the key led to before is replaced. */
void store_keep(struct store *store, uint64_t key, struct answer *answer, const int64_t *subjects,
                size_t nsubjects, uint64_t since);

/* Compresses an answer; if it is one that is kept, its share grows. */
void store_compress(struct store *store, struct answer *answer);

void store_on_news(struct store *store, const struct db_feed_news *news);

#endif
