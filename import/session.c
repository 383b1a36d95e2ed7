/* A blocking connection.
 *
 *     session_init --> session_run, session_number, copy_start - data - end --> session_finish
 *                        each: send, wait, and map an error to AGAIN, REFUSED or FAILED           */
#include "import/session.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_conninfo(struct session *session, const char *database_url);
static bool set_parameters(struct session *session);
static enum session_result result_of(struct session *session, const PGresult *result);
static enum session_result sort_error(const char *sqlstate);
static void keep_error(struct session *session, const char *sqlstate, const char *message);
static void ignore_notice(void *unused, const char *message);

enum { COPY_PIECE_BYTES = 64 * 1024 };

bool session_init(struct session *session, const char *database_url)
{
    /* The URL (dbname) overrides the settings before it. The settings after it override the URL. */
    static const char *const keys[] = {"connect_timeout",
                                       "tcp_user_timeout",
                                       "fallback_application_name",
                                       "target_session_attrs",
                                       "dbname",
                                       "client_encoding",
                                       NULL};
    const char *const values[] = {"10",   "60000", "broadsheet import", "read-write", database_url,
                                  "UTF8", NULL};

    *session = (struct session){0};
    if (!is_conninfo(session, database_url))
        return false;
    session->_conn = PQconnectdbParams(keys, values, 1);
    if (session->_conn == NULL)
        abort();
    if (PQstatus(session->_conn) != CONNECTION_OK) {
        keep_error(session, "", PQerrorMessage(session->_conn));
        return false;
    }
    PQsetNoticeProcessor(session->_conn, ignore_notice, NULL);
    return set_parameters(session);
}

/* The role and the database may have any settings, so we set all that our statements rely on. The
 * time limit comes first and by itself: it may be too short for the rest. */
static bool set_parameters(struct session *session)
{
    return session_run(session, "set statement_timeout = '10min'", NULL) == SESSION_OK &&
           session_run(session,
                       "select pg_catalog.set_config(s.name, s.value, false) from (values"
                       " ('lock_timeout', '60s'),"
                       " ('idle_in_transaction_session_timeout', '0'),"
                       " ('idle_session_timeout', '0'),"
                       " ('default_transaction_isolation', 'read committed'),"
                       " ('default_transaction_read_only', 'off'),"
                       " ('default_transaction_deferrable', 'off'),"
                       " ('search_path', 'public'),"
                       " ('row_security', 'on'),"
                       " ('TimeZone', 'UTC'),"
                       " ('DateStyle', 'ISO, MDY'),"
                       " ('IntervalStyle', 'postgres'),"
                       " ('standard_conforming_strings', 'on'),"
                       " ('client_min_messages', 'warning'),"
                       " ('work_mem', '32MB'),"
                       " ('jit', 'off')"
                       ") s (name, value)",
                       NULL) == SESSION_OK;
}

void session_finish(struct session *session)
{
    PQfinish(session->_conn);
    session->_conn = NULL;
}

/* When libpq can't read a URL, its message quotes the URL, with the password. So we ask it first, and
 * write a message of our own. */
static bool is_conninfo(struct session *session, const char *database_url)
{
    PQconninfoOption *options = PQconninfoParse(database_url, NULL);
    bool is_good = options != NULL, is_number = true;

    for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++)
        if (strcmp(o->keyword, "port") == 0 && o->val != NULL)
            is_number = strspn(o->val, "0123456789,") == strlen(o->val);
    PQconninfoFree(options);
    if (!is_good || !is_number)
        snprintf(
            session->error, sizeof(session->error),
            "DATABASE_URL can't be read%s: give it as postgres://user:password@host:port/name, "
            "with %%40 for @, %%3A for : and %%2F for / in the password",
            is_good ? " (its port is not a number)" : "");
    return is_good && is_number;
}

enum session_result session_run(struct session *session, const char *sql, long *ret_rows)
{
    PGresult *result = PQexec(session->_conn, sql);
    enum session_result status = result_of(session, result);

    if (status == SESSION_OK && ret_rows != NULL)
        *ret_rows = strtol(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return status;
}

enum session_result session_number(struct session *session, const char *sql, long argument,
                                   long *ret_number)
{
    char text[24];
    const char *const values[] = {text};

    snprintf(text, sizeof(text), "%ld", argument);
    PGresult *result = PQexecParams(session->_conn, sql, 1, NULL, values, NULL, NULL, 0);
    enum session_result status = result_of(session, result);
    if (status == SESSION_OK)
        *ret_number = strtol(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return status;
}

enum session_result session_copy_start(struct session *session, const char *sql)
{
    return session_run(session, sql, NULL);
}

/* session_copy_end reports a failure of this function. The data goes in pieces, because libpq copies each piece
 * into a buffer that never shrinks. */
void session_copy_data(struct session *session, const char *data, size_t bytes)
{
    while (bytes > 0) {
        size_t piece = bytes < COPY_PIECE_BYTES ? bytes : COPY_PIECE_BYTES;
        if (PQputCopyData(session->_conn, data, (int)piece) != 1)
            return;
        data += piece;
        bytes -= piece;
    }
}

enum session_result session_copy_end(struct session *session)
{
    enum session_result status = SESSION_OK;

    if (PQputCopyEnd(session->_conn, NULL) != 1) {
        keep_error(session, "", PQerrorMessage(session->_conn));
        status = SESSION_FAILED;
    }
    for (PGresult *result; (result = PQgetResult(session->_conn)) != NULL; PQclear(result))
        if (status == SESSION_OK)
            status = result_of(session, result);
    return status;
}

static enum session_result result_of(struct session *session, const PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_IN:
        return SESSION_OK;
    default:
        break;
    }
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (sqlstate == NULL || PQstatus(session->_conn) != CONNECTION_OK) {
        keep_error(session, "", PQerrorMessage(session->_conn));
        return SESSION_FAILED;
    }
    keep_error(session, sqlstate, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    return sort_error(sqlstate);
}

static enum session_result sort_error(const char *sqlstate)
{
    static const char *const again[] = {"40001", "40P01",
                                        "55P03"}; /* ..., deadlock, lock_timeout */

    for (size_t i = 0; i < sizeof(again) / sizeof(again[0]); i++)
        if (strcmp(sqlstate, again[i]) == 0)
            return SESSION_AGAIN;
    bool is_about_data = strncmp(sqlstate, "22", 2) == 0 || strncmp(sqlstate, "23", 2) == 0;
    return is_about_data ? SESSION_REFUSED : SESSION_FAILED;
}

static void keep_error(struct session *session, const char *sqlstate, const char *message)
{
    bool has_no_schema = strcmp(sqlstate, "42P01") == 0 || strcmp(sqlstate, "42883") == 0;

    snprintf(session->error, sizeof(session->error), "%s%s",
             message != NULL ? message : "no reason given",
             has_no_schema ? "; bring the database up to date with ./dev migrate" : "");
    size_t end = strlen(session->error);
    while (end > 0 && session->error[end - 1] == '\n')
        session->error[--end] = '\0';
    for (char *c = session->error; *c != '\0'; c++)
        if (*c == '\n')
            *c = ' ';
}

static void ignore_notice(void *unused, const char *message)
{
    (void)unused;
    (void)message;
}
