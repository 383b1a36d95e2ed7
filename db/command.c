/* What a connection runs, once it is open:
 *
 *     prepare --> on_preparing ... --> up: IDLE --> db_conn_send --> on_readable ... --> answer: IDLE
 *
 * No call here blocks: see PQconsumeInput, PQisBusy and PQflush in libpq's manual. */
#include <assert.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "base/clock.h"
#include "db/conn_private.h"

enum { PREPARE_AGAIN_US = 1000000 };

static bool send_preparations(struct db_conn *conn);
static bool send_preparation(struct db_conn *conn, enum db_statement statement);
static void on_preparing(h2o_socket_t *sock, const char *error);
static void up(struct db_conn *conn);
static void begin(struct db_conn *conn, bool is_sent);
static void on_readable(h2o_socket_t *sock, const char *error);
static void on_writable(h2o_socket_t *sock, const char *error);
static void answer(struct db_conn *conn);
static void end_preparation(struct db_conn *conn, const PGresult *result);
static void hear(struct db_conn *conn);

static bool flush(struct db_conn *conn);
static bool consume(struct db_conn *conn);

void db_command_prepare(struct db_conn *conn)
{
    db_conn_move(conn, DB_CONN_PREPARING);
    if (!send_preparations(conn)) {
        db_conn_down(conn, PQerrorMessage(conn->_pg));
        return;
    }
    h2o_socket_read_start(conn->_sock, on_preparing);
    flush(conn);
}

/* The settings of the session, then every statement that must be there, all in one round trip. Not the
 * optional ones: to prepare a statement waits for whoever has locked its tables. Settings are
 * statements and no connection parameters, since poolers refuse those. Generic plans: with a plan of
 * its own for every execution PostgreSQL would plan for longer than it executes. */
static bool send_preparations(struct db_conn *conn)
{
    char statement_timeout[16];
    snprintf(statement_timeout, sizeof(statement_timeout), "%u",
             conn->_env->deadline_ms >= 10 ? conn->_env->deadline_ms / 10 * 9 : 1);
    const char *values[] = {statement_timeout};

    bool sent = PQsetnonblocking(conn->_pg, 1) == 0 && PQenterPipelineMode(conn->_pg) == 1 &&
                PQsendQueryParams(conn->_pg,
                                  "select set_config('statement_timeout', $1, false),"
                                  " set_config('plan_cache_mode', 'force_generic_plan', false),"
                                  " set_config('jit', 'off', false)",
                                  1, NULL, values, NULL, NULL, 0) == 1;
    conn->_missing = 0;
    for (int i = 0; sent && i < DB_NSTATEMENTS_ALL; i++) {
        if (db_statements[i].crew != conn->_env->crew || db_statements[i].optional)
            conn->_missing |= 1u << i;
        else
            sent = send_preparation(conn, i);
    }
    return sent && PQpipelineSync(conn->_pg) == 1;
}

static bool send_preparation(struct db_conn *conn, enum db_statement statement)
{
    const struct db_statement_info *s = &db_statements[statement];
    Oid type = s->param_type;
    return PQsendPrepare(conn->_pg, s->name, s->sql, type != 0, &type) == 1;
}

static void on_preparing(h2o_socket_t *sock, const char *error)
{
    struct db_conn *conn = sock->data;
    assert(error == NULL);

    if (!consume(conn))
        return;
    while (!PQisBusy(conn->_pg)) {
        PGresult *result = PQgetResult(conn->_pg);
        if (result == NULL && PQstatus(conn->_pg) == CONNECTION_OK)
            continue; /* what separates the answers of a pipeline */
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_PIPELINE_SYNC)
            up(conn);
        else if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            db_conn_down(conn,
                         result != NULL ? PQresultErrorMessage(result) : PQerrorMessage(conn->_pg));
        PQclear(result);
        if (conn->state != DB_CONN_PREPARING)
            return;
    }
}

static void up(struct db_conn *conn)
{
    int left = PQexitPipelineMode(conn->_pg);
    assert(left == 1);
    timer_stop(&conn->_timer);
    h2o_socket_read_start(conn->_sock, on_readable);
    conn->_preparing = -1;
    conn->_prepared_at_us = 0;
    conn->_up_since_us = clock_us();
    db_conn_move(conn, DB_CONN_IDLE);
    conn->_env->on_up(conn);
}

void db_conn_send(struct db_conn *conn, enum db_statement statement, struct db_conn_param param)
{
    int is_binary = param.is_binary;
    assert(db_conn_has(conn, statement));
    begin(conn, PQsendQueryPrepared(conn->_pg, db_statements[statement].name, param.value != NULL,
                                    &param.value, &param.length, &is_binary, 1));
}

/* What could not be sent fails for the caller in the next turn, as everything else. */
static void begin(struct db_conn *conn, bool is_sent)
{
    db_conn_move(conn, DB_CONN_BUSY);
    timer_start(&conn->_timer, is_sent && flush(conn) ? conn->_env->deadline_ms : 0);
}

bool db_conn_has(const struct db_conn *conn, enum db_statement statement)
{
    return (conn->_missing & (1u << statement)) == 0;
}

bool db_conn_prepare(struct db_conn *conn, enum db_statement statement)
{
    assert(conn->state == DB_CONN_IDLE && !db_conn_has(conn, statement));
    if (clock_us() - conn->_prepared_at_us < PREPARE_AGAIN_US)
        return false;
    conn->_preparing = (int)statement;
    begin(conn, send_preparation(conn, statement));
    return true;
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

/* Readable also means: the server closed the connection. libh2o does not look, libpq does. */
static void on_readable(h2o_socket_t *sock, const char *error)
{
    struct db_conn *conn = sock->data;
    assert(error == NULL);

    if (!consume(conn))
        return;
    answer(conn);
    hear(conn);
}

static void on_writable(h2o_socket_t *sock, const char *error)
{
    struct db_conn *conn = sock->data;
    assert(error == NULL);

    flush(conn);
    if (conn->state == DB_CONN_PREPARING) {
        on_preparing(sock, NULL);
        return;
    }
    answer(conn); /* PQflush reads too, and then the socket says nothing any more */
    hear(conn);
}

/* Takes what has come of the answer; NULL behind a result means that the command is over. */
static void answer(struct db_conn *conn)
{
    while (!PQisBusy(conn->_pg) && conn->state == DB_CONN_BUSY) {
        PGresult *result = PQgetResult(conn->_pg);
        if (result != NULL) {
            PQclear(conn->_result);
            conn->_result = result;
            continue;
        }
        if (PQstatus(conn->_pg) != CONNECTION_OK || conn->_result == NULL) {
            db_conn_down(conn, PQerrorMessage(conn->_pg));
            return;
        }
        result = conn->_result;
        conn->_result = NULL;
        timer_stop(&conn->_timer);
        if (conn->_preparing >= 0)
            end_preparation(conn, result);
        db_conn_move(conn, DB_CONN_IDLE);
        conn->_env->on_answer(conn, result);
        PQclear(result);
        if (!db_conn_is_up(conn)) /* db_conn_reset, db_conn_drop */
            return;
    }
    if (PQstatus(conn->_pg) != CONNECTION_OK)
        db_conn_down(conn, PQerrorMessage(conn->_pg));
}

static void end_preparation(struct db_conn *conn, const PGresult *result)
{
    if (PQresultStatus(result) == PGRES_COMMAND_OK)
        conn->_missing &= ~(1u << conn->_preparing);
    conn->_preparing = -1;
    conn->_prepared_at_us = clock_us();
}

/* Hands on what notifications have come; last, since some of them stand behind an answer. */
static void hear(struct db_conn *conn)
{
    PGnotify *notify;
    while (db_conn_is_up(conn) && (notify = PQnotifies(conn->_pg)) != NULL) {
        if (conn->_env->on_notify != NULL)
            conn->_env->on_notify(conn, notify->extra);
        PQfreemem(notify);
    }
}

/* Sends what can be sent now, and the rest when the socket takes it. False: the connection is broken,
 * which shows itself at the next read at the latest. */
static bool flush(struct db_conn *conn)
{
    int rest = PQflush(conn->_pg);
    if (rest == 1 && !h2o_socket_is_writing(conn->_sock))
        h2o_socket_notify_write(conn->_sock, on_writable);
    return rest >= 0;
}

/* Reads what has arrived. With TLS some of it may be decrypted already and wait inside OpenSSL, where
 * the loop can't see it. */
static bool consume(struct db_conn *conn)
{
    SSL *tls = PQgetssl(conn->_pg);
    do {
        if (PQconsumeInput(conn->_pg) == 0) {
            db_conn_down(conn, PQerrorMessage(conn->_pg));
            return false;
        }
    } while (tls != NULL && SSL_pending(tls) > 0);
    return true;
}
