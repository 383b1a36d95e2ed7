/* How a connection comes and goes:
 *
 *     on_timer (DOWN) --> attempt --> on_resolved --> connect_to --> on_connecting ... --> command.c
 *
 * Whatever goes wrong ends in db_conn_down(), which starts the pause before the next attempt. No call
 * here blocks: see PQconnectPoll in libpq's manual. */
#include "db/conn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/container_of.h"
#include "db/conn_private.h"

enum {
    RESOLVE_TIMEOUT_MS = 15000,
    CONNECT_TIMEOUT_MS = 3000,
    FIRST_PAUSE_MS = 50,
    LONGEST_PAUSE_MS = 1000,
    STABLE_US = 200000,
};

static timer_fn on_timer;
static void attempt(struct db_conn *conn);
static db_resolve_done_fn on_resolved;
static void connect_to(struct db_conn *conn, const struct db_addresses *addresses);
static void ignore_notice(void *unused, const PGresult *notice);
static void on_connecting(h2o_socket_t *sock, const char *error);

static void tear_down(struct db_conn *conn);
static uint64_t pause_ms(unsigned failures);
static bool watch(struct db_conn *conn);

void db_conn_init(struct db_conn *conn, const struct db_conn_env *env)
{
    *conn = (struct db_conn){.state = DB_CONN_DOWN, ._env = env};
    counter_add(&env->states[DB_CONN_DOWN], 1);
    timer_init(&conn->_timer, env->loop, on_timer);
    timer_start(&conn->_timer, 0);
}

/* The pause is over, or this state's time is. */
static void on_timer(struct timer *timer)
{
    struct db_conn *conn = container_of(timer, struct db_conn, _timer);

    switch (conn->state) {
    case DB_CONN_DOWN:
        attempt(conn);
        return;
    case DB_CONN_RESOLVING:
        db_conn_down(conn, "the addresses of the host names took too long to find");
        return;
    case DB_CONN_CONNECTING:
    case DB_CONN_PREPARING:
        db_conn_down(conn, "the server did not answer in time while connecting");
        return;
    case DB_CONN_BUSY: /* or db_conn_send failed at once */
        db_conn_down(conn, PQstatus(conn->_pg) == CONNECTION_OK
                               ? "the server was silent past the deadline"
                               : PQerrorMessage(conn->_pg));
        return;
    case DB_CONN_IDLE:
    case DB_CONN_NSTATES:
        break;
    }
    assert(!"no timer runs in this state");
}

static void attempt(struct db_conn *conn)
{
    const struct db_conninfo *info = conn->_env->info;
    timer_start(&conn->_timer, RESOLVE_TIMEOUT_MS);
    db_conn_move(conn, DB_CONN_RESOLVING);

    for (size_t i = 0; i < info->nhosts; i++) {
        if (db_host_is_name(&info->hosts[i])) {
            db_resolve_start(&conn->_resolve, info, conn->_env->loop->resolver, on_resolved);
            return;
        }
    }
    struct db_addresses addresses = db_addresses_of(info);
    connect_to(conn, &addresses);
    db_addresses_finish(&addresses);
}

static void on_resolved(struct db_resolve *resolve)
{
    struct db_conn *conn = container_of(resolve, struct db_conn, _resolve);

    if (resolve->found.n == 0) {
        char why[sizeof(conn->why)];
        snprintf(why, sizeof(why), "no address for the host name \"%s\": %s",
                 resolve->error_host != NULL ? resolve->error_host : "",
                 resolve->error != NULL ? resolve->error : "none found");
        db_conn_down(conn, why);
        return;
    }
    struct db_addresses addresses = resolve->found;
    resolve->found = (struct db_addresses){0};
    connect_to(conn, &addresses);
    db_addresses_finish(&addresses);
}

static void connect_to(struct db_conn *conn, const struct db_addresses *addresses)
{
    const struct db_conninfo *info = conn->_env->info;
    size_t n = 0;
    while (info->keywords[n] != NULL)
        n++;
    const char **keywords = calloc(n + 4, sizeof(*keywords)),
               **values = calloc(n + 4, sizeof(*values));
    assert(keywords != NULL && values != NULL);
    memcpy(keywords, info->keywords, n * sizeof(*keywords));
    memcpy(values, info->values, n * sizeof(*values));
    keywords[n] = "host", values[n] = addresses->host;
    keywords[n + 1] = "hostaddr", values[n + 1] = addresses->hostaddr;
    keywords[n + 2] = "port", values[n + 2] = addresses->port;
    conn->_pg = PQconnectStartParams(keywords, values, 0);
    free(keywords);
    free(values);

    assert(conn->_pg != NULL); /* NULL is "no memory" */
    /* Now: what ends the session may come in the same packet as the end of connecting. */
    PQsetNoticeReceiver(conn->_pg, ignore_notice, NULL);
    timer_start(&conn->_timer, CONNECT_TIMEOUT_MS);
    db_conn_move(conn, DB_CONN_CONNECTING);
    if (PQstatus(conn->_pg) == CONNECTION_BAD)
        db_conn_down(conn, PQerrorMessage(conn->_pg));
    else if (watch(conn))
        h2o_socket_notify_write(conn->_sock, on_connecting);
}

/* libpq prints them otherwise. */
static void ignore_notice(void *unused, const PGresult *notice)
{
    (void)unused;
    (void)notice;
}

static void on_connecting(h2o_socket_t *sock, const char *error)
{
    struct db_conn *conn = sock->data;
    assert(error == NULL);

    PostgresPollingStatusType poll = PQconnectPoll(conn->_pg);
    /* libpq may have gone on to another address, with a new socket that may even have the old number:
     * so each step watches anew. */
    if (poll == PGRES_POLLING_FAILED)
        db_conn_down(conn, PQerrorMessage(conn->_pg));
    else if (!watch(conn))
        return;
    else if (poll == PGRES_POLLING_OK)
        db_command_prepare(conn);
    else if (poll == PGRES_POLLING_READING)
        h2o_socket_read_start(conn->_sock, on_connecting);
    else
        h2o_socket_notify_write(conn->_sock, on_connecting);
}

/* The only way down. `why` may be libpq's own text of the connection that is finished here. */
void db_conn_down(struct db_conn *conn, const char *why)
{
    enum db_conn_state was = conn->state;
    snprintf(conn->why, sizeof(conn->why), "%s", why);
    for (char *c = conn->why; *c != '\0'; c++) {
        if (*c == '\n' || *c == '\t')
            *c = ' ';
    }
    for (size_t n = strlen(conn->why); n > 0 && conn->why[n - 1] == ' '; n--)
        conn->why[n - 1] = '\0';

    bool was_stable = db_conn_is_up(conn) && clock_us() - conn->_up_since_us > STABLE_US;
    tear_down(conn);
    db_conn_move(conn, DB_CONN_DOWN);
    conn->_failures = was_stable ? 0 : conn->_failures + 1;
    timer_start(&conn->_timer, pause_ms(conn->_failures));
    conn->_env->on_down(conn, was);
}

static uint64_t pause_ms(unsigned failures)
{
    if (failures == 0)
        return 0;
    uint32_t longest = failures < 6 ? FIRST_PAUSE_MS << (failures - 1) : LONGEST_PAUSE_MS;
    if (longest > LONGEST_PAUSE_MS)
        longest = LONGEST_PAUSE_MS;
    return longest - arc4random_uniform(longest / 2);
}

/* Both descriptors are closed, or the server would keep its end. */
static void tear_down(struct db_conn *conn)
{
    timer_stop(&conn->_timer);
    db_resolve_cancel(&conn->_resolve);
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
    timer_finish(&conn->_timer);
}

/* The only place that changes a state. */
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

/* Makes the loop watch libpq's socket of this moment, by a duplicate that is ours to close. False: the
 * connection is down. */
static bool watch(struct db_conn *conn)
{
    if (conn->_sock != NULL)
        h2o_socket_close(conn->_sock);
    conn->_sock = NULL;
    int fd = fcntl(PQsocket(conn->_pg), F_DUPFD_CLOEXEC, 0);
    if (fd == -1) {
        db_conn_down(conn, strerror(errno));
        return false;
    }
    conn->_sock = h2o_evloop_socket_create(conn->_env->loop->h2o, fd, H2O_SOCKET_FLAG_DONT_READ);
    conn->_sock->data = conn;
    return true;
}
