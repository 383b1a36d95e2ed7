/* Opens the connections of a pool, and ends the queries that wait when no connection is up.
 *
 * While no connection is up, queries are kept for GRACE_MS, since the first new attempt begins at once and
 * mostly succeeds. Then all of them end with DB_UNAVAILABLE, and new queries end so at once. */
#include "db/pool.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/reporter.h"
#include "db/slot.h"

enum { GRACE_MS = 1000, FIRST_GRACE_MS = 5000, OTHER_CONNECTIONS = 2 };
static_assert((int)DB_NSTATEMENTS <= (int)DB_SET_MAX_STATEMENTS, "a connection has all of them");
static_assert((int)DB_GROUP_ARTICLES == 0 && (int)DB_GROUP_LISTS == 1 &&
                  (int)DB_NGROUPS_OF_CONNECTIONS == 2,
              "connection i belongs to group i % DB_NGROUPS_OF_CONNECTIONS");

/* A connection, and the knowledge of the pool about it. */
struct member {
    struct db_slot slot;
    struct db_pool *pool;
    struct db_reporter reporter;
    bool has_been_up;
    bool is_settling; /* its first round of attempts, or the first since a loss, has not ended */
};

struct db_pool {
    struct db_pool_config config;
    struct db_conn_env env;
    struct db_queue queue;
    struct timer grace; /* runs while no connection is up and one may come up soon */
    const char *why_down;
    char answered_by
        [DB_IDENTITY_BYTES];    /* the server that has answered since db_pool_follow(), or "" */
    bool is_answered_by_others; /* another one has too */
    size_t nmembers, room;
    struct member members[]; /* room for `room` */
};

static void open_next(struct db_pool *pool);
static timer_fn on_turn, on_grace;
static db_conn_up_fn on_up;
static void open_share(struct db_pool *pool, int allowed);
static db_conn_row_fn on_row;
static db_conn_answer_fn on_answer;
static void remember_server(struct db_pool *pool, const struct db_conn *conn);
static db_conn_down_fn on_down;
static void report(struct member *member, enum db_event event, const char *why);
static bool is_up(const struct db_pool *pool);
static bool is_group_up(const struct db_pool *pool, enum db_group group);
static unsigned groups_of(const struct member *member);

static struct member *member_of(struct db_conn *conn)
{
    return container_of(container_of(conn, struct db_slot, conn), struct member, slot);
}

struct db_pool *db_pool_create(const struct db_pool_config *config)
{
    assert(config->connections <= DB_POOL_MAX_CONNECTIONS);
    size_t room = config->connections != 0 ? config->connections : DB_POOL_DEFAULT_CONNECTIONS;
    struct db_pool *pool = h2o_mem_alloc(sizeof(*pool) + room * sizeof(pool->members[0]));
    memset(pool, 0, sizeof(*pool) + room * sizeof(pool->members[0]));
    pool->config = *config;
    pool->room = room;
    pool->why_down = "";
    pool->env = (struct db_conn_env){
        .loop = config->loop,
        .info = config->conninfo,
        .statements = {db_statements, DB_NSTATEMENTS},
        .deadline_ms = config->deadline_ms,
        .states = config->stats->connections,
        .on_up = on_up,
        .on_row = on_row,
        .on_answer = on_answer,
        .on_down = on_down,
    };
    db_queue_init(&pool->queue, config->loop, config->deadline_ms, config->max_waiting,
                  config->stats, on_turn);
    timer_init(&pool->grace, config->loop, on_grace);
    timer_start(&pool->grace, FIRST_GRACE_MS);
    do
        open_next(pool);
    while (pool->nmembers < config->connections);
    return pool;
}

static void open_next(struct db_pool *pool)
{
    size_t i = pool->nmembers++;
    struct member *member = &pool->members[i];
    assert(i < pool->room);
    member->pool = pool;
    member->is_settling = true;
    db_slot_init(&member->slot, &pool->env, &pool->queue, i % DB_NGROUPS_OF_CONNECTIONS);
}

void db_pool_destroy(struct db_pool *pool)
{
    if (pool == NULL)
        return;
    for (size_t i = 0; i < pool->nmembers; i++)
        db_slot_finish(&pool->members[i].slot);
    timer_finish(&pool->grace);
    db_queue_finish(&pool->queue);
    free(pool);
}

static void on_turn(struct timer *turn)
{
    struct db_pool *pool = container_of(turn, struct db_pool, queue.turn);
    assert(db_queue_is_consistent(&pool->queue));

    for (size_t i = 0; i < pool->nmembers; i++) {
        struct member *member = &pool->members[i];
        assert(db_slot_is_consistent(&member->slot));
        if (member->slot.conn.state == DB_CONN_IDLE)
            db_slot_serve(&member->slot, groups_of(member));
    }
    db_queue_end_refused(&pool->queue);
}

static void on_up(struct db_conn *conn)
{
    struct member *member = member_of(conn);
    struct db_pool *pool = member->pool;

    if (member->has_been_up)
        counter_add(&pool->config.stats->reconnects, 1);
    member->has_been_up = true;
    member->is_settling = false;
    timer_stop(&pool->grace);
    db_slot_prepare_optional(&member->slot);
    timer_start(&pool->queue.turn, 0);
    if (db_reporter_up(&member->reporter))
        report(member, DB_EVENT_UP, "");
    if (pool->config.connections == 0)
        open_share(pool, conn->allowed);
}

static void open_share(struct db_pool *pool, int allowed)
{
    while (pool->nmembers < db_pool_share(allowed, pool->config.npools))
        open_next(pool);
}

unsigned db_pool_share(int allowed, unsigned npools)
{
    int share = (allowed - OTHER_CONNECTIONS) / (int)(npools != 0 ? npools : 1);
    if (share < 1)
        return 1;
    return share < DB_POOL_DEFAULT_CONNECTIONS ? (unsigned)share : DB_POOL_DEFAULT_CONNECTIONS;
}

static void on_row(struct db_conn *conn, const PGresult *result)
{
    remember_server(member_of(conn)->pool, conn);
    db_slot_on_row(&member_of(conn)->slot, result);
}

static void on_answer(struct db_conn *conn, const PGresult *result)
{
    struct member *member = member_of(conn);
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        remember_server(member->pool, conn);
    db_slot_on_answer(&member->slot, result, groups_of(member));
}

static void remember_server(struct db_pool *pool, const struct db_conn *conn)
{
    if (pool->answered_by[0] == '\0')
        memcpy(pool->answered_by, conn->identity, sizeof(pool->answered_by));
    else if (strcmp(pool->answered_by, conn->identity) != 0)
        pool->is_answered_by_others = true;
}

bool db_pool_follow(struct db_pool *pool, const char *identity)
{
    bool has_changed = db_conn_env_follow(&pool->env, identity), is_other = false;
    if (identity != NULL) {
        is_other = pool->is_answered_by_others ||
                   (pool->answered_by[0] != '\0' && strcmp(pool->answered_by, identity) != 0);
        pool->answered_by[0] = '\0';
        pool->is_answered_by_others = false;
    }
    for (size_t i = 0; has_changed && i < pool->nmembers; i++)
        db_conn_follow(&pool->members[i].slot.conn);
    return is_other;
}

static void on_down(struct db_conn *conn, enum db_conn_state was)
{
    struct member *member = member_of(conn);
    struct db_pool *pool = member->pool;
    bool was_up = db_conn_state_is_up(was);
    enum db_event event = was_up ? DB_EVENT_LOST : DB_EVENT_NO_CONNECT;

    member->is_settling = was_up || (member->is_settling && conn->is_next_at_once);
    pool->why_down = conn->why;
    if (db_reporter_problem(&member->reporter, event, conn->why))
        report(member, event, conn->why);
    if (was_up && !is_up(pool))
        timer_start(&pool->grace, GRACE_MS);
    if (db_pool_has_settled(pool))
        timer_stop(&pool->grace);
    db_slot_on_down(&member->slot);
    if (!db_pool_may_serve(pool))
        db_queue_end_waiting(&pool->queue, DB_UNAVAILABLE, pool->why_down);
    timer_start(&pool->queue.turn, 0);
}

static void report(struct member *member, enum db_event event, const char *why)
{
    static const enum db_pool_event events[] = {[DB_EVENT_UP] = DB_POOL_UP,
                                                [DB_EVENT_LOST] = DB_POOL_LOST,
                                                [DB_EVENT_NO_CONNECT] = DB_POOL_NO_CONNECT};
    struct db_pool *pool = member->pool;
    if (pool->config.on_event != NULL)
        pool->config.on_event(events[event], (unsigned)(member - pool->members), why);
}

static void on_grace(struct timer *grace)
{
    struct db_pool *pool = container_of(grace, struct db_pool, grace);
    assert(!is_up(pool));
    for (size_t i = 0; i < pool->nmembers; i++)
        pool->members[i].is_settling = false;
    db_queue_end_waiting(&pool->queue, DB_UNAVAILABLE, pool->why_down);
}

static bool is_up(const struct db_pool *pool)
{
    return is_group_up(pool, DB_GROUP_ARTICLES) || is_group_up(pool, DB_GROUP_LISTS);
}

static bool is_group_up(const struct db_pool *pool, enum db_group group)
{
    assert((int)group < (int)DB_NGROUPS_OF_CONNECTIONS);
    for (size_t i = group; i < pool->nmembers; i += DB_NGROUPS_OF_CONNECTIONS) {
        if (db_conn_is_up(&pool->members[i].slot.conn))
            return true;
    }
    return false;
}

/* Do all connections of the lists that are up fetch large articles just now? */
static bool are_lists_held_up(const struct db_pool *pool)
{
    for (size_t i = DB_GROUP_LISTS; i < pool->nmembers; i += DB_NGROUPS_OF_CONNECTIONS) {
        const struct db_slot *slot = &pool->members[i].slot;
        if (db_conn_is_up(&slot->conn) && !db_slot_is_streaming(slot))
            return false;
    }
    return true;
}

/* The groups that a connection serves: see db/statements.h. A group without a connection that is up is
 * served by the others. */
static unsigned groups_of(const struct member *member)
{
    enum {
        ARTICLES = 1u << DB_GROUP_ARTICLES,
        LISTS = 1u << DB_GROUP_LISTS,
        LARGE = 1u << DB_GROUP_LARGE
    };
    const struct db_pool *pool = member->pool;
    if (member->slot.group == DB_GROUP_LISTS)
        return LISTS | LARGE | (is_group_up(pool, DB_GROUP_ARTICLES) ? 0 : ARTICLES);
    if (!is_group_up(pool, DB_GROUP_LISTS))
        return ARTICLES | LISTS | LARGE;
    return ARTICLES | (are_lists_held_up(pool) ? LISTS : 0);
}

bool db_pool_may_serve(const struct db_pool *pool)
{
    return is_up(pool) || timer_is_running(&pool->grace);
}

bool db_pool_has_settled(const struct db_pool *pool)
{
    for (size_t i = 0; i < pool->nmembers; i++) {
        if (pool->members[i].is_settling)
            return false;
    }
    return true;
}

const char *db_pool_why_down(const struct db_pool *pool)
{
    return pool->why_down;
}

struct db_queue *db_pool_queue(struct db_pool *pool)
{
    return &pool->queue;
}
