/* From the waiting lists to `done`:
 *
 *     [end of the turn] on_turn --> serve: an idle connection takes a batch
 *         --> [its answer] on_answer --> split --> done, done, done ...
 *                                    \-> fail --> retry_alone --> on_turn ... */
#include <assert.h>
#include <string.h>

#include "db/batch.h"
#include "db/pool_private.h"

/* Connections that may be lost under a query before it fails: the next one may be as dead as the first
 * and not be known to be. Enough to get past two, too few for one query to bring the server down for
 * long. */
enum { MAX_LOSSES = 2 };

static void serve(struct db_slot *slot);
static struct db_query *oldest_for(const struct db_slot *slot);
static void send_batch(struct db_slot *slot, bool is_alone);
static void take(struct db_slot *slot, struct db_query *q);
static void split(struct db_slot *slot, h2o_linklist_t *queries, const PGresult *result);
static void fail(struct db_slot *slot, h2o_linklist_t *queries, const PGresult *result);
static bool is_consistent(const struct db_pool *pool);

void db_dispatch_on_turn(struct timer *turn)
{
    struct db_pool *pool = container_of(turn, struct db_pool, turn);
    assert(is_consistent(pool));

    for (size_t i = 0; i < pool->nslots; i++) {
        if (pool->slots[i].conn.state == DB_CONN_IDLE)
            serve(&pool->slots[i]);
    }
    while (!h2o_linklist_is_empty(&pool->refused)) {
        struct db_query *q = db_first_query(&pool->refused);
        db_dispatch_end(q, q->error, NULL);
    }
}

/* Gives an idle connection the work that has waited longest among what it may do. A statement that it
 * lacks is prepared first; where that fails now, all that waits for it ends. */
static void serve(struct db_slot *slot)
{
    struct db_query *first;
    for (;;) {
        first = oldest_for(slot);
        if (first == NULL)
            return;
        slot->statement = first->statement;
        slot->nids = 0;
        if (db_conn_has(&slot->conn, slot->statement))
            break;
        if (db_conn_prepare(&slot->conn, slot->statement))
            return;
        db_dispatch_end_all(
            &slot->pool->waiting[slot->statement], DB_FAILED,
            "the statement could not be prepared: its tables are missing or changed");
        if (slot->conn.state != DB_CONN_IDLE)
            return;
    }
    if (db_statements[first->statement].batched) {
        send_batch(slot, first->_is_alone);
        return;
    }
    take(slot, first);
    db_conn_send(&slot->conn, slot->statement, (struct db_conn_param){.value = first->param});
}

static struct db_query *oldest_for(const struct db_slot *slot)
{
    const struct db_pool *pool = slot->pool;
    struct db_query *oldest = NULL;
    for (size_t i = 0; i < DB_NSTATEMENTS; i++) {
        const h2o_linklist_t *list = &pool->waiting[i];
        if (list->next == list)
            continue;
        struct db_query *q = db_first_query(list);
        enum db_lane lane = db_statements[i].lane;
        if ((lane == slot->home || !db_pool_is_lane_up(pool, lane)) &&
            (oldest == NULL || q->_waiting_since < oldest->_waiting_since))
            oldest = q;
    }
    return oldest;
}

/* Everything that waits for the statement, or one query alone. */
static void send_batch(struct db_slot *slot, bool is_alone)
{
    struct db_pool *pool = slot->pool;
    h2o_linklist_t *list = &pool->waiting[slot->statement];
    struct db_batch batch = {0};

    do {
        struct db_query *q = db_first_query(list);
        if (!db_batch_add(&batch, q->id))
            break;
        take(slot, q);
    } while (!is_alone && !h2o_linklist_is_empty(list));

    char wire[DB_BATCH_MAX_BYTES];
    int length = db_batch_encode(&batch, wire);
    slot->nids = batch.n;
    histogram_add(&pool->stats->batch_ids[slot->statement], &db_batch_bounds, batch.n);
    db_conn_send(&slot->conn, slot->statement,
                 (struct db_conn_param){.value = wire, .length = length, .is_binary = true});
}

/* From the waiting list to the batch of a connection. */
static void take(struct db_slot *slot, struct db_query *q)
{
    histogram_add(&slot->pool->stats->wait_us, &db_wait_bounds_us,
                  monotonic_us() - q->_waiting_since);
    db_pool_unlink(q);
    q->_place = DB_QUERY_SENT;
    h2o_linklist_insert(&slot->batch, &q->_link);
}

void db_dispatch_on_answer(struct db_conn *conn, const PGresult *result)
{
    struct db_slot *slot = container_of(conn, struct db_slot, conn);
    h2o_linklist_t queries;
    h2o_linklist_init_anchor(&queries);
    h2o_linklist_insert_list(&queries, &slot->batch);

    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        split(slot, &queries, result);
    else if (PQresultStatus(result) == PGRES_COMMAND_OK) /* prepared */
        serve(slot);
    else
        fail(slot, &queries, result);
}

/* Gives every query its rows; before that, the connection its next work, so that the server is not
 * idle while this answer is taken apart. A `done` may start and cancel queries, of this list too. */
static void split(struct db_slot *slot, h2o_linklist_t *queries, const PGresult *result)
{
    bool is_batch = slot->nids > 0;
    serve(slot);

    struct db_batch_rows rows;
    if (is_batch)
        db_batch_rows_read(&rows, result);
    while (!h2o_linklist_is_empty(queries)) {
        struct db_query *q = db_first_query(queries);
        struct db_id_rows own = is_batch ? db_batch_rows_find(&rows, q->id)
                                         : (struct db_id_rows){.nrows = PQntuples(result)};
        q->result = result;
        q->row = own.row;
        q->nrows = own.nrows;
        db_dispatch_end(q, DB_OK, NULL);
    }
}

/* The server answered with an error. */
static void fail(struct db_slot *slot, h2o_linklist_t *queries, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (sqlstate == NULL)
        sqlstate = "";
    /* The tables changed so far that a prepared statement is of no use any more, or a pooler between
     * has lost it: a new connection prepares it anew. */
    bool is_stale = strcmp(sqlstate, "0A000") == 0 || strcmp(sqlstate, "26000") == 0;

    /* The fault may lie with one row of a batch; with the statement itself (42) or with the server's
     * means (53) it does not. */
    bool may_be_a_row =
        slot->nids > 1 && strncmp(sqlstate, "42", 2) != 0 && strncmp(sqlstate, "53", 2) != 0;

    if (is_stale)
        db_dispatch_on_loss(slot->pool, queries, message);
    else if (strcmp(sqlstate, "57014") ==
             0) /* statement_timeout: no time is left for another try */
        db_dispatch_end_all(queries, DB_TIMEOUT, message);
    else if (may_be_a_row)
        db_dispatch_retry_alone(slot->pool, queries);
    else
        db_dispatch_end_all(queries, DB_FAILED, message);
    timer_start(&slot->pool->turn, 0);
    if (is_stale)
        db_conn_reset(&slot->conn);
}

void db_dispatch_retry_alone(struct db_pool *pool, h2o_linklist_t *queries)
{
    while (!h2o_linklist_is_empty(queries)) {
        struct db_query *q = container_of(queries->prev, struct db_query, _link);
        db_pool_unlink(q);
        q->_is_alone = true;
        q->_place = DB_QUERY_WAITING;
        h2o_linklist_insert(pool->waiting[q->statement].next, &q->_link);
        counter_set(&pool->stats->waiting, ++pool->nwaiting);
        counter_add(&pool->stats->retries, 1);
    }
}

void db_dispatch_on_loss(struct db_pool *pool, h2o_linklist_t *queries, const char *why)
{
    h2o_linklist_t again;
    h2o_linklist_init_anchor(&again);
    while (!h2o_linklist_is_empty(queries)) {
        struct db_query *q = db_first_query(queries);
        if (q->_losses++ == MAX_LOSSES) {
            db_dispatch_end(q, DB_UNAVAILABLE, why);
            continue;
        }
        h2o_linklist_unlink(&q->_link);
        h2o_linklist_insert(&again, &q->_link);
    }
    db_dispatch_retry_alone(pool, &again);
}

void db_dispatch_end(struct db_query *q, enum db_error error, const char *message)
{
    db_query_cancel(q);
    counter_add(&q->_pool->stats->queries[q->statement][error], 1);
    q->error = error;
    q->message = message;
    if (error != DB_OK) {
        q->result = NULL;
        q->row = q->nrows = 0;
    }
    q->done(q);
}

void db_dispatch_end_all(h2o_linklist_t *queries, enum db_error error, const char *message)
{
    while (!h2o_linklist_is_empty(queries))
        db_dispatch_end(db_first_query(queries), error, message);
}

/* What must hold between two events; cheap, since every turn asserts it. */
static bool is_consistent(const struct db_pool *pool)
{
    bool is_empty = true;
    for (size_t i = 0; i < DB_NSTATEMENTS; i++)
        is_empty = is_empty && pool->waiting[i].next == &pool->waiting[i];
    for (size_t i = 0; i < pool->nslots; i++) {
        const struct db_slot *slot = &pool->slots[i];
        if (slot->batch.next != &slot->batch && slot->conn.state != DB_CONN_BUSY)
            return false;
    }
    return is_empty == (pool->nwaiting == 0) &&
           counter_get(&pool->stats->waiting) == pool->nwaiting;
}
