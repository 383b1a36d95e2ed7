/* db/change_feed.h - which articles have changed, told as it commits.
 *
 * The change log in the database is the truth; a notification is only what wakes. The feed keeps
 * its position in the log and reads on from there when a notification comes, and every quarter of
 * max_stale_ms whether one comes or not. Each read that comes back vouches for the time at which it
 * was sent. So when the connection is lost, hangs, or is cut off, nothing has to notice: no news
 * come, and max_stale_ms after the last ones what is kept in memory is trusted no longer.
 *
 *     up --> LISTEN --> read --> news --> [notified, or the beat] read --> news ...
 *            canary --> its notification (else: the connection is deaf, and a new one is made)
 *
 * After a loss it listens first and then reads on from its old position: what commits between the
 * two is announced, what committed before is read. The other way round, a commit between the two
 * would be neither until the next beat.
 *
 * One a process is enough, on one loop; nothing here locks. */
#ifndef DB_CHANGE_FEED_H
#define DB_CHANGE_FEED_H

#include "base/counter.h"
#include "db/conn.h"
#include "db/reporter.h"

struct db_change_feed;

/* All that has committed since the news before. */
struct db_change_feed_news {
    /* Anything may have changed: the first news, a change of over 10,000 articles, a gap in the log,
     * another history of the database. */
    bool everything;
    /* Otherwise the articles whose answer or card has, each once; lent. */
    const uint64_t *keys; /* base/entity.h */
    size_t n;
    /* clock_us(): whatever had committed by then is in these news or was in earlier ones. */
    uint64_t confirmed_at_us;
    const char *server;     /* the identity of the server that it comes from */
    const char *unreliable; /* NULL, or why changes may go unreported: then nothing may be kept */
};

typedef void db_change_feed_lost_fn(struct db_change_feed *feed);

/* Called from the loop, with nothing changed too. It may not finish the feed. */
typedef void db_change_feed_news_fn(struct db_change_feed *feed,
                                    const struct db_change_feed_news *news);

/* Written by the feed's thread, read by any. */
struct db_change_feed_stats {
    struct counter connections[DB_CONN_NSTATES]; /* 1 in the state of its connection */
    struct counter is_up;                        /* it has read since its connection came up */
    struct counter reads, changes;               /* changes: articles told */
    struct counter everything;                   /* news that said so */
    struct counter confirmed_at_us;              /* of the last news; 0 before the first */
};

struct db_change_feed_config {
    struct loop *loop;
    const struct db_conninfo *conninfo; /* outlives the feed */
    unsigned max_stale_ms;
    unsigned notify_test_ms; /* from one to the next, and twice its patience; 0: 5 s, and 2 s */
    db_change_feed_news_fn *on_news;
    db_change_feed_lost_fn *on_lost;    /* the connection went down; may be NULL */
    db_event_fn *on_event;              /* may be NULL */
    struct db_change_feed_stats *stats; /* zeroed; the caller's, and outlives the feed */
};

/* Embed it; all is private. */
struct db_change_feed {
    struct db_change_feed_config _config;
    struct db_conn_env _env;
    struct db_conn _conn;
    struct db_reporter _teller;
    enum db_statement _running; /* what the connection runs while it is BUSY */
    char *_position;            /* opaque; "" before the first read */
    bool _is_read_due;
    uint64_t _read_at_us; /* the last read was sent */
    struct timer _poll;   /* the next read */
    enum { DB_NOTIFY_TEST_RESTS, DB_NOTIFY_TEST_IS_DUE, DB_NOTIFY_TEST_IS_OUT } _notify_test;
    struct timer _notify_test_timer; /* the end of its rest, or of the patience with it */
    char _token[32];                 /* by which it is known */
};

/* Connecting begins in the next turn of the loop and goes on for ever. */
void db_change_feed_init(struct db_change_feed *feed, const struct db_change_feed_config *config);
void db_change_feed_finish(
    struct db_change_feed *feed); /* calls nobody back; not from a callback of the feed */

#endif
