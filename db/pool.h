/* db/pool.h - the connections of one event loop, and the queries that wait for them.
 *
 *     db_query_start --> queue (db/queue.h) --> slot (db/slot.h), a command of a connection --> done
 *
 * At the end of each turn of the loop every idle connection gets queries that wait: of a batched
 * statement all ids together, up to DB_BATCH_MAX_IDS, each once; of another statement one query. A batch
 * that fails, where one row may be the reason, is run again, each id alone. A query that loses its
 * connection, or whose prepared statement no longer fits, is run again up to twice.
 *
 * The connections form groups (db/statements.h): connection 0, 2, 4 ... are of the first group, 1, 3, 5
 * ... of the second. A group without a connection that is up is served by the others. */
#ifndef DB_POOL_H
#define DB_POOL_H

#include <h2o.h>
#include <stdbool.h>

#include "db/conninfo.h"
#include "db/pool_stats.h"
#include "db/query.h"

enum { DB_POOL_MAX_CONNECTIONS = 64, DB_POOL_DEFAULT_CONNECTIONS = 2 };

/* Events of connections, for the log. A problem is reported once: see db/reporter.h.
 * connection: counts from 0. why: lent. */
enum db_pool_event { DB_POOL_UP, DB_POOL_LOST, DB_POOL_NO_CONNECT };
typedef void db_pool_event_fn(enum db_pool_event event, unsigned connection, const char *why);

struct db_pool_config {
    struct loop *loop;
    const struct db_conninfo *conninfo; /* outlives the pool */
    /* At most DB_POOL_MAX_CONNECTIONS. 0: DB_POOL_DEFAULT_CONNECTIONS, or 1 where PostgreSQL allows this
     * user too few for all pools. */
    unsigned connections;
    unsigned npools;      /* pools of this process, which share the allowed connections; 0: 1 */
    unsigned deadline_ms; /* of a query, the time in the queue included; 1 or more */
    unsigned max_waiting; /* in a group; one more query ends with DB_BUSY */
    db_pool_event_fn *on_event;  /* may be NULL */
    struct db_pool_stats *stats; /* zeroed; of the caller, and outlives the pool */
};

struct db_pool;

/* Connecting begins in the next turn, and goes on for ever. A query may be started right away: it waits
 * until the first attempts have ended. */
struct db_pool *db_pool_create(const struct db_pool_config *config);

/* Queries that have not ended are not called back: cancel them first. NULL is fine. */
void db_pool_destroy(struct db_pool *pool);

/* Follows the server whose changes are known: connections to other servers are dropped, and new ones are
 * accepted only if they lead to this one. identity: of struct db_conn; NULL: any server will do, since the
 * changes of none are known. May end queries.
 * True: another server may have answered since the last call with an identity. Then the caller drops
 * every answer that it keeps. */
bool db_pool_follow(struct db_pool *pool, const char *identity);

/* Every connection is up, or has failed at all addresses once. */
bool db_pool_has_settled(const struct db_pool *pool);

/* Why the last connection went down, in words, or "". Lent until the loop turns. */
const char *db_pool_why_down(const struct db_pool *pool);

/* ---- for db/query.c */

struct db_queue *db_pool_queue(struct db_pool *pool);

/* Is a connection up, or may one come up soon? */
bool db_pool_may_serve(const struct db_pool *pool);

/* How many connections a pool opens by default, where so many are allowed in all. Two are left to the
 * change feed and the related worker. */
unsigned db_pool_share(int allowed, unsigned npools);

#endif
