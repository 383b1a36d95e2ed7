/* db/queue.h - the queries of a pool: they wait, are handed out, and end. The queue knows no connections.
 *
 *     start --> waiting (a FIFO for each statement) --> sent (on a list of the caller) --> end --> done
 *           \-> refused ------------------------------------------------------------> end --> done
 *
 * Whenever there may be something to do, the timer `turn` runs out at the end of the loop's turn. */
#ifndef DB_QUEUE_H
#define DB_QUEUE_H

#include "base/container_of.h"
#include "base/timer.h"
#include "db/pool_stats.h"
#include "db/query.h"

struct db_queue {
    struct timer turn;

    struct loop *_loop;
    unsigned _deadline_ms, _max_waiting;
    struct db_pool_stats *_stats;
    h2o_linklist_t _waiting[DB_NSTATEMENTS]; /* in the order of their start, retries in front */
    size_t _nwaiting[DB_NGROUPS];
    h2o_linklist_t _refused;
};

/* deadline_ms: of a query, the time in the queue included. max_waiting: in a group; one more query ends
 * with DB_BUSY. stats: of the caller; outlives the queue. on_turn: see `turn`. */
void db_queue_init(struct db_queue *queue, struct loop *loop, unsigned deadline_ms,
                   unsigned max_waiting, struct db_pool_stats *stats, timer_fn *on_turn);
void db_queue_finish(struct db_queue *queue);

/* may_be_served false: no connection is up, and none may come up soon; the query ends with DB_UNAVAILABLE.
 * Never calls back. */
void db_queue_start(struct db_queue *queue, struct db_query *q, bool may_be_served);
void db_queue_cancel(struct db_query *q); /* allowed in any state */

/* The query of the group that has waited longest, or NULL. */
struct db_query *db_queue_oldest(const struct db_queue *queue, enum db_group group);

/* The list of those that wait for a statement; those that must be sent alone are at its head. */
h2o_linklist_t *db_queue_waiting(struct db_queue *queue, enum db_statement statement);

static inline struct db_query *db_query_of_link(h2o_linklist_t *link)
{
    return container_of(link, struct db_query, _link);
}

/* A waiting query goes to the end of `list`: a command asks for it now. */
void db_queue_mark_sent(struct db_query *q, h2o_linklist_t *list);

/* A command asks for so many ids. */
void db_queue_count_batch(struct db_queue *queue, enum db_statement statement, size_t nids);

/* Queries that were sent go back to the head of their waiting lists, in the old order.
 * retry_alone: they shared a command that failed, and one of them may be the reason.
 * retry_lost: they lost their connection. Those that lost too many, or had rows already, end. */
void db_queue_retry_alone(h2o_linklist_t *queries);
void db_queue_retry_lost(h2o_linklist_t *queries, const char *why);

/* The only way to `done`. The query may be gone afterwards. message: see struct db_query. */
void db_queue_end(struct db_query *q, enum db_error error, const char *message);
void db_queue_end_all(h2o_linklist_t *queries, enum db_error error, const char *message);
void db_queue_end_waiting(struct db_queue *queue, enum db_error error, const char *message);
void db_queue_end_refused(struct db_queue *queue);

/* The invariants between two events. The check is cheap: every turn asserts it. */
bool db_queue_is_consistent(const struct db_queue *queue);

#endif
