/* tests/support/sql.h - SQL for tests.
 *
 * Errors: everything here aborts the test and reports why. Threads: any, but each PGconn on one. */
#ifndef BROADSHEET_TESTS_SUPPORT_SQL_H
#define BROADSHEET_TESTS_SUPPORT_SQL_H

#include <libpq-fe.h>

/* One statement or several. Settings, temporary tables and the like do not outlive the call. The
 * session may outlive it: the process keeps it, idle and outside any transaction, for the next call
 * with the same URL. */
void test_sql(const char *url, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The first column of the first row as text, "" for null or no row. The caller frees it. */
char *test_sql_value(const char *url, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
long test_sql_number(const char *url, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A session that the test owns, for example to hold a transaction open with its locks. PQfinish ends it. */
PGconn *test_session_open(const char *url);
void test_session_sql(PGconn *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The rows of one statement; the caller clears them. */
PGresult *test_session_rows(PGconn *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
