/* From the queue to the end of a query:
 *
 *     db_slot_serve --> send_batch, send_one --> [the answer] db_slot_on_answer --> share_out --> done ...
 *                                                                              \-> fail --> a retry */
#include "db/slot.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "db/batch.h"

static struct db_query *oldest_in(struct db_queue *queue, unsigned groups);
static bool make_ready(struct db_slot *slot);
static void send_batch(struct db_slot *slot, bool is_alone);
static void send_one(struct db_slot *slot, struct db_query *q);
static bool start_preparing(struct db_slot *slot, enum db_statement statement);
static void end_preparation(struct db_slot *slot, const PGresult *result);
static bool is_late(const PGresult *result);
static void share_out(struct db_slot *slot, h2o_linklist_t *queries, const PGresult *result,
                      unsigned groups);
static void fail(struct db_slot *slot, h2o_linklist_t *queries, const PGresult *result);

void db_slot_init(struct db_slot *slot, const struct db_conn_env *env, struct db_queue *queue,
                  enum db_group group)
{
    *slot = (struct db_slot){.queue = queue, .group = group};
    h2o_linklist_init_anchor(&slot->sent);
    db_conn_init(&slot->conn, env);
}

void db_slot_finish(struct db_slot *slot)
{
    db_conn_finish(&slot->conn);
}

void db_slot_serve(struct db_slot *slot, unsigned groups)
{
    struct db_query *q;
    while (slot->conn.state == DB_CONN_IDLE && (q = oldest_in(slot->queue, groups)) != NULL) {
        slot->statement = q->statement;
        slot->nids = 0;
        if (!make_ready(slot))
            continue;
        if (db_statements[q->statement].batched)
            send_batch(slot, q->_is_alone);
        else
            send_one(slot, q);
    }
}

/* Of the first of these groups in which a query waits. */
static struct db_query *oldest_in(struct db_queue *queue, unsigned groups)
{
    struct db_query *oldest = NULL;
    for (enum db_group group = 0; group < DB_NGROUPS && oldest == NULL; group++) {
        if (groups & (1u << group))
            oldest = db_queue_oldest(queue, group);
    }
    return oldest;
}

/* Is the statement prepared? Where it is not, that begins now. If it failed just before, all queries that
 * wait for it end. */
static bool make_ready(struct db_slot *slot)
{
    if (db_conn_has(&slot->conn, slot->statement))
        return true;
    if (!start_preparing(slot, slot->statement))
        db_queue_end_all(db_queue_waiting(slot->queue, slot->statement), DB_FAILED,
                         "the statement could not be prepared: its tables are missing or changed");
    return false;
}

/* Either all that wait for the statement, as far as they fit. Or one id alone, for every query that asks
 * for it and must be sent alone too. */
static void send_batch(struct db_slot *slot, bool is_alone)
{
    h2o_linklist_t *list = db_queue_waiting(slot->queue, slot->statement);
    struct db_batch batch = {0};

    for (h2o_linklist_t *link = list->next, *next; link != list; link = next) {
        struct db_query *q = db_query_of_link(link);
        next = link->next;
        if (q->_is_alone != is_alone)
            break; /* those that are sent alone are in front */
        if (is_alone && batch.n > 0 && q->id != batch.id[0])
            continue;
        if (!db_batch_add(&batch, q->id))
            break;
        db_queue_mark_sent(q, &slot->sent);
    }

    char wire[DB_BATCH_MAX_BYTES];
    int length = db_batch_encode(&batch, wire);
    slot->nids = batch.n;
    db_queue_count_batch(slot->queue, slot->statement, batch.n);
    db_conn_send(&slot->conn, slot->statement,
                 &(struct db_param){.value = wire, .length = length, .is_binary = true});
}

static void send_one(struct db_slot *slot, struct db_query *q)
{
    uint64_t id = htobe64((uint64_t)q->id);
    bool has_id = db_statements[q->statement].streamed && q->nparams == 0;
    assert(has_id || q->nparams <= DB_QUERY_MAX_PARAMS);
    if (has_id)
        q->params[0] =
            (struct db_param){.value = (const char *)&id, .length = sizeof(id), .is_binary = true};
    db_queue_mark_sent(q, &slot->sent);
    db_conn_send(&slot->conn, slot->statement, q->params);
    if (has_id)
        q->params[0] = (struct db_param){0};
}

void db_slot_prepare_optional(struct db_slot *slot)
{
    for (unsigned i = 0; i < DB_NSTATEMENTS && slot->conn.state == DB_CONN_IDLE; i++) {
        if (db_statements[i].group == slot->group && !db_conn_has(&slot->conn, i))
            start_preparing(slot, i);
    }
}

static bool start_preparing(struct db_slot *slot, enum db_statement statement)
{
    slot->statement = statement;
    slot->is_preparing = db_conn_prepare(&slot->conn, statement);
    return slot->is_preparing;
}

void db_slot_on_row(struct db_slot *slot, const PGresult *result)
{
    if (h2o_linklist_is_empty(&slot->sent))
        return; /* the query was cancelled, or its deadline has passed */
    struct db_query *q = db_query_of_link(slot->sent.next);
    q->result = result;
    q->row = 0;
    q->nrows++;
    q->on_row(q);
}

void db_slot_on_answer(struct db_slot *slot, const PGresult *result, unsigned groups)
{
    h2o_linklist_t queries;
    h2o_linklist_init_anchor(&queries);
    h2o_linklist_insert_list(&queries, &slot->sent);

    if (slot->is_preparing)
        end_preparation(slot, result);
    else if (PQresultStatus(result) == PGRES_TUPLES_OK)
        share_out(slot, &queries, result, groups);
    else
        fail(slot, &queries, result);
}

/* Queries that wait for a statement that can't be prepared need not wait for the next attempt. */
static void end_preparation(struct db_slot *slot, const PGresult *result)
{
    slot->is_preparing = false;
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        db_queue_end_all(db_queue_waiting(slot->queue, slot->statement),
                         is_late(result) ? DB_TIMEOUT : DB_FAILED,
                         PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    timer_start(&slot->queue->turn, 0);
}

/* Did the server give up at its statement_timeout? (Or an operator cancelled the command.) */
static bool is_late(const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return sqlstate != NULL && strcmp(sqlstate, "57014") == 0;
}

/* Gives each query its rows. Before that, the connection gets its next command, so that the server works
 * while this answer is taken apart. A `done` may start and cancel queries, of this list too. */
static void share_out(struct db_slot *slot, h2o_linklist_t *queries, const PGresult *result,
                      unsigned groups)
{
    bool is_batch = slot->nids > 0, is_streamed = db_statements[slot->statement].streamed;
    db_slot_serve(slot, groups);

    struct db_batch_rows rows;
    if (is_batch)
        db_batch_rows_read(&rows, result);
    while (!h2o_linklist_is_empty(queries)) {
        struct db_query *q = db_query_of_link(queries->next);
        struct db_id_rows own = is_batch ? db_batch_rows_find(&rows, q->id)
                                         : (struct db_id_rows){.nrows = PQntuples(result)};
        if (!is_streamed) {
            q->result = result;
            q->row = own.row;
            q->nrows = own.nrows;
        }
        db_queue_end(q, DB_OK, NULL);
    }
}

/* The server answered with an error. */
static void fail(struct db_slot *slot, h2o_linklist_t *queries, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (sqlstate == NULL)
        sqlstate = "";
    /* The tables have changed so much that the prepared statement is of no use, or a pooler has lost it.
     * A new connection prepares it again. */
    bool is_stale = strcmp(sqlstate, "0A000") == 0 || strcmp(sqlstate, "26000") == 0;

    /* One row of a batch may be the reason, but not where the statement itself (42) is wrong or the
     * server lacks means (53). */
    bool may_be_a_row =
        slot->nids > 1 && strncmp(sqlstate, "42", 2) != 0 && strncmp(sqlstate, "53", 2) != 0;

    if (is_stale)
        db_queue_retry_lost(queries, message);
    else if (is_late(result)) /* no time is left for another attempt */
        db_queue_end_all(queries, DB_TIMEOUT, message);
    else if (may_be_a_row)
        db_queue_retry_alone(queries);
    else
        db_queue_end_all(queries, DB_FAILED, message);
    timer_start(&slot->queue->turn, 0);
    if (is_stale)
        db_conn_reset(&slot->conn);
}

void db_slot_on_down(struct db_slot *slot)
{
    slot->is_preparing = false;
    db_queue_retry_lost(&slot->sent, slot->conn.why);
}

bool db_slot_is_consistent(const struct db_slot *slot)
{
    return slot->sent.next == &slot->sent || slot->conn.state == DB_CONN_BUSY;
}
