/* db/query.h - run one prepared statement, get one answer.
 *
 * Promise: db_query_start() never fails and never calls back before it returns. Later the loop calls
 *          q->done exactly once, or never if db_query_cancel() was called first.
 * Thread:  a query, its pool and its callbacks live on one thread; nothing here locks.
 * Errors:  a full queue, a deadline, a lost server: `done` gets all of them, in q->error.
 * Batches: a query with a batched statement (db/statements.h) asks for one id. Queries that wait are sent
 *          together, each id once, and each query gets its own rows.
 * Streams: a query with a streamed statement gets its rows one at a time, as they arrive. It is run again
 *          after a lost connection only while it has had no row. */
#ifndef DB_QUERY_H
#define DB_QUERY_H

#include <h2o.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/timer.h"
#include "db/error.h"
#include "db/statements.h"

enum { DB_QUERY_MAX_PARAMS = 4 };

struct db_pool;
struct db_queue;
struct db_query;

/* A row callback may cancel its own query. */
typedef void db_query_row_fn(struct db_query *q);
typedef void db_query_done_fn(struct db_query *q);

/* Embed it in your own state, zeroed but for the first part. You own it. Do not move or free it until
 * `done` has been called or db_query_cancel() has returned. After `done` it may be zeroed and used again. */
struct db_query {
    enum db_statement statement;
    int64_t
        id; /* of a batched statement, or of a streamed one with one bigint: the id to ask for */
    struct db_param params[DB_QUERY_MAX_PARAMS]; /* of other statements; borrowed until `done` */
    unsigned nparams;
    db_query_row_fn *on_row; /* of a streamed statement: called for each row, in order */
    db_query_done_fn *done;

    enum db_error error; /* set for `done` */
    const char *message; /* set for `done`: the server's words about an error, or NULL; lent */
    const PGresult
        *result;    /* lent for the call: for `done` the result, NULL after an error and for a
                               streamed statement; for on_row a result with this row alone */
    int row, nrows; /* set for `done`: which rows of `result` belong to the query. Of a streamed
                       statement nrows counts the rows so far */

    struct db_queue *_queue; /* all that follows is private to db/ */
    enum { DB_QUERY_NOWHERE, DB_QUERY_WAITING, DB_QUERY_SENT, DB_QUERY_REFUSED } _place;
    bool _is_alone;          /* a command failed that it shared: it is sent alone now */
    unsigned char _losses;   /* connections that were lost while it ran */
    uint64_t _waiting_since; /* clock_us() */
    h2o_linklist_t _link;    /* on the list that _place names */
    struct timer _deadline;
};

/* The deadline (struct db_pool_config) starts now, and includes the time in the queue. */
void db_query_start(struct db_pool *pool, struct db_query *q);

/* Allowed in any state: zeroed, waiting, sent, answered. */
void db_query_cancel(struct db_query *q);

#endif
