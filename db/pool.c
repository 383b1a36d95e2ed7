/* The connections of a pool: made, lost, and what that means for the queries that wait.
 *
 * While no connection is up, what waits is kept for GRACE_MS, since the first new attempt is made at
 * once and mostly succeeds; then all of it ends with DB_UNAVAILABLE, and new queries end so at once. */
#include "db/pool.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/pool_private.h"

enum { GRACE_MS = 250, FIRST_GRACE_MS = 5000 };

static db_conn_up_fn on_up;
static void prepare_optional(struct db_slot *slot);
static db_conn_down_fn on_down;
static timer_fn on_grace;
static void give_up_waiting(struct db_pool *pool);

struct db_pool *db_pool_create(const struct db_pool_config *config)
{
    assert(config->connections <= DB_POOL_MAX_CONNECTIONS);
    size_t n = config->connections > 0 ? config->connections : 2;
    struct db_pool *pool = h2o_mem_alloc(sizeof(*pool) + n * sizeof(pool->slots[0]));
    memset(pool, 0, sizeof(*pool) + n * sizeof(pool->slots[0]));
    pool->config = *config;
    pool->stats = config->stats;
    pool->why_down = "";
    pool->env = (struct db_conn_env){
        .loop = config->loop,
        .info = config->conninfo,
        .deadline_ms = config->deadline_ms,
        .states = pool->stats->connections,
        .on_up = on_up,
        .on_answer = db_dispatch_on_answer,
        .on_down = on_down,
    };
    for (size_t i = 0; i < DB_NSTATEMENTS; i++)
        h2o_linklist_init_anchor(&pool->waiting[i]);
    h2o_linklist_init_anchor(&pool->refused);
    timer_init(&pool->turn, config->loop, db_dispatch_on_turn);
    timer_init(&pool->grace, config->loop, on_grace);
    timer_start(&pool->grace, FIRST_GRACE_MS);

    pool->nslots = n;
    for (size_t i = 0; i < n; i++) {
        struct db_slot *slot = &pool->slots[i];
        slot->pool = pool;
        slot->home = i % DB_NLANES;
        slot->is_hopeful = true;
        h2o_linklist_init_anchor(&slot->batch);
        db_conn_init(&slot->conn, &pool->env);
    }
    return pool;
}

void db_pool_destroy(struct db_pool *pool)
{
    if (pool == NULL)
        return;
    for (size_t i = 0; i < pool->nslots; i++)
        db_conn_finish(&pool->slots[i].conn);
    timer_finish(&pool->grace);
    timer_finish(&pool->turn);
    free(pool);
}

static void on_up(struct db_conn *conn)
{
    struct db_slot *slot = container_of(conn, struct db_slot, conn);
    struct db_pool *pool = slot->pool;

    if (slot->has_been_up)
        counter_add(&pool->stats->reconnects, 1);
    slot->has_been_up = true;
    slot->is_hopeful = false;
    slot->told[0] = '\0';
    timer_stop(&pool->grace);
    prepare_optional(slot);
    timer_start(&pool->turn, 0);
    if (pool->config.on_event != NULL)
        pool->config.on_event(DB_POOL_UP, (unsigned)(slot - pool->slots), "");
}

/* What its lane will want, before anybody waits for it. */
static void prepare_optional(struct db_slot *slot)
{
    for (size_t i = 0; i < DB_NSTATEMENTS && slot->conn.state == DB_CONN_IDLE; i++) {
        if (db_statements[i].lane == slot->home && !db_conn_has(&slot->conn, i))
            db_dispatch_prepare(slot, i);
    }
}

static void on_down(struct db_conn *conn, enum db_conn_state was)
{
    struct db_slot *slot = container_of(conn, struct db_slot, conn);
    struct db_pool *pool = slot->pool;
    bool was_up = was == DB_CONN_IDLE || was == DB_CONN_BUSY;

    slot->is_hopeful = was_up;
    slot->is_preparing = false;
    pool->why_down = conn->why;
    if (pool->config.on_event != NULL && (was_up || strcmp(slot->told, conn->why) != 0)) {
        pool->config.on_event(was_up ? DB_POOL_LOST : DB_POOL_NO_CONNECT,
                              (unsigned)(slot - pool->slots), conn->why);
        snprintf(slot->told, sizeof(slot->told), "%s", was_up ? "" : conn->why);
    }
    if (was_up && !db_pool_is_up(pool))
        timer_start(&pool->grace, GRACE_MS);
    if (db_pool_has_settled(pool))
        timer_stop(&pool->grace);
    db_dispatch_on_loss(&slot->batch, conn->why);
    if (!db_pool_has_hope(pool))
        give_up_waiting(pool);
    timer_start(&pool->turn, 0);
}

static void on_grace(struct timer *grace)
{
    struct db_pool *pool = container_of(grace, struct db_pool, grace);
    for (size_t i = 0; i < pool->nslots; i++)
        pool->slots[i].is_hopeful = false;
    give_up_waiting(pool);
}

static void give_up_waiting(struct db_pool *pool)
{
    assert(!db_pool_is_up(pool));
    for (size_t i = 0; i < DB_NSTATEMENTS; i++)
        db_dispatch_end_all(&pool->waiting[i], DB_UNAVAILABLE, pool->why_down);
}

bool db_pool_follow(struct db_pool *pool, const char *identity)
{
    (void)pool;
    (void)identity;
    return false;
}

bool db_pool_is_up(const struct db_pool *pool)
{
    return db_pool_is_lane_up(pool, DB_LANE_ARTICLE) || db_pool_is_lane_up(pool, DB_LANE_RELATED);
}

bool db_pool_is_lane_up(const struct db_pool *pool, enum db_lane lane)
{
    for (size_t i = lane; i < pool->nslots; i += DB_NLANES) {
        if (db_conn_is_up(&pool->slots[i].conn))
            return true;
    }
    return false;
}

bool db_pool_has_hope(struct db_pool *pool)
{
    return db_pool_is_up(pool) || timer_is_running(&pool->grace);
}

void db_pool_enqueue(struct db_query *q, h2o_linklist_t *before)
{
    struct db_pool *pool = q->_pool;
    q->_place = DB_QUERY_WAITING;
    h2o_linklist_insert(before, &q->_link);
    pool->nwaiting[db_statements[q->statement].lane]++;
    counter_add(&pool->stats->waiting, 1);
}

void db_pool_unlink(struct db_query *q)
{
    if (q->_place == DB_QUERY_WAITING) {
        q->_pool->nwaiting[db_statements[q->statement].lane]--;
        counter_sub(&q->_pool->stats->waiting, 1);
    }
    h2o_linklist_unlink(&q->_link);
    q->_place = DB_QUERY_NOWHERE;
}

bool db_pool_has_settled(const struct db_pool *pool)
{
    for (size_t i = 0; i < pool->nslots; i++) {
        if (pool->slots[i].is_hopeful)
            return false;
    }
    return true;
}

const char *db_pool_why_down(const struct db_pool *pool)
{
    return pool->why_down;
}
