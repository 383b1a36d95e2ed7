/* tests/support/cluster.h - a PostgreSQL of a test's own, to be stopped, crashed, frozen and started.
 *
 * It keeps its port through all of that, so one URL is good for its whole life. It is destroyed when the
 * test ends, however it ends.
 * Errors: everything here aborts the test and says why. Threads: one. */
#ifndef BROADSHEET_TESTS_SUPPORT_CLUSTER_H
#define BROADSHEET_TESTS_SUPPORT_CLUSTER_H

struct test_cluster;

/* Runs, and its default database has the schema of migrations/. */
struct test_cluster *test_cluster_create(void);
void test_cluster_destroy(struct test_cluster *cluster);

const char *test_cluster_database(const struct test_cluster *cluster); /* the URL */

/* Do and undo. A stop ends its connections with a message; a crash ends them without one. */
void test_cluster_start(struct test_cluster *cluster);
void test_cluster_stop(struct test_cluster *cluster);
void test_cluster_crash(struct test_cluster *cluster);

/* Frozen, all its connections stay open, new ones are taken by the kernel, and nothing answers. */
void test_cluster_freeze(struct test_cluster *cluster);
void test_cluster_thaw(struct test_cluster *cluster);

#endif
