/* The commands of a connection that is prepared:
 *
 *     db_conn_send --> on_readable ... --> (streamed: on_row, on_row ...) --> on_answer: IDLE
 *
 * No call here blocks: see PQconsumeInput, PQisBusy and PQflush in libpq's manual. Each event of the
 * socket reads and handles a bounded number of bytes, so that a large answer never holds the loop: libpq
 * reads until its buffer is full, and rows are taken out of the buffer as they arrive. */
#include <assert.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "db/conn_private.h"

enum { PREPARE_AGAIN_US = 1000000, MAX_READS = 8, READ_MORE_MS = 1 };

static void begin(struct db_conn *conn, bool is_sent);
static void on_writable(h2o_socket_t *sock, const char *error);
static void answer(struct db_conn *conn);
static bool take_result(struct db_conn *conn, PGresult *result);
static void end_command(struct db_conn *conn);
static void end_preparation(struct db_conn *conn, const PGresult *result);
static void give_notifications(struct db_conn *conn);
static void check_role(struct db_conn *conn);

void db_command_up(struct db_conn *conn)
{
    int left = PQexitPipelineMode(conn->_pg);
    assert(left == 1);
    db_connect_succeeded(&conn->_connect);
    h2o_socket_read_start(conn->_sock, db_command_on_readable);
    conn->_preparing = -1;
    conn->_prepared_at_us = 0;
    conn->_up_since_us = clock_us();
    db_conn_move(conn, DB_CONN_IDLE);
    conn->_env->on_up(conn);
}

void db_conn_send(struct db_conn *conn, unsigned statement, const struct db_param *params)
{
    const struct db_statement_info *s = &conn->_env->statements.statements[statement];
    const char *values[DB_STATEMENT_MAX_PARAMS];
    int n = 0, lengths[DB_STATEMENT_MAX_PARAMS], formats[DB_STATEMENT_MAX_PARAMS];

    assert(statement < conn->_env->statements.n && db_conn_has(conn, statement));
    for (; n < DB_STATEMENT_MAX_PARAMS && s->param_types[n] != 0; n++) {
        values[n] = params[n].value;
        lengths[n] = params[n].length;
        formats[n] = params[n].is_binary;
    }
    bool is_sent = PQsendQueryPrepared(conn->_pg, s->name, n, values, lengths, formats, 1);
    if (is_sent && s->streamed) {
        int is_streamed = PQsetSingleRowMode(conn->_pg);
        assert(is_streamed);
    }
    begin(conn, is_sent);
}

/* Where the command could not be sent, the caller hears of it in the next turn, as of any other loss. */
static void begin(struct db_conn *conn, bool is_sent)
{
    db_conn_move(conn, DB_CONN_BUSY);
    timer_start(&conn->_timer, is_sent && db_command_flush(conn) ? conn->_env->deadline_ms : 0);
}

bool db_conn_has(const struct db_conn *conn, unsigned statement)
{
    return (conn->_missing & (UINT32_C(1) << statement)) == 0;
}

bool db_conn_prepare(struct db_conn *conn, unsigned statement)
{
    assert(conn->state == DB_CONN_IDLE && !db_conn_has(conn, statement));
    if (clock_us() - conn->_prepared_at_us < PREPARE_AGAIN_US)
        return false;
    conn->_preparing = (int)statement;
    begin(conn, db_prepare_send(conn, statement));
    return true;
}

/* A socket is readable also when the server has closed the connection. libh2o does not look, libpq does. */
void db_command_on_readable(h2o_socket_t *sock, const char *error)
{
    struct db_conn *conn = sock->data;
    assert(error == NULL);

    for (int i = 0; i < MAX_READS; i++) {
        if (!db_command_read(conn))
            return;
        answer(conn);
        give_notifications(conn);
        check_role(conn);
        if (!db_conn_is_up(conn) || !db_command_has_more(conn))
            return;
    }
    timer_start(&conn->_read_more, READ_MORE_MS);
}

static void on_writable(h2o_socket_t *sock, const char *error)
{
    struct db_conn *conn = sock->data;
    assert(error == NULL);

    db_command_flush(conn);
    if (conn->state == DB_CONN_PREPARING) {
        db_prepare_on_readable(sock, NULL);
        return;
    }
    answer(conn); /* PQflush reads too, and the socket does not report those bytes again */
    give_notifications(conn);
}

/* Handles the part of the answer that has arrived. A NULL after a result is the end of the command. */
static void answer(struct db_conn *conn)
{
    while (!PQisBusy(conn->_pg) && conn->state == DB_CONN_BUSY) {
        PGresult *result = PQgetResult(conn->_pg);
        if (result != NULL) {
            if (!take_result(conn, result))
                return;
            continue;
        }
        if (PQstatus(conn->_pg) != CONNECTION_OK || conn->_result == NULL) {
            db_conn_down(conn, db_conn_loss_reason(conn));
            return;
        }
        end_command(conn);
        if (!db_conn_is_up(conn)) /* db_conn_reset, db_conn_drop */
            return;
    }
    if (PQstatus(conn->_pg) != CONNECTION_OK)
        db_conn_down(conn, db_conn_loss_reason(conn));
}

/* A row goes on at once. Of the other results the last one counts. False: the connection went down. */
static bool take_result(struct db_conn *conn, PGresult *result)
{
    if (PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
        conn->_env->on_row(conn, result);
        PQclear(result);
        return db_conn_is_up(conn);
    }
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (severity != NULL && message != NULL && strcmp(severity, "ERROR") != 0) /* it is the end */
        db_reason_copy(conn->_connect.server_said, sizeof(conn->_connect.server_said), message);
    PQclear(conn->_result);
    conn->_result = result;
    return true;
}

static void end_command(struct db_conn *conn)
{
    PGresult *result = conn->_result;
    conn->_result = NULL;
    timer_stop(&conn->_timer);
    if (conn->_preparing >= 0)
        end_preparation(conn, result);
    db_conn_move(conn, DB_CONN_IDLE);
    conn->_answer = result;
    conn->_env->on_answer(conn, result);
    PQclear(conn->_answer);
    conn->_answer = NULL;
}

PGresult *db_conn_keep_answer(struct db_conn *conn)
{
    PGresult *answer = conn->_answer;
    assert(answer != NULL);
    conn->_answer = NULL;
    return answer;
}

static void end_preparation(struct db_conn *conn, const PGresult *result)
{
    if (PQresultStatus(result) == PGRES_COMMAND_OK)
        conn->_missing &= ~(UINT32_C(1) << conn->_preparing);
    conn->_preparing = -1;
    conn->_prepared_at_us = clock_us();
}

/* Last, since some notifications come after an answer. */
static void give_notifications(struct db_conn *conn)
{
    PGnotify *notify;
    while (db_conn_is_up(conn) && (notify = PQnotifies(conn->_pg)) != NULL) {
        if (conn->_env->on_notify != NULL)
            conn->_env->on_notify(conn, notify->extra);
        PQfreemem(notify);
    }
}

/* PostgreSQL reports at once when a standby is promoted. Then the identity is no longer right. */
static void check_role(struct db_conn *conn)
{
    if (!db_conn_is_up(conn))
        return;
    const char *in_hot_standby = PQparameterStatus(conn->_pg, "in_hot_standby");
    bool was_standby = strstr(conn->identity, "/standby") != NULL;
    if (in_hot_standby != NULL && (strcmp(in_hot_standby, "on") == 0) != was_standby)
        db_conn_drop(conn, was_standby ? "the standby has become a primary"
                                       : "the primary has become a standby");
}

bool db_command_flush(struct db_conn *conn)
{
    int rest = PQflush(conn->_pg);
    if (rest == 1 && !h2o_socket_is_writing(conn->_sock))
        h2o_socket_notify_write(conn->_sock, on_writable);
    return rest >= 0;
}

bool db_command_read(struct db_conn *conn)
{
    if (PQconsumeInput(conn->_pg) == 1)
        return true;
    db_conn_down(conn, db_conn_loss_reason(conn));
    return false;
}

bool db_command_has_more(const struct db_conn *conn)
{
    SSL *tls = PQgetssl(conn->_pg);
    return tls != NULL && SSL_pending(tls) > 0;
}
