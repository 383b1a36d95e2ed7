/* tests/support/cluster.h - a PostgreSQL of a test's own, which can be stopped, crashed, frozen and started.
 *
 * It keeps its port all the time, so its URL is good for its whole life. It is destroyed when the test
 * ends, however the test ends.
 * Errors: everything here aborts the test and says why. Threads: one. */
#ifndef BROADSHEET_TESTS_SUPPORT_CLUSTER_H
#define BROADSHEET_TESTS_SUPPORT_CLUSTER_H

struct test_cluster;

/* Runs, and its default database has the schema of migrations/. */
struct test_cluster *test_cluster_create(void);

/* Runs as a standby of the primary, and follows it. */
struct test_cluster *test_cluster_create_standby(const struct test_cluster *primary);

/* The standby becomes a primary. Returns when it takes writes. */
void test_cluster_promote(struct test_cluster *standby);

/* Writes a file into the data folder, which the server alone can read: a certificate, a key. */
void test_cluster_write_file(struct test_cluster *cluster, const char *name, const char *text);
void test_cluster_destroy(struct test_cluster *cluster);

const char *test_cluster_database(const struct test_cluster *cluster); /* the URL */

/* Do and undo. A stop ends its connections with a message; a crash ends them without one. */
void test_cluster_start(struct test_cluster *cluster);
void test_cluster_stop(struct test_cluster *cluster);
void test_cluster_crash(struct test_cluster *cluster);

/* While it is frozen, its connections stay open, the kernel accepts new ones, and nothing answers. */
void test_cluster_freeze(struct test_cluster *cluster);
void test_cluster_thaw(struct test_cluster *cluster);

#endif
