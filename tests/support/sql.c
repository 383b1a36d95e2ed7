/* SQL for tests, by plain blocking libpq.
 *
 *     test_sql --> is there a kept session for this URL? -- yes --> run --> keep it for the next call
 *                                                        -- no --> open one -^
 *
 * Opening a session costs more than most statements of tests, so each process keeps a few. A text that can leave
 * something behind in its session, or that ends or needs to be rid of other sessions, runs in a new session that
 * nobody uses afterwards. */
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fail.h"
#include "tests/support/sql.h"

enum { MAX_KEPT = 8 };

struct kept_session {
    char *url;
    PGconn *session;
};

static struct kept_session kept[MAX_KEPT];
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;

static PGresult *run(const char *url, const char *sql);
static PGconn *kept_for(const char *url);
static bool is_open(PGconn *session);
static void keep(const char *url, PGconn *session);
static void close_kept(void);
static bool leaves_traces(const char *sql);
static bool concerns_other_sessions(const char *sql);
static bool begins_a_statement_with(const char *sql, const char *word);
static char *value_of(const char *url, const char *sql);
static char *sql_format(const char *format, va_list arguments);
static PGresult *must(PGconn *session, const char *sql);

void test_sql(const char *url, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = sql_format(format, arguments);
    va_end(arguments);
    PQclear(run(url, sql));
    free(sql);
}

char *test_sql_value(const char *url, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = sql_format(format, arguments), *value = value_of(url, sql);
    va_end(arguments);
    free(sql);
    return value;
}

long test_sql_number(const char *url, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = sql_format(format, arguments), *value = value_of(url, sql);
    va_end(arguments);
    long number = strtol(value, NULL, 10);
    free(value);
    free(sql);
    return number;
}

PGconn *test_session_open(const char *url)
{
    PGconn *session = PQconnectdb(url);
    if (PQstatus(session) != CONNECTION_OK)
        test_fail("no connection to the database of the tests: %s", PQerrorMessage(session));
    PQclear(must(session, "set client_min_messages to warning"));
    return session;
}

void test_session_sql(PGconn *session, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = sql_format(format, arguments);
    va_end(arguments);
    PQclear(must(session, sql));
    free(sql);
}

PGresult *test_session_rows(PGconn *session, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = sql_format(format, arguments);
    va_end(arguments);
    PGresult *rows = must(session, sql);
    free(sql);
    return rows;
}

static char *value_of(const char *url, const char *sql)
{
    PGresult *result = run(url, sql);
    char *value = strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return value;
}

static PGresult *run(const char *url, const char *sql)
{
    bool is_plain = !leaves_traces(sql) && !concerns_other_sessions(sql);
    PGconn *session = is_plain ? kept_for(url) : NULL;
    if (session == NULL)
        session = test_session_open(url);
    PGresult *result = must(session, sql);
    if (is_plain && PQtransactionStatus(session) == PQTRANS_IDLE)
        keep(url, session);
    else
        PQfinish(session);
    return result;
}

/* Ownership moves to the caller. NULL when no open session is left. */
static PGconn *kept_for(const char *url)
{
    PGconn *session = NULL;
    pthread_mutex_lock(&kept_lock);
    for (size_t i = 0; i < MAX_KEPT && session == NULL; i++) {
        if (kept[i].url == NULL || strcmp(kept[i].url, url) != 0)
            continue;
        session = kept[i].session;
        free(kept[i].url);
        kept[i] = (struct kept_session){0};
        if (!is_open(session)) {
            PQfinish(session);
            session = NULL;
        }
    }
    pthread_mutex_unlock(&kept_lock);
    return session;
}

/* The first read may find the last message of the server; then only the second read finds the
 * end. */
static bool is_open(PGconn *session)
{
    for (int reads = 0; reads < 2; reads++)
        if (PQconsumeInput(session) == 0)
            return false;
    return PQstatus(session) == CONNECTION_OK;
}

static void keep(const char *url, PGconn *session)
{
    size_t i = 0;
    pthread_mutex_lock(&kept_lock);
    while (i < MAX_KEPT && kept[i].url != NULL)
        i++;
    if (i < MAX_KEPT)
        kept[i] = (struct kept_session){strdup(url), session};
    pthread_mutex_unlock(&kept_lock);
    if (i == MAX_KEPT)
        PQfinish(session);
}

static void close_kept(void)
{
    pthread_mutex_lock(&kept_lock);
    for (size_t i = 0; i < MAX_KEPT; i++) {
        free(kept[i].url);
        PQfinish(kept[i].session);
        kept[i] = (struct kept_session){0};
    }
    pthread_mutex_unlock(&kept_lock);
}

/* Does the text leave something behind in its session? A wrong yes only costs time. */
static bool leaves_traces(const char *sql)
{
    static const char *const signs[] = {"set_config", "advisory", "temp",
                                        "listen",     "prepare",  "session"};
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
        if (strcasestr(sql, signs[i]) != NULL)
            return true;
    return begins_a_statement_with(sql, "set") || begins_a_statement_with(sql, "load") ||
           begins_a_statement_with(sql, "begin");
}

/* Settings of databases and roles apply to new sessions. A database with sessions cannot be
 * renamed, dropped or copied. Some texts end other sessions. */
static bool concerns_other_sessions(const char *sql)
{
    static const char *const signs[] = {"database ",    "alter role",     "alter user",
                                        "alter system", "pg_reload_conf", "pg_terminate_backend"};
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
        if (strcasestr(sql, signs[i]) != NULL)
            return true;
    return false;
}

static bool begins_a_statement_with(const char *sql, const char *word)
{
    for (const char *start = sql; start != NULL; start = strchr(start, ';')) {
        start += strspn(start, "; \n\t");
        if (strncasecmp(start, word, strlen(word)) == 0)
            return true;
    }
    return false;
}

static char *sql_format(const char *format, va_list arguments)
{
    char *sql;
    if (vasprintf(&sql, format, arguments) < 0)
        abort();
    return sql;
}

static PGresult *must(PGconn *session, const char *sql)
{
    if (concerns_other_sessions(sql))
        close_kept();
    PGresult *result = PQexec(session, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        test_fail("%s: %.300s", PQresultErrorMessage(result), sql);
    return result;
}
