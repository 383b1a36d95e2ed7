/* tests/support/cluster.h - a PostgreSQL for one test, which can be stopped, crashed, frozen and
 * started.
 *
 * It keeps its port, so its URL is valid for its whole life. It is destroyed when the test ends,
 * also when the test crashes.
 * Errors: everything here aborts the test and reports why. Threads: one. */
#ifndef BROADSHEET_TESTS_SUPPORT_CLUSTER_H
#define BROADSHEET_TESTS_SUPPORT_CLUSTER_H

struct test_cluster;

/* It runs, and its default database has the schema of migrations/. */
struct test_cluster *test_cluster_create(void);

/* It runs as a standby of the primary, and follows it. */
struct test_cluster *test_cluster_create_standby(const struct test_cluster *primary);

/* The standby becomes a primary. Returns when it takes writes. */
void test_cluster_promote(struct test_cluster *standby);

/* Writes a file into the data folder that only the server can read: a certificate, a key. */
void test_cluster_write_file(struct test_cluster *cluster, const char *name, const char *text);
void test_cluster_destroy(struct test_cluster *cluster);

const char *test_cluster_database(const struct test_cluster *cluster); /* the URL */

/* Each of them is undone by another one. A stop ends the connections with a message; a crash ends
 * them without one. */
void test_cluster_start(struct test_cluster *cluster);
void test_cluster_stop(struct test_cluster *cluster);
void test_cluster_crash(struct test_cluster *cluster);

/* While it is frozen, its connections stay open, the kernel accepts new ones, and nothing answers. */
void test_cluster_freeze(struct test_cluster *cluster);
void test_cluster_thaw(struct test_cluster *cluster);

#endif
