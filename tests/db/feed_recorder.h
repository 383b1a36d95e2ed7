/* tests/db/feed_recorder.h - a feed on the loop of the test (tests/db/loop.h), and what it has told. One at a
 * time. Errors abort the test and say why. */
#ifndef TESTS_DB_HEARD_H
#define TESTS_DB_HEARD_H

#include "db/change_feed.h"
#include "tests/db/loop.h"
#include "tests/support/sql.h"

enum {
    ALL_MS = 20000,
    BY_NOTIFICATION =
        60000,     /* max_stale_ms: the beat is 15 s, so what is told before was notified */
    BY_BEAT = 400, /* a beat is 100 ms */
    HEARD_MAX_ID = 10001,
};

extern struct heard {
    struct db_change_feed feed;
    struct db_change_feed_stats stats;
    struct db_conninfo *conninfo;
    unsigned news, everything;
    unsigned told[HEARD_MAX_ID + 1]; /* how often, by id */
    uint64_t confirmed_at_us;
    unsigned events[DB_EVENT_FAILED + 1];
    char why[256]; /* of the last event but DB_EVENT_UP */
} heard;

/* Fills a migrated, empty database with the articles 1 to 500. */
void heard_fill(const char *url);

/* max_stale_ms and notify_test_ms are taken from the config. */
void heard_start(const char *url, struct db_change_feed_config config);
void heard_start_up(const char *url, unsigned max_stale_ms); /* and waits for the first news */
void heard_stop(void);                                       /* forgets all that was told */

/* Changes an article. */
void heard_touch(PGconn *session, int id);

static inline bool heard_is_vouched_for(uint64_t at_us)
{
    return heard.confirmed_at_us >= at_us;
}

/* What has committed by now, has been told when this returns. */
void heard_wait_for_vouch(void);

/* The feed's backend in the database of the session; 0: none. */
long heard_backend(PGconn *session);
void heard_kill_backend(PGconn *session);

#endif
