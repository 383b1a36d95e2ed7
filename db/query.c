/* The two functions that handlers call. They are alone in this file, so that a test can link two of its
 * own instead. */
#include "db/query.h"

#include "db/pool.h"
#include "db/queue.h"

void db_query_start(struct db_pool *pool, struct db_query *q)
{
    db_queue_start(db_pool_queue(pool), q, db_pool_may_serve(pool));
}

void db_query_cancel(struct db_query *q)
{
    db_queue_cancel(q);
}
