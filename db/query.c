/* The two functions that the rest of the program sees of the pool. They stand alone in this file, so
 * that a test can put two of its own in their place. */
#include "db/query.h"

#include <assert.h>

#include "db/pool_private.h"

static void on_deadline(h2o_timeout_entry_t *entry);

void db_query_start(struct db_pool *pool, struct db_query *q)
{
    assert(q->_place == DB_QUERY_NOWHERE);
    q->_pool = pool;
    q->_is_alone = false;
    q->_losses = 0;
    q->_waiting_since = monotonic_us();
    q->_deadline.cb = on_deadline;
    h2o_timeout_link(pool->config.loop, &pool->deadline, &q->_deadline);

    bool is_away = !db_pool_has_hope(pool);
    if (is_away || pool->nwaiting[db_statements[q->statement].lane] >= pool->config.max_waiting) {
        q->error = is_away ? DB_UNAVAILABLE : DB_BUSY;
        q->_place = DB_QUERY_REFUSED;
        h2o_linklist_insert(&pool->refused, &q->_link);
    } else {
        db_pool_enqueue(q, &pool->waiting[q->statement]);
    }
    timer_start(&pool->turn, 0);
}

void db_query_cancel(struct db_query *q)
{
    if (q->_place == DB_QUERY_NOWHERE)
        return;
    db_pool_unlink(q);
    h2o_timeout_unlink(&q->_deadline);
}

static void on_deadline(h2o_timeout_entry_t *entry)
{
    db_dispatch_end(container_of(entry, struct db_query, _deadline), DB_TIMEOUT, NULL);
}
