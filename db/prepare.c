/* Prepares a connection for its first use, in one round trip:
 *
 *     db_prepare_start --> settings, identity, statements --> on_readable ... --> db_command_up
 *
 * The optional statements are left out: to prepare a statement waits for the locks of its tables. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/conn_private.h"
#include "db/db_sql.h"

static bool send_all(struct db_conn *conn);
static void take_result(struct db_conn *conn, PGresult *result);
static void read_identity(struct db_conn *conn, const PGresult *result);
static bool drop_wrong_server(struct db_conn *conn);
static void end(struct db_conn *conn);

void db_prepare_start(struct db_conn *conn)
{
    db_conn_move(conn, DB_CONN_PREPARING);
    if (!send_all(conn)) {
        db_conn_down(conn, db_conn_loss_reason(conn));
        return;
    }
    h2o_socket_read_start(conn->_sock, db_prepare_on_readable);
    db_command_flush(conn);
}

/* First the statement_timeout of the role ends: it may be too short for the other settings. */
static bool send_all(struct db_conn *conn)
{
    const struct db_statement_set *set = &conn->_env->statements;
    char statement_timeout[16];
    snprintf(statement_timeout, sizeof(statement_timeout), "%u",
             conn->_env->deadline_ms >= 10 ? conn->_env->deadline_ms / 10 * 9 : 1);
    const char *values[] = {statement_timeout};

    conn->identity[0] = '\0';
    conn->_missing = 0;
    bool sent =
        PQsetnonblocking(conn->_pg, 1) == 0 && PQenterPipelineMode(conn->_pg) == 1 &&
        PQsendQueryParams(conn->_pg, "set statement_timeout = 0", 0, NULL, NULL, NULL, NULL, 0) ==
            1 &&
        PQsendQueryParams(conn->_pg, db_sql_session_settings, 1, NULL, values, NULL, NULL, 0) ==
            1 &&
        PQsendQueryParams(conn->_pg, db_sql_server_identity, 0, NULL, NULL, NULL, NULL, 0) == 1;
    for (unsigned i = 0; sent && i < set->n; i++) {
        if (set->statements[i].optional)
            conn->_missing |= UINT32_C(1) << i;
        else
            sent = db_prepare_send(conn, i);
    }
    return sent && PQpipelineSync(conn->_pg) == 1;
}

bool db_prepare_send(struct db_conn *conn, unsigned statement)
{
    const struct db_statement_info *s = &conn->_env->statements.statements[statement];
    int nparams = 0;
    while (nparams < DB_STATEMENT_MAX_PARAMS && s->param_types[nparams] != 0)
        nparams++;
    return PQsendPrepare(conn->_pg, s->name, s->sql, nparams, s->param_types) == 1;
}

void db_prepare_on_readable(h2o_socket_t *sock, const char *error)
{
    struct db_conn *conn = sock->data;
    assert(error == NULL);

    do {
        if (!db_command_read(conn))
            return;
        while (conn->state == DB_CONN_PREPARING && !PQisBusy(conn->_pg)) {
            PGresult *result = PQgetResult(conn->_pg);
            if (result == NULL && PQstatus(conn->_pg) == CONNECTION_OK)
                continue; /* NULL separates the answers of a pipeline */
            take_result(conn, result);
        }
    } while (conn->state == DB_CONN_PREPARING && db_command_has_more(conn));
}

/* take_: the result is cleared here. NULL: the connection was lost. */
static void take_result(struct db_conn *conn, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_PIPELINE_SYNC) {
        end(conn);
    } else if (result == NULL) {
        db_conn_down(conn, db_conn_loss_reason(conn));
    } else if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        snprintf(conn->_connect.sqlstate, sizeof(conn->_connect.sqlstate), "%s",
                 sqlstate != NULL ? sqlstate : "");
        db_conn_down(conn, PQresultErrorMessage(result));
    } else if (PQfnumber(result, "identity") >= 0) {
        read_identity(conn, result);
        drop_wrong_server(conn);
    }
    PQclear(result);
}

/* True: the connection leads to another server than the one that is followed, and is down now. */
static bool drop_wrong_server(struct db_conn *conn)
{
    char why[sizeof(conn->why)];
    if (db_conn_wrong_server(conn, why, sizeof(why)) == NULL)
        return false;
    db_conn_down(conn, why);
    return true;
}

/* The server that is followed may have changed since the identity arrived. */
static void end(struct db_conn *conn)
{
    if (!drop_wrong_server(conn))
        db_command_up(conn);
}

static void read_identity(struct db_conn *conn, const PGresult *result)
{
    assert(PQntuples(result) == 1);
    snprintf(conn->identity, sizeof(conn->identity), "%s",
             PQgetvalue(result, 0, PQfnumber(result, "identity")));
    conn->allowed = (int)strtol(PQgetvalue(result, 0, PQfnumber(result, "allowed")), NULL, 10);
}
