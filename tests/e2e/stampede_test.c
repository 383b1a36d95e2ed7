/* Ten thousand readers want the same article at the same moment, and no answer is in memory.
 * PostgreSQL gets one query of each kind from each thread. It counts them itself
 * (pg_stat_statements), in a cluster of this test. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/e2e/metric.h"
#include "tests/support/cluster.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"

enum {
    MAX_READERS = 10000 / TEST_SLOWNESS,
    NTHREADS = 2,
    ALL_MS = 15000 * TEST_SLOWNESS,
    OTHER_FILES = 200, /* descriptors of this process and of the server, without those of the
                        * readers */
};

static struct test_cluster *cluster;
static const char *url;
static struct http_connection readers[MAX_READERS];

static void make_cluster(void)
{
    cluster = test_cluster_create();
    url = test_cluster_database(cluster);
    test_sql(url, "alter system set shared_preload_libraries = 'pg_stat_statements'");
    test_cluster_stop(cluster);
    test_cluster_start(cluster);
    test_sql(url, "create extension pg_stat_statements");
    test_articles_insert(url);
    test_lists_keep(url);
}

TestSuite(stampede, .timeout = 120);

/* As many readers as the limit of open files allows, for us and for the server, which inherits the
 * limit. */
static unsigned count_readers(void)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    return files.rlim_max > MAX_READERS + OTHER_FILES ? MAX_READERS
                                                      : (unsigned)files.rlim_max - OTHER_FILES;
}

static struct test_server *start_server(const char *cache)
{
    const char *const env[] = {"BROADSHEET_THREADS=2", "BROADSHEET_DEADLINE_MS=60000",
                               "BROADSHEET_MAX_CONNECTIONS=20000", cache, NULL};
    struct test_server *server = test_server_start(url, env, NULL);
    cr_assert(WAIT_UNTIL(ALL_MS, is_feed_up(server)));
    return server;
}

/* How many statements look articles up by id in this database, and how many times each has run. */
static char *lookups(void)
{
    return test_sql_value(
        url, "select count(*) || ' statements, run ' || string_agg(calls::text, ' and ')"
             "  from pg_stat_statements s join pg_database d on d.oid = s.dbid"
             "  where d.datname = current_database() and query ~ 'any \\(\\$1\\)'");
}

static bool have_arrived(const struct test_server *server, unsigned n)
{
    return metric_of(server, "broadsheet_http_requests_in_flight", "") >= n;
}

static void send_all(const struct test_server *server, unsigned n, const char *const paths[],
                     unsigned npaths)
{
    for (unsigned i = 0; i < n; i++) {
        readers[i] = http_open(server);
        cr_assert(http_send(&readers[i], "GET", paths[i % npaths], NULL, NULL), "reader %u", i);
    }
}

/* 200 for everybody, and the same bytes for all readers of the same path. */
static void receive_all(unsigned n, const char *const paths[], unsigned npaths)
{
    struct http_answer first[2];
    unsigned wrong = 0;
    for (unsigned i = 0; i < npaths; i++) {
        first[i] = http_receive(&readers[i], false);
        cr_expect_eq(first[i].status, 200, "%s: %d", paths[i], first[i].status);
        cr_expect_str_eq(http_field(&first[i], "related-status"), "ok");
    }
    for (unsigned i = npaths; i < n; i++) {
        struct http_answer a = http_receive(&readers[i], false);
        const struct http_answer *same = &first[i % npaths];
        const char *etag = http_field(&a, "etag");
        wrong += a.status != 200 || a.length != same->length ||
                 memcmp(a.body, same->body, a.length) != 0 || etag == NULL ||
                 strcmp(etag, http_field(same, "etag")) != 0;
        http_answer_finish(&a);
    }
    cr_expect_eq(wrong, 0, "%u of %u answers are not as the first", wrong, n);
    for (unsigned i = 0; i < n; i++)
        http_reset(&readers[i]); /* without a waiting time for its port */
    for (unsigned i = 0; i < npaths; i++)
        http_answer_finish(&first[i]);
}

static void stampede(const char *cache, const char *const paths[], unsigned npaths)
{
    unsigned n = count_readers();
    struct test_server *server = start_server(cache);
    test_sql(url, "select pg_stat_statements_reset()");
    PGconn *lock = test_lock(url, "article_views, related_views");
    send_all(server, n, paths, npaths);
    cr_assert(WAIT_UNTIL(ALL_MS, have_arrived(server, n)), "not all requests have arrived");
    test_unlock(lock);
    receive_all(n, paths, npaths);

    char *counted = lookups();
    cr_expect_str_eq(counted, "2 statements, run 2 and 2"); /* once by each thread */
    cr_expect_eq(metric_of(server, "broadsheet_db_batch_ids_sum", ""), 2 * NTHREADS);
    cr_expect_eq(test_server_stop(server), 0);
    printf("stampede: %u readers, %s: %s\n", n, cache, counted);
    free(counted);
}

Test(stampede, makes_one_query_of_each_kind_a_thread_with_and_without_a_cache)
{
    static const char *const article[] = {"/articles/1"};
    static const char *const article_and_list[] = {"/articles/1", "/articles/1/related"};
    make_cluster();
    stampede("BROADSHEET_CACHE_MB=64", article, 1);
    stampede("BROADSHEET_CACHE_MB=0", article, 1);
    stampede("BROADSHEET_CACHE_MB=64", article_and_list, 2);
    test_cluster_destroy(cluster);
}
