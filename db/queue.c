#include "db/queue.h"

#include <assert.h>

#include "base/clock.h"
#include "base/container_of.h"

/* A query fails with the connection that it loses after this many. The next connection may be dead too, before
 * anything shows it: two retries are enough for that. More retries would let a query that makes the server fail
 * do that for longer. */
enum { MAX_LOSSES = 2 };

static timer_fn on_deadline;
static void enqueue(struct db_query *q, h2o_linklist_t *before);
static void remove_from_list(struct db_query *q);
static void wait_again(struct db_query *q);

static enum db_group group_of(const struct db_query *q)
{
    return db_statements[q->statement].group;
}

void db_queue_init(struct db_queue *queue, struct loop *loop, unsigned deadline_ms,
                   unsigned max_waiting, struct db_pool_stats *stats, timer_fn *on_turn)
{
    *queue = (struct db_queue){
        ._loop = loop, ._deadline_ms = deadline_ms, ._max_waiting = max_waiting, ._stats = stats};
    for (size_t i = 0; i < DB_NSTATEMENTS; i++)
        h2o_linklist_init_anchor(&queue->_waiting[i]);
    h2o_linklist_init_anchor(&queue->_refused);
    timer_init(&queue->turn, loop, on_turn);
}

void db_queue_finish(struct db_queue *queue)
{
    timer_finish(&queue->turn);
}

void db_queue_start(struct db_queue *queue, struct db_query *q, bool may_be_served)
{
    assert(q->_place == DB_QUERY_NOWHERE && q->statement < DB_NSTATEMENTS && q->done != NULL);
    assert(!db_statements[q->statement].streamed || q->on_row != NULL);
    q->_queue = queue;
    q->_is_alone = false;
    q->_losses = 0;
    q->nrows = 0;
    q->_waiting_since = clock_us();
    timer_init(&q->_deadline, queue->_loop, on_deadline);
    timer_start(&q->_deadline, queue->_deadline_ms);

    if (!may_be_served || queue->_nwaiting[group_of(q)] >= queue->_max_waiting) {
        q->error = may_be_served ? DB_BUSY : DB_UNAVAILABLE;
        q->_place = DB_QUERY_REFUSED;
        h2o_linklist_insert(&queue->_refused, &q->_link);
    } else {
        enqueue(q, &queue->_waiting[q->statement]);
    }
    timer_start(&queue->turn, 0);
}

void db_queue_cancel(struct db_query *q)
{
    if (q->_place == DB_QUERY_NOWHERE)
        return;
    remove_from_list(q);
    timer_stop(&q->_deadline);
}

static void on_deadline(struct timer *deadline)
{
    db_queue_end(container_of(deadline, struct db_query, _deadline), DB_TIMEOUT, NULL);
}

struct db_query *db_queue_oldest(const struct db_queue *queue, enum db_group group)
{
    struct db_query *oldest = NULL;
    for (size_t i = 0; i < DB_NSTATEMENTS; i++) {
        const h2o_linklist_t *list = &queue->_waiting[i];
        if (db_statements[i].group != group || list->next == list)
            continue;
        struct db_query *q = db_query_of_link(list->next);
        if (oldest == NULL || q->_waiting_since < oldest->_waiting_since)
            oldest = q;
    }
    return oldest;
}

h2o_linklist_t *db_queue_waiting(struct db_queue *queue, enum db_statement statement)
{
    return &queue->_waiting[statement];
}

void db_queue_mark_sent(struct db_query *q, h2o_linklist_t *list)
{
    if (!q->_is_alone && q->_losses == 0) /* a retry is not counted again */
        histogram_add(&q->_queue->_stats->wait_us, &db_wait_bounds_us,
                      clock_us() - q->_waiting_since);
    remove_from_list(q);
    q->_place = DB_QUERY_SENT;
    h2o_linklist_insert(list, &q->_link);
}

void db_queue_count_batch(struct db_queue *queue, enum db_statement statement, size_t nids)
{
    histogram_add(&queue->_stats->batch_ids[statement], &db_batch_bounds, nids);
}

void db_queue_retry_alone(h2o_linklist_t *queries)
{
    while (!h2o_linklist_is_empty(queries)) {
        struct db_query *q = db_query_of_link(queries->prev);
        q->_is_alone = true;
        wait_again(q);
    }
}

/* After the first loss they may share a command again, since mostly the server went away. After the
 * second loss each one is sent alone, since one of them may be the reason. */
void db_queue_retry_lost(h2o_linklist_t *queries, const char *why)
{
    h2o_linklist_t again;
    h2o_linklist_init_anchor(&again);
    while (!h2o_linklist_is_empty(queries)) {
        struct db_query *q = db_query_of_link(queries->next);
        if (q->_losses == MAX_LOSSES || q->nrows > 0) {
            db_queue_end(q, DB_UNAVAILABLE, why);
            continue;
        }
        q->_losses++;
        q->_is_alone = q->_is_alone || q->_losses > 1;
        h2o_linklist_unlink(&q->_link);
        h2o_linklist_insert(&again, &q->_link);
    }
    while (!h2o_linklist_is_empty(&again))
        wait_again(db_query_of_link(again.prev));
}

/* To the head of the waiting list. Those that are sent alone stay in front of the others. */
static void wait_again(struct db_query *q)
{
    h2o_linklist_t *list = &q->_queue->_waiting[q->statement], *before = list->next;
    while (!q->_is_alone && before != list && db_query_of_link(before)->_is_alone)
        before = before->next;
    remove_from_list(q);
    enqueue(q, before);
    counter_add(&q->_queue->_stats->retries, 1);
}

static void enqueue(struct db_query *q, h2o_linklist_t *before)
{
    q->_place = DB_QUERY_WAITING;
    h2o_linklist_insert(before, &q->_link);
    q->_queue->_nwaiting[group_of(q)]++;
    counter_add(&q->_queue->_stats->waiting, 1);
}

static void remove_from_list(struct db_query *q)
{
    if (q->_place == DB_QUERY_WAITING) {
        q->_queue->_nwaiting[group_of(q)]--;
        counter_sub(&q->_queue->_stats->waiting, 1);
    }
    h2o_linklist_unlink(&q->_link);
    q->_place = DB_QUERY_NOWHERE;
}

void db_queue_end(struct db_query *q, enum db_error error, const char *message)
{
    bool is_streamed = db_statements[q->statement].streamed;
    db_queue_cancel(q);
    counter_add(&q->_queue->_stats->queries[q->statement][error], 1);
    q->error = error;
    q->message = message;
    if (error != DB_OK || is_streamed) {
        q->result = NULL;
        q->row = 0;
        q->nrows = is_streamed ? q->nrows : 0;
    }
    q->done(q);
}

void db_queue_end_all(h2o_linklist_t *queries, enum db_error error, const char *message)
{
    while (!h2o_linklist_is_empty(queries))
        db_queue_end(db_query_of_link(queries->next), error, message);
}

void db_queue_end_waiting(struct db_queue *queue, enum db_error error, const char *message)
{
    for (size_t i = 0; i < DB_NSTATEMENTS; i++)
        db_queue_end_all(&queue->_waiting[i], error, message);
}

void db_queue_end_refused(struct db_queue *queue)
{
    while (!h2o_linklist_is_empty(&queue->_refused)) {
        struct db_query *q = db_query_of_link(queue->_refused.next);
        db_queue_end(q, q->error, NULL);
    }
}

bool db_queue_is_consistent(const struct db_queue *queue)
{
    bool has_waiting[DB_NGROUPS] = {false};
    for (size_t i = 0; i < DB_NSTATEMENTS; i++) {
        if (queue->_waiting[i].next != &queue->_waiting[i])
            has_waiting[db_statements[i].group] = true;
    }
    size_t n = 0;
    for (size_t group = 0; group < DB_NGROUPS; group++) {
        if (has_waiting[group] != (queue->_nwaiting[group] > 0))
            return false;
        n += queue->_nwaiting[group];
    }
    return counter_get(&queue->_stats->waiting) == n;
}
