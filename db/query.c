/* The two functions that the rest of the program sees of the pool. They stand alone in this file, so
 * that a test can put two of its own in their place. */
#include "db/query.h"

#include <assert.h>

#include "base/clock.h"
#include "db/pool_private.h"

static timer_fn on_deadline;

void db_query_start(struct db_pool *pool, struct db_query *q)
{
    assert(q->_place == DB_QUERY_NOWHERE);
    q->_pool = pool;
    q->_is_alone = false;
    q->_losses = 0;
    q->_waiting_since = clock_us();
    timer_init(&q->_deadline, pool->config.loop, on_deadline);
    timer_start(&q->_deadline, pool->config.deadline_ms);

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
    timer_stop(&q->_deadline);
}

static void on_deadline(struct timer *deadline)
{
    db_dispatch_end(container_of(deadline, struct db_query, _deadline), DB_TIMEOUT, NULL);
}
