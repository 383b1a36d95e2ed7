/* SQL for tests, by plain blocking libpq. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fail.h"
#include "tests/support/sql.h"

static char *value_of(const char *url, const char *sql);
static char *sql_format(const char *format, va_list arguments);
static PGresult *must(PGconn *session, const char *sql);

void test_sql(const char *url, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = sql_format(format, arguments);
    va_end(arguments);
    PGconn *session = test_session_open(url);
    PQclear(must(session, sql));
    PQfinish(session);
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
    PGconn *session = test_session_open(url);
    PGresult *result = must(session, sql);
    char *value = strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(session);
    return value;
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
    PGresult *result = PQexec(session, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        test_fail("%s: %.300s", PQresultErrorMessage(result), sql);
    return result;
}
