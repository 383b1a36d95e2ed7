/* tests/support/database.h - databases for tests.
 *
 * The cluster is the one that CTest started (BROADSHEET_TEST_CLUSTER, see tests/CMakeLists.txt), or
 * the one of BROADSHEET_TEST_DATABASE_URL: a URL whose user may create databases.
 * Errors: everything here aborts the test and reports why. Threads: any. */
#ifndef BROADSHEET_TESTS_SUPPORT_DATABASE_H
#define BROADSHEET_TESTS_SUPPORT_DATABASE_H

#include "tests/support/sql.h"

/* The URL of a new database for this process, with the schema of migrations/ and without rows. The
 * caller frees the URL; the database is dropped when the process ends. */
char *test_database_create(void);

/* The same, without the schema. */
char *test_database_create_empty(void);

/* Runs all steps of migrations/ against a database: direction is "up" or "down". */
void test_database_migrate(const char *url, const char *direction);

/* Runs a program that reads its address from DATABASE_URL; it must end with 0. */
void test_database_tool(const char *url, const char *const argv[]);

/* The default database of the cluster: for pg_stat_activity, pg_terminate_backend and the like. The caller frees it. */
char *test_cluster_url(void);

/* The same URL with another database name. The caller frees it. */
char *test_url_with_database(const char *url, const char *name);

/* The value of a part of a URL, such as "host", which must be there. The caller frees it. */
char *test_url_part(const char *url, const char *keyword);

#endif
