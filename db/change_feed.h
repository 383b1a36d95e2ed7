/* db/change_feed.h - which entities have changed, reported as the changes commit.
 *
 * The change log in the database has every change; a notification only says that there is something to
 * read. The feed keeps its position in the log. It reads on from there when a notification arrives, and
 * every quarter of max_stale_ms without one. Each answer confirms the time at which its read was sent. So
 * no code has to notice that the connection is lost or hangs: then no news arrive, and max_stale_ms after
 * the last ones no answer in memory may be shown any more.
 *
 *     up --> LISTEN --> read --> news --> [a notification, or the poll] read --> news ...
 *            notify test --> its notification (otherwise a new connection is made)
 *
 * After a loss it first listens and then reads on from its old position. A change that commits between
 * the two is notified. A change that committed before is read.
 *
 * The feed decides which server a process uses: see db_change_feed_news.server. One feed is enough for a
 * process. It lives on one loop; nothing here locks. */
#ifndef DB_CHANGE_FEED_H
#define DB_CHANGE_FEED_H

#include "base/counter.h"
#include "db/conn.h"
#include "db/reporter.h"

struct db_change_feed;

/* All that has committed since the news before. All pointers are lent. */
struct db_change_feed_news {
    /* Anything may have changed: the first news, too many changes to name, a gap in the log, another
     * history of the database. Then n is 0. */
    bool everything;
    const uint64_t *keys; /* what has changed, as packed keys (base/entity.h) */
    size_t n;
    /* clock_us(): every change that had committed by then is in these news or in earlier ones. */
    uint64_t confirmed_at_us;
    const char *server;     /* the server that the news are from: identity of struct db_conn */
    const char *unreliable; /* NULL, or why changes may go unreported: then nothing may be kept in
                               memory. All news say so for as long as it is so */
};

/* Called from the loop, also when nothing has changed. It may not finish the feed. */
typedef void db_change_feed_news_fn(struct db_change_feed *feed,
                                    const struct db_change_feed_news *news);

/* The connection went down after there were news from it. Until there are news again, nobody knows which
 * server is the right one. It may not finish the feed. */
typedef void db_change_feed_lost_fn(struct db_change_feed *feed);

/* Written by the thread of the feed, read by any. */
struct db_change_feed_stats {
    struct counter connections[DB_CONN_NSTATES]; /* 1 in the state of its connection */
    struct counter is_up;                        /* it has read since its connection came up */
    struct counter is_unreliable;                /* the last news said so */
    struct counter reads, changes;               /* changes: keys that were reported */
    struct counter everything;                   /* news that said so */
    struct counter confirmed_at_us;              /* of the last news; 0 before the first */
};

struct db_change_feed_config {
    struct loop *loop;
    const struct db_conninfo *conninfo; /* outlives the feed */
    unsigned max_stale_ms;
    unsigned notify_test_ms; /* from one notify test to the next; 0: 5 s */
    db_change_feed_news_fn *on_news;
    db_change_feed_lost_fn *on_lost;    /* may be NULL */
    db_event_fn *on_event;              /* may be NULL; see db/reporter.h */
    struct db_change_feed_stats *stats; /* zeroed; of the caller, and outlives the feed */
};

/* Embed it; all is private. */
struct db_change_feed {
    struct db_change_feed_config _config;
    struct db_conn_env _env;
    struct db_conn _conn;
    struct db_reporter _reporter;
    unsigned _running; /* the statement that the connection runs while it is BUSY */
    char *_position;   /* the log's own text; "" before the first read */
    bool _is_read_due;
    uint64_t _read_at_us; /* the last read was sent */
    struct timer _poll;   /* the next read */
    enum { DB_NOTIFY_TEST_PAUSES, DB_NOTIFY_TEST_IS_DUE, DB_NOTIFY_TEST_IS_OUT } _notify_test;
    struct timer _notify_test_timer; /* the end of the pause, or the time limit of a test */
    unsigned _reads_since_test;      /* that were answered since the test went out */
    char _token[32];                 /* the payload of its notify tests */
};

/* Connecting begins in the next turn of the loop, and goes on for ever. */
void db_change_feed_init(struct db_change_feed *feed, const struct db_change_feed_config *config);

/* Calls nobody back; not from a callback of the feed. */
void db_change_feed_finish(struct db_change_feed *feed);

#endif
