/* db/pool_stats.h - the numbers that a pool counts. */
#ifndef DB_POOL_STATS_H
#define DB_POOL_STATS_H

#include "base/counter.h"
#include "db/conn.h"
#include "db/error.h"
#include "db/statements.h"

/* Written by the pool's thread, read by any. */
struct db_pool_stats {
    struct counter connections[DB_CONN_NSTATES]; /* how many are in each state now */
    struct counter waiting;                      /* queries, now */
    struct counter reconnects;                   /* connections that came up again after a loss */
    struct counter queries[DB_NSTATEMENTS][DB_FAILED + 1]; /* ended, by statement and error */
    struct counter retries;                                /* queries that were run again */
    struct histogram batch_ids[DB_NSTATEMENTS]; /* ids of a command, in db_batch_bounds */
    struct histogram wait_us;                   /* from start to sent, in db_wait_bounds_us */
};
extern const struct histogram_bounds db_batch_bounds, db_wait_bounds_us;

#endif
