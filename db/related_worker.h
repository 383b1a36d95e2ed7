/* db/related_worker.h - what has to be done in the database once articles have changed: their related
 * lists are computed, from the queue that the database keeps, the JSON of lists is written where it
 * is stale, and the change log is trimmed.
 *
 * Every process may run one: the queue gives each article to one of them, and what dies half way is
 * in the queue as before. One call at a time, each followed by a rest of half its length (a quarter
 * of a second at most), so that a backlog leaves a third of the time to the readers alone. What is
 * published meanwhile comes before the backlog, and waits for the call under way and its rest: so
 * a call takes one to eight articles, and 40 ms as a goal.
 *
 *     up, poked, or a second later --> related_refresh --> rest --> ... --> 0: nothing is left
 *
 * A call that fails (a lock, a timeout) is made again after a second, with one article. */
#ifndef DB_RELATED_WORKER_H
#define DB_RELATED_WORKER_H

#include "base/counter.h"
#include "db/conn.h"
#include "db/reporter.h"

struct db_related_worker;

/* Written by the related_worker's thread, read by any. */
struct db_related_worker_stats {
    struct counter connections[DB_CONN_NSTATES]; /* 1 in the state of its connection */
    struct counter calls, failures;              /* of related_refresh and change_log_trim */
    struct counter articles;                     /* read, or whose lists were made, or written */
    struct counter trimmed;                      /* rows of the change log */
};

struct db_related_worker_config {
    struct loop *loop;
    const struct db_conninfo *conninfo; /* outlives the related_worker */
    unsigned call_ms;                   /* of a call, as a goal; 0: 40 */
    unsigned trim_ms;                   /* from one trimming to the next; 0: a minute */
    const char *keep;      /* how much of the change log: an interval; NULL: 10 minutes */
    db_event_fn *on_event; /* may be NULL */
    /* An article made PostgreSQL fail, and is tried again later; may be NULL. */
    void (*on_failed)(struct db_related_worker *related_worker, int64_t article,
                      const char *reason);
    struct db_related_worker_stats
        *stats; /* zeroed; the caller's, and outlives the related_worker */
};

/* Embed it; all is private. */
struct db_related_worker {
    struct db_related_worker_config _config;
    struct db_conn_env _env;
    struct db_conn _conn;
    struct db_reporter _teller;
    enum db_statement _running; /* what the connection runs while it is BUSY */
    uint64_t _sent_at_us;
    enum { DB_REFRESH_WAITS, DB_REFRESH_RESTS, DB_REFRESH_IS_DUE } _refresh;
    struct timer _refresh_timer; /* ends the waiting and the rest */
    bool _is_woken;              /* since the last call was sent */
    int _batch;                  /* articles that the next call may take */
    bool _is_trim_due;
    struct timer _trim_timer;
};

/* Connecting begins in the next turn of the loop and goes on for ever. */
void db_related_worker_init(struct db_related_worker *related_worker,
                            const struct db_related_worker_config *config);
void db_related_worker_finish(
    struct db_related_worker *related_worker); /* calls nobody back; not from on_event */

/* Something has changed: looks at the queue soon. */
void db_related_worker_wake(struct db_related_worker *related_worker);

#endif
