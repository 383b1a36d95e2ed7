/* From the waiting lists to `done`:
 *
 *     [end of the turn] on_turn --> serve: an idle connection takes a batch
 *         --> [its answer] on_answer --> split --> done, done, done ...
 *                                    \-> fail --> retry_alone --> on_turn ... */
#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/clock.h"
#include "db/batch.h"
#include "db/pool_private.h"

/* Connections that may be lost under a query before it fails: the next one may be as dead as the first
 * and not be known to be. Enough to get past two, too few for one query to bring the server down for
 * long. */
enum { MAX_LOSSES = 2 };

static void serve(struct db_slot *slot);
static struct db_query *oldest_for(const struct db_slot *slot);
static struct db_query *oldest_in(const struct db_pool *pool, enum db_lane lane);
static void send_batch(struct db_slot *slot, bool is_alone);
static void take(struct db_slot *slot, struct db_query *q);
static void end_preparation(struct db_slot *slot, const PGresult *result);
static bool is_late(const PGresult *result);
static void split(struct db_slot *slot, h2o_linklist_t *queries, const PGresult *result);
static void fail(struct db_slot *slot, h2o_linklist_t *queries, const PGresult *result);
static void wait_again(struct db_query *q);
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
        if (db_dispatch_prepare(slot, slot->statement))
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
    uint64_t id = htobe64((uint64_t)first->id);
    struct db_conn_param param = {.value = first->nparams > 0 ? first->params[0].value : NULL};
    if (db_statements[slot->statement].streamed)
        param = (struct db_conn_param){(const char *)&id, sizeof(id), true};
    db_conn_send(&slot->conn, slot->statement, param);
}

/* Of the first lane that it serves and that has any: where one connection serves both, the article goes
 * first. */
static struct db_query *oldest_for(const struct db_slot *slot)
{
    for (enum db_lane lane = 0; lane < DB_NLANES; lane++) {
        bool is_ours = lane == slot->home || !db_pool_is_lane_up(slot->pool, lane);
        struct db_query *oldest = is_ours ? oldest_in(slot->pool, lane) : NULL;
        if (oldest != NULL)
            return oldest;
    }
    return NULL;
}

static struct db_query *oldest_in(const struct db_pool *pool, enum db_lane lane)
{
    struct db_query *oldest = NULL;
    for (size_t i = 0; i < DB_NSTATEMENTS; i++) {
        const h2o_linklist_t *list = &pool->waiting[i];
        if (db_statements[i].lane != lane || list->next == list)
            continue;
        struct db_query *q = db_first_query(list);
        if (oldest == NULL || q->_waiting_since < oldest->_waiting_since)
            oldest = q;
    }
    return oldest;
}

/* All that waits for the statement, as far as it fits; or one id alone, for every query that wants it
 * and must go alone too. */
static void send_batch(struct db_slot *slot, bool is_alone)
{
    h2o_linklist_t *list = &slot->pool->waiting[slot->statement];
    struct db_batch batch = {0};

    for (h2o_linklist_t *link = list->next, *next; link != list; link = next) {
        struct db_query *q = container_of(link, struct db_query, _link);
        next = link->next;
        if (q->_is_alone != is_alone)
            break; /* those that go alone are in front */
        if (is_alone && batch.n > 0 && q->id != batch.id[0])
            continue;
        if (!db_batch_add(&batch, q->id))
            break;
        take(slot, q);
    }

    char wire[DB_BATCH_MAX_BYTES];
    int length = db_batch_encode(&batch, wire);
    slot->nids = batch.n;
    histogram_add(&slot->pool->stats->batch_ids[slot->statement], &db_batch_bounds, batch.n);
    db_conn_send(&slot->conn, slot->statement,
                 (struct db_conn_param){.value = wire, .length = length, .is_binary = true});
}

/* From the waiting list to the batch of a connection. */
static void take(struct db_slot *slot, struct db_query *q)
{
    if (!q->_is_alone && q->_losses == 0) /* not once more for a retry */
        histogram_add(&slot->pool->stats->wait_us, &db_wait_bounds_us,
                      clock_us() - q->_waiting_since);
    db_pool_unlink(q);
    q->_place = DB_QUERY_SENT;
    h2o_linklist_insert(&slot->batch, &q->_link);
}

bool db_dispatch_prepare(struct db_slot *slot, enum db_statement statement)
{
    slot->statement = statement;
    slot->is_preparing = db_conn_prepare(&slot->conn, statement);
    return slot->is_preparing;
}

void db_dispatch_on_answer(struct db_conn *conn, const PGresult *result)
{
    struct db_slot *slot = container_of(conn, struct db_slot, conn);
    h2o_linklist_t queries;
    h2o_linklist_init_anchor(&queries);
    h2o_linklist_insert_list(&queries, &slot->batch);

    if (slot->is_preparing)
        end_preparation(slot, result);
    else if (PQresultStatus(result) == PGRES_TUPLES_OK)
        split(slot, &queries, result);
    else
        fail(slot, &queries, result);
}

/* Who waits for a statement that can't be prepared now need not wait for the next attempt. */
static void end_preparation(struct db_slot *slot, const PGresult *result)
{
    slot->is_preparing = false;
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        db_dispatch_end_all(&slot->pool->waiting[slot->statement],
                            is_late(result) ? DB_TIMEOUT : DB_FAILED,
                            PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    timer_start(&slot->pool->turn, 0);
}

/* Did the server give up at its statement_timeout? (Or an operator cancelled it.) */
static bool is_late(const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return sqlstate != NULL && strcmp(sqlstate, "57014") == 0;
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
        if (db_statements[q->statement].streamed) {
            int row = 0;
            for (; row < own.nrows && !h2o_linklist_is_empty(queries); row++) {
                q->row = row;
                q->nrows = 1;
                q->on_row(q);
            }
            if (h2o_linklist_is_empty(queries))
                continue;
            q->result = NULL;
        }
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
        db_dispatch_on_loss(queries, message);
    else if (is_late(result)) /* no time is left for another try */
        db_dispatch_end_all(queries, DB_TIMEOUT, message);
    else if (may_be_a_row)
        db_dispatch_retry_alone(queries);
    else
        db_dispatch_end_all(queries, DB_FAILED, message);
    timer_start(&slot->pool->turn, 0);
    if (is_stale)
        db_conn_reset(&slot->conn);
}

void db_dispatch_retry_alone(h2o_linklist_t *queries)
{
    while (!h2o_linklist_is_empty(queries)) {
        struct db_query *q = container_of(queries->prev, struct db_query, _link);
        q->_is_alone = true;
        wait_again(q);
    }
}

/* The first time they may share a command again, since mostly it is the server that went away; from
 * the second time on each id goes alone, since one of them may be what kills the connection. */
void db_dispatch_on_loss(h2o_linklist_t *queries, const char *why)
{
    h2o_linklist_t again;
    h2o_linklist_init_anchor(&again);
    while (!h2o_linklist_is_empty(queries)) {
        struct db_query *q = db_first_query(queries);
        if (q->_losses == MAX_LOSSES) {
            db_dispatch_end(q, DB_UNAVAILABLE, why);
            continue;
        }
        q->_losses++;
        q->_is_alone = q->_is_alone || q->_losses > 1;
        h2o_linklist_unlink(&q->_link);
        h2o_linklist_insert(&again, &q->_link);
    }
    while (!h2o_linklist_is_empty(&again))
        wait_again(container_of(again.prev, struct db_query, _link));
}

/* To the head of the waiting list; behind those that go alone, unless it is one of them. */
static void wait_again(struct db_query *q)
{
    h2o_linklist_t *list = &q->_pool->waiting[q->statement], *before = list->next;
    while (!q->_is_alone && before != list &&
           container_of(before, struct db_query, _link)->_is_alone)
        before = before->next;
    db_pool_unlink(q);
    db_pool_enqueue(q, before);
    counter_add(&q->_pool->stats->retries, 1);
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
    bool has_waiting[DB_NLANES] = {false};
    for (size_t i = 0; i < DB_NSTATEMENTS; i++) {
        if (pool->waiting[i].next != &pool->waiting[i])
            has_waiting[db_statements[i].lane] = true;
    }
    for (size_t i = 0; i < pool->nslots; i++) {
        const struct db_slot *slot = &pool->slots[i];
        if (slot->batch.next != &slot->batch && slot->conn.state != DB_CONN_BUSY)
            return false;
    }
    size_t n = 0;
    for (enum db_lane lane = 0; lane < DB_NLANES; lane++) {
        if (has_waiting[lane] != (pool->nwaiting[lane] > 0))
            return false;
        n += pool->nwaiting[lane];
    }
    return counter_get(&pool->stats->waiting) == n;
}
