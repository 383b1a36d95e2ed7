/* db/pool.h - the connections of one event loop, and the queries that wait for them.
 *
 *     db_query_start --> waiting (a FIFO a statement) --> sent (the batch of a connection) --> done
 *
 * At the end of each turn of the loop every idle connection takes what waits: of a batched statement
 * all ids together, up to DB_BATCH_MAX_IDS, each once; of another one query. A batch that fails, where
 * the fault may lie with one row, is run once more, each id alone. What loses its connection, or has one
 * whose prepared statements no longer fit, is run again up to twice.
 *
 * The lanes (db/statements.h) share out the connections: connection 0, 2, 4 ... are home to the first
 * lane, 1, 3, 5 ... to the second. A lane that has no connection up is served by the others. */
#ifndef DB_POOL_H
#define DB_POOL_H

#include <h2o.h>
#include <stdbool.h>

#include "db/conninfo.h"
#include "db/pool_stats.h"
#include "db/query.h"

enum { DB_POOL_MAX_CONNECTIONS = 64 };

/* What happens to connections, for the log. `connection` counts from 0; why is lent. */
enum db_pool_event { DB_POOL_UP, DB_POOL_LOST, DB_POOL_NO_CONNECT };
typedef void db_pool_event_fn(enum db_pool_event event, unsigned connection, const char *why);

struct db_pool_config {
    struct loop *loop;
    const struct db_conninfo *conninfo; /* outlives the pool */
    unsigned connections;               /* up to DB_POOL_MAX_CONNECTIONS; 0: 2 */
    unsigned npools;                    /* of this process */
    unsigned deadline_ms;               /* of a query, waiting included; 1 or more */
    unsigned max_waiting;               /* in a lane; one more query ends with DB_BUSY */
    db_pool_event_fn *on_event;         /* may be NULL */
    struct db_pool_stats *stats;        /* zeroed; the caller's, and outlives the pool */
};

struct db_pool;

/* Connecting begins at once and goes on for ever. A query may be started right away: until the first
 * attempts have ended it waits. */
struct db_pool *db_pool_create(const struct db_pool_config *config);

/* Queries that have not ended are not called back: cancel them first. NULL is fine. */
void db_pool_destroy(struct db_pool *pool);

bool db_pool_follow(struct db_pool *pool, const char *identity);

/* Every connection has come up or failed once: what is not there now has a reason. */
bool db_pool_has_settled(const struct db_pool *pool);

/* Why the last connection went down, in words; "" where none ever did. Lent until the loop turns. */
const char *db_pool_why_down(const struct db_pool *pool);

#endif
