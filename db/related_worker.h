/* db/related_worker.h - the work that changes of articles make necessary in the database: it makes related
 * lists from the queue that the database keeps, and trims the change log.
 *
 * Every process may run a worker: the queue gives each article to one of them, and work that is
 * interrupted stays in the queue. It makes one call at a time. A pause follows each call, half as long
 * (at most a quarter of a second), so that the readers have the database for themselves for a third of the
 * time. An article that is published now goes before the backlog, and waits for the call under way and
 * its pause. So a call takes one to eight articles, and should take 40 ms.
 *
 *     up, woken, or a second later --> related_work --> pause --> ... --> 0: nothing is left
 *
 * An article that makes PostgreSQL fail is reported to on_failed; the database tries it again later and
 * later. A call that fails as a whole (a lock, a timeout) is made again with one article, after 1 s at
 * first and 30 s at most. A connection that can't write is dropped: its server is not the primary. */
#ifndef DB_RELATED_WORKER_H
#define DB_RELATED_WORKER_H

#include "base/counter.h"
#include "db/conn.h"
#include "db/reporter.h"

/* Written by the worker's thread, read by any. */
struct db_related_worker_stats {
    struct counter connections[DB_CONN_NSTATES]; /* 1 in the state of its connection */
    struct counter calls, failures;              /* of related_work and change_log_trim */
    struct counter articles;                     /* taken from the queue and done */
    struct counter failed_articles;              /* each failure of an article counts */
    struct counter trimmed;                      /* rows of the change log */
};

/* An article made PostgreSQL fail. reason: the words of PostgreSQL, or ""; lent. It may not finish the
 * worker. */
typedef void db_related_failed_fn(int64_t article_id, const char *reason);

struct db_related_worker_config {
    struct loop *loop;
    const struct db_conninfo *conninfo; /* outlives the worker */
    unsigned call_ms;                   /* how long a call should take; 0: 40 */
    unsigned trim_ms;                   /* from one trimming to the next; 0: a minute */
    const char *keep;      /* how much of the change log is kept: an interval; NULL: 10 minutes */
    db_event_fn *on_event; /* may be NULL; see db/reporter.h */
    db_related_failed_fn *on_failed;       /* may be NULL */
    struct db_related_worker_stats *stats; /* zeroed; of the caller, and outlives the worker */
};

/* Embed it; all is private. */
struct db_related_worker {
    struct db_related_worker_config _config;
    struct db_conn_env _env;
    struct db_conn _conn;
    struct db_reporter _reporter;
    unsigned _running; /* the statement that the connection runs while it is BUSY */
    uint64_t _sent_at_us;
    enum { DB_WORK_WAITS, DB_WORK_PAUSES, DB_WORK_IS_DUE } _work;
    struct timer _work_timer; /* ends the wait and the pause */
    bool _is_woken;           /* since the last call was sent */
    int _batch;               /* articles that the next call may take */
    unsigned _nfailures;      /* calls of related_work that failed in a row */
    bool _is_trim_due;
    struct timer _trim_timer;
};

/* Connecting begins in the next turn of the loop, and goes on for ever. */
void db_related_worker_init(struct db_related_worker *worker,
                            const struct db_related_worker_config *config);

/* Calls nobody back; not from on_event or on_failed. */
void db_related_worker_finish(struct db_related_worker *worker);

/* Something has changed: looks at the queue soon. */
void db_related_worker_wake(struct db_related_worker *worker);

/* The server that the change feed follows; NULL: any. As db_pool_follow(). May call on_event. */
void db_related_worker_follow(struct db_related_worker *worker, const char *identity);

/* The pause after so many calls that failed in a row. A function of its own for the tests. */
unsigned db_related_worker_pause_ms(unsigned nfailures);

#endif
