/* Opens a connection, and opens it again whenever it is lost:
 *
 *     on_timer (DOWN) --> db_connect_start --> on_connect ... --> prepare.c --> command.c
 *
 * Every failure ends in db_conn_down(), which starts the pause before the next attempt. */
#include "db/conn.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/container_of.h"
#include "db/conn_private.h"

enum { STABLE_US = 200000 };
static_assert(DB_SET_MAX_STATEMENTS <= 32, "db_conn._missing has 32 bits");

static timer_fn on_timer, on_read_more;
static db_connect_fn on_connect;
static void tear_down(struct db_conn *conn);

void db_conn_init(struct db_conn *conn, const struct db_conn_env *env)
{
    assert(env->statements.n <= DB_SET_MAX_STATEMENTS);
    *conn = (struct db_conn){.state = DB_CONN_DOWN, ._env = env};
    counter_add(&env->states[DB_CONN_DOWN], 1);
    db_connect_init(&conn->_connect, env->loop, env->info, on_connect);
    timer_init(&conn->_read_more, env->loop, on_read_more);
    timer_init(&conn->_timer, env->loop, on_timer);
    timer_start(&conn->_timer, 0);
}

/* The end of the pause, or of the time that a command may take. */
static void on_timer(struct timer *timer)
{
    struct db_conn *conn = container_of(timer, struct db_conn, _timer);
    if (conn->state == DB_CONN_DOWN) {
        db_conn_move(conn, DB_CONN_RESOLVING);
        db_connect_start(&conn->_connect);
        return;
    }
    assert(conn->state == DB_CONN_BUSY); /* the deadline, or db_conn_send() failed at once */
    db_conn_down(conn, PQstatus(conn->_pg) == CONNECTION_OK
                           ? "the server was silent past the deadline"
                           : db_conn_loss_reason(conn));
}

static void on_connect(struct db_connect *connect, enum db_connect_event event)
{
    struct db_conn *conn = container_of(connect, struct db_conn, _connect);
    switch (event) {
    case DB_CONNECT_BEGINS:
        db_conn_move(conn, DB_CONN_CONNECTING);
        return;
    case DB_CONNECT_OPEN:
        conn->_pg = connect->pg;
        conn->_sock = connect->sock;
        conn->_sock->data = conn;
        connect->pg = NULL;
        connect->sock = NULL;
        db_prepare_start(conn);
        return;
    case DB_CONNECT_FAILED:
        db_conn_down(conn, connect->why);
        return;
    }
}

/* The server may have sent its reason just before the end: libpq has to parse that first. */
const char *db_conn_loss_reason(struct db_conn *conn)
{
    PQisBusy(conn->_pg);
    const char *said = conn->_connect.server_said;
    return said[0] != '\0' ? said : PQerrorMessage(conn->_pg);
}

const char *db_conn_wrong_server(const struct db_conn *conn, char *text, size_t size)
{
    const char *followed = conn->_env->followed;
    if (followed[0] == '\0' || strcmp(conn->identity, followed) == 0)
        return NULL;
    snprintf(text, size, "the server %s is not %s, whose changes are followed", conn->identity,
             followed);
    return text;
}

void db_conn_down(struct db_conn *conn, const char *why)
{
    enum db_conn_state was = conn->state;
    char reason[sizeof(conn->why)];
    db_reason_copy(reason, sizeof(reason), why);
    memcpy(conn->why, reason, sizeof(reason));

    bool was_stable = db_conn_is_up(conn) && clock_us() - conn->_up_since_us > STABLE_US;
    bool is_full = db_reason_is_full(conn->_connect.sqlstate);
    uint64_t pause_ms = 0;
    tear_down(conn);
    db_conn_move(conn, DB_CONN_DOWN);
    if (was_stable)
        db_connect_forget_failures(&conn->_connect);
    else
        pause_ms = db_connect_next(&conn->_connect, is_full);
    conn->is_next_at_once = pause_ms == 0;
    timer_start(&conn->_timer, pause_ms);
    conn->_env->on_down(conn, was);
}

/* Both descriptors are closed, or the server would keep its end. */
static void tear_down(struct db_conn *conn)
{
    timer_stop(&conn->_timer);
    timer_stop(&conn->_read_more);
    db_connect_stop(&conn->_connect);
    if (conn->_sock != NULL)
        h2o_socket_close(conn->_sock);
    conn->_sock = NULL;
    PQclear(conn->_result);
    conn->_result = NULL;
    PQfinish(conn->_pg);
    conn->_pg = NULL;
}

void db_conn_finish(struct db_conn *conn)
{
    tear_down(conn);
    db_connect_finish(&conn->_connect);
    timer_finish(&conn->_read_more);
    timer_finish(&conn->_timer);
}

void db_conn_reset(struct db_conn *conn)
{
    assert(conn->state == DB_CONN_IDLE);
    db_conn_drop(conn, "its prepared statements no longer fit the tables");
}

void db_conn_drop(struct db_conn *conn, const char *why)
{
    assert(db_conn_is_up(conn));
    db_conn_down(conn, why);
}

bool db_conn_env_follow(struct db_conn_env *env, const char *identity)
{
    if (identity == NULL)
        identity = "";
    assert(strlen(identity) < sizeof(env->followed));
    if (strcmp(env->followed, identity) == 0)
        return false;
    snprintf(env->followed, sizeof(env->followed), "%s", identity);
    return true;
}

void db_conn_follow(struct db_conn *conn)
{
    char why[sizeof(conn->why)];
    if (conn->state == DB_CONN_DOWN) {
        db_connect_forget_failures(&conn->_connect);
        timer_start(&conn->_timer, 0);
    } else if (db_conn_is_up(conn) && db_conn_wrong_server(conn, why, sizeof(why)) != NULL) {
        conn->_up_since_us = clock_us(); /* another address comes next */
        db_conn_drop(conn, why);
    }
}

/* The only function that changes a state. */
void db_conn_move(struct db_conn *conn, enum db_conn_state to)
{
#define BIT(state) (1u << (state))
    static const unsigned next[DB_CONN_NSTATES] = {
        [DB_CONN_DOWN] = BIT(DB_CONN_RESOLVING),
        [DB_CONN_RESOLVING] = BIT(DB_CONN_CONNECTING) | BIT(DB_CONN_DOWN),
        [DB_CONN_CONNECTING] = BIT(DB_CONN_PREPARING) | BIT(DB_CONN_DOWN),
        [DB_CONN_PREPARING] = BIT(DB_CONN_IDLE) | BIT(DB_CONN_DOWN),
        [DB_CONN_IDLE] = BIT(DB_CONN_BUSY) | BIT(DB_CONN_DOWN),
        [DB_CONN_BUSY] = BIT(DB_CONN_IDLE) | BIT(DB_CONN_DOWN),
    };
    assert(next[conn->state] & BIT(to));
#undef BIT
    counter_sub(&conn->_env->states[conn->state], 1);
    counter_add(&conn->_env->states[to], 1);
    conn->state = to;
}

static void on_read_more(struct timer *timer)
{
    struct db_conn *conn = container_of(timer, struct db_conn, _read_more);
    db_command_on_readable(conn->_sock, NULL);
}
