/* db/pool_private.h - what the parts of the pool share: query.c puts queries on the lists, dispatch.c
 * takes them through a command to their end, pool.c keeps the connections. Not for others. */
#ifndef DB_POOL_PRIVATE_H
#define DB_POOL_PRIVATE_H

#include "base/container_of.h"
#include "base/timer.h"
#include "db/conn.h"
#include "db/pool.h"

/* A connection and what it runs. */
struct db_slot {
    struct db_conn conn;
    struct db_pool *pool;
    enum db_lane home;
    bool has_been_up;
    bool is_hopeful;   /* its first attempt, or its first since a loss, has not ended yet */
    char told[256];    /* the last reason of a failed attempt that on_event was told */
    bool is_preparing; /* `statement`, and no batch is under way */
    enum db_statement statement; /* of the batch */
    size_t nids;          /* that its command asks for; 0 where the statement is not batched */
    h2o_linklist_t batch; /* the queries that it answers, less those that have ended since */
};

struct db_pool {
    struct db_pool_config config;
    struct db_conn_env env;
    h2o_linklist_t waiting[DB_NSTATEMENTS]; /* in the order of their start, retries in front */
    size_t nwaiting[DB_NLANES];
    h2o_linklist_t refused; /* their `done` is called at the end of the turn */
    struct timer turn;      /* runs out at the end of a turn that left something to do */
    struct timer grace;     /* runs while no connection is up and there is hope */
    const char *why_down;
    struct db_pool_stats *stats;
    size_t nslots;
    struct db_slot slots[];
};

static inline struct db_query *db_first_query(const h2o_linklist_t *list)
{
    return container_of(list->next, struct db_query, _link);
}

/* On to the waiting list of its statement, before that link; and off whatever list it is on. Its
 * deadline runs on. */
void db_pool_enqueue(struct db_query *q, h2o_linklist_t *before);
void db_pool_unlink(struct db_query *q);

/* Is a connection up: any, or one that is home to the lane? */
bool db_pool_is_up(const struct db_pool *pool);
bool db_pool_is_lane_up(const struct db_pool *pool, enum db_lane lane);

/* Is there a connection, or hope for one at once? */
bool db_pool_has_hope(struct db_pool *pool);

/* dispatch.c */
timer_fn db_dispatch_on_turn;
db_conn_answer_fn db_dispatch_on_answer;

/* db_conn_prepare(), whose answer db_dispatch_on_answer() takes. */
bool db_dispatch_prepare(struct db_slot *slot, enum db_statement statement);

/* Queries that shared a command that failed go back to the head of the waiting list, in the old order,
 * each id to be sent alone. */
void db_dispatch_retry_alone(h2o_linklist_t *queries);

/* Queries that lost their connection go back likewise; those that have lost too many end. why: see
 * db_query.message. */
void db_dispatch_on_loss(h2o_linklist_t *queries, const char *why);

/* The only way to `done`. The query may be gone afterwards. */
void db_dispatch_end(struct db_query *q, enum db_error error, const char *message);
void db_dispatch_end_all(h2o_linklist_t *queries, enum db_error error, const char *message);

#endif
