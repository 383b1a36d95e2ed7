/* tests/db/feed_recorder.h - a change feed on the loop of the test (tests/db/loop.h), and its news.
 * One at a time. Errors abort the test and report why. */
#ifndef TESTS_DB_FEED_RECORDER_H
#define TESTS_DB_FEED_RECORDER_H

#include "db/change_feed.h"
#include "tests/db/loop.h"
#include "tests/support/sql.h"

enum {
    ALL_MS = 20000,
    /* Values of max_stale_ms. */
    BY_NOTIFICATION = 60000, /* it polls every 15 s, so an earlier report comes from a
                              * notification */
    BY_POLL = 400,           /* it polls every 100 ms */
    RECORDER_MAX_ID = 10001,
};

enum { ARTICLE = 1 }; /* the kind in a packed key: base/entity.h */

extern struct recorder {
    struct db_change_feed feed;
    struct db_change_feed_stats stats;
    struct db_conninfo *conninfo;
    unsigned news, everything, lost, unreliable;
    char server[DB_IDENTITY_BYTES], unreliable_why[200]; /* of the last news */
    unsigned reported[RECORDER_MAX_ID + 1];              /* how many times, by article */
    uint64_t confirmed_at_us;
    unsigned events[DB_EVENT_FAILED + 1];
    char why[256]; /* of the last event that is not DB_EVENT_UP */
} recorder;

/* Fills a migrated, empty database with the articles 1 to 500. */
void recorder_fill(const char *url);

/* The config gives max_stale_ms and notify_test_ms. */
void recorder_start(const char *url, struct db_change_feed_config config);
void recorder_start_up(const char *url, unsigned max_stale_ms); /* and waits for the first news */
void recorder_stop(void);                                       /* forgets all news */

/* Changes an article. */
void recorder_touch(PGconn *session, int id);

static inline bool recorder_is_confirmed(uint64_t at_us)
{
    return recorder.confirmed_at_us >= at_us;
}

/* When this returns, there was news of every change that had committed before the call. */
void recorder_wait_until_confirmed(void);

/* The feed's backend in the database of the session; 0: there is none. */
long recorder_backend(PGconn *session);
void recorder_kill_backend(PGconn *session);

#endif
