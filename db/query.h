/* db/query.h - run one prepared statement, get one answer.
 *
 * Promise: db_query_start() never fails and never calls back before it returns; later the loop calls
 *          q->done exactly once, unless db_query_cancel() comes first: then, never.
 * Thread:  a query, its pool and its callback live on one thread; nothing here locks.
 * Errors:  a full queue, a deadline, a lost server: all of them reach `done`, in q->error.
 * Batches: a statement that is marked as batched (db/statements.h) takes one id a query. Queries that
 *          wait go to the server together, each id once, and each query gets its own rows back. */
#ifndef DB_QUERY_H
#define DB_QUERY_H

#include <h2o.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/timer.h"
#include "db/error.h"
#include "db/statements.h"

struct db_pool;
struct db_query;

typedef void db_query_done_fn(struct db_query *q);
typedef void db_query_row_fn(struct db_query *q);

enum { DB_QUERY_MAX_PARAMS = 4 };

struct db_param {
    const char *value; /* NULL: SQL's NULL */
    int length;        /* bytes, of a binary one */
    bool is_binary;
};

/* Embed it in your own state, zeroed but for the first part. You own it; do not move or free it
 * until `done` has been called or db_query_cancel() has returned. After `done` it may be zeroed and
 * used again. */
struct db_query {
    enum db_statement statement;
    int64_t id; /* batched and streamed statements: the id that is asked for */
    struct db_param params[DB_QUERY_MAX_PARAMS]; /* of other statements; borrowed until done */
    unsigned nparams;
    db_query_row_fn *on_row; /* streamed statements: called for each row, before `done` */
    db_query_done_fn *done;

    enum db_error error;    /* set for `done` */
    const char *message;    /* set for `done`: what the server said of an error, or NULL; lent */
    const PGresult *result; /* set for `done`, NULL on an error; lent for its length */
    int row, nrows;         /* set for `done`: which rows of `result` are yours */

    struct db_pool *_pool; /* private to db/, like all that follows */
    enum { DB_QUERY_NOWHERE, DB_QUERY_WAITING, DB_QUERY_SENT, DB_QUERY_REFUSED } _place;
    bool _is_alone;          /* was part of what failed: it goes alone now, and an error is final */
    unsigned char _losses;   /* connections that were lost under it */
    uint64_t _waiting_since; /* microseconds of clock_us() */
    h2o_linklist_t _link;    /* on the list that _place names */
    struct timer _deadline;
};

/* The deadline (struct db_pool_config) runs from here, waiting included. */
void db_query_start(struct db_pool *pool, struct db_query *q);

/* Fine in any state: zeroed, waiting, sent, answered. */
void db_query_cancel(struct db_query *q);

#endif
