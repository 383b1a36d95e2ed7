/* TLS to PostgreSQL, with a certificate that is checked. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/db/ask.h"
#include "tests/support/cluster.h"
#include "tests/support/database.h"
#include "tests/support/fail.h"
#include "tests/support/process.h"

enum { ALL_MS = 60000 };

TestSuite(tls, .timeout = 240);

static char folder[] = "/tmp/broadsheet-tls-XXXXXX";

static char *path_of(const char *name, const char *end)
{
    return test_format("%s/%s.%s", folder, name, end);
}

/* A certificate for the host name localhost that is its own authority, and its key. */
static void make_certificate(const char *name)
{
    char *key = path_of(name, "key"), *certificate = path_of(name, "crt");
    free(test_output_of((const char *[]){"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                                         "-days", "2", "-subj", "/CN=localhost", "-addext",
                                         "subjectAltName=DNS:localhost", "-keyout", key, "-out",
                                         certificate, NULL}));
    free(key);
    free(certificate);
}

static void copy_to(struct test_cluster *cluster, const char *from, const char *name)
{
    char *text = test_output_of((const char *[]){"cat", from, NULL}),
         *line = test_format("%s\n", text);
    test_cluster_write_file(cluster, name, line);
    free(line);
    free(text);
}

static struct test_cluster *start_cluster(void)
{
    struct test_cluster *cluster = test_cluster_create();
    char *certificate = path_of("right", "crt"), *key = path_of("right", "key");
    const char *url = test_cluster_database(cluster);
    copy_to(cluster, certificate, "server.crt");
    copy_to(cluster, key, "server.key");
    test_sql(url, "alter system set ssl = on");
    test_sql(url, "select pg_reload_conf()");
    cr_assert(WAIT_UNTIL(ALL_MS, test_sql_number(url, "select count(*) from pg_settings"
                                                      " where name = 'ssl' and setting = 'on'")));
    archive_fill(url);
    free(key);
    free(certificate);
    return cluster;
}

static struct test_pool *pool_with(const struct test_cluster *cluster, const char *host,
                                   const char *authority)
{
    char *root = path_of(authority, "crt");
    char *url = test_format("%s&host=%s&sslmode=verify-full&sslrootcert=%s",
                            test_cluster_database(cluster), host, root);
    struct test_pool *pool = test_pool_create(url, (struct db_pool_config){0});
    free(url);
    free(root);
    return pool;
}

static void expect_refusal(const struct test_cluster *cluster, const char *host,
                           const char *authority, const char *words)
{
    struct test_pool *pool = pool_with(cluster, host, authority);
    cr_assert(RUN_UNTIL(ALL_MS, pool->events[DB_POOL_NO_CONNECT] > 0 &&
                                    strstr(pool->why[DB_POOL_NO_CONNECT], words) != NULL),
              "%s", db_pool_why_down(pool->pool));
    cr_expect_eq(ask_once(pool, DB_PING, 0), DB_UNAVAILABLE);
    cr_expect_eq(pool->events[DB_POOL_UP], 0);
    test_pool_destroy(pool);
}

static unsigned pieces;
static bool is_over;

static void on_piece(struct db_query *q)
{
    (void)q;
    pieces++;
}

static void on_done(struct db_query *q)
{
    cr_expect_eq(q->error, DB_OK, "%s", q->message);
    is_over = true;
}

/* OpenSSL decrypts more bytes at a time than libpq reads, and the loop gets no event for the
 * rest. */
static void expect_large_answers(struct test_pool *pool)
{
    static struct ask asks[ARCHIVE_N];
    ask_ids(pool, asks, ARCHIVE_N);
    ask_finish_all(ALL_MS);
    ask_expect_all(asks, ARCHIVE_N, DB_OK);
    struct db_query query = {
        .statement = DB_LARGE_ARTICLE, .id = 1, .on_row = on_piece, .done = on_done};
    db_query_start(pool->pool, &query);
    cr_assert(RUN_UNTIL(ALL_MS, is_over));
    cr_expect_gt(pieces, 70);
}

Test(tls, accepts_the_right_certificate_and_refuses_a_wrong_one)
{
    cr_assert_not_null(mkdtemp(folder));
    make_certificate("right");
    make_certificate("wrong");
    struct test_cluster *cluster = start_cluster();
    struct test_pool *pool = pool_with(cluster, "localhost", "right");
    cr_assert(RUN_UNTIL(ALL_MS, test_pool_is_up(pool)), "%s", db_pool_why_down(pool->pool));
    test_sql(test_cluster_database(cluster),
             "update articles set body = repeat('0123456789', 500000) where id = 1");
    expect_large_answers(pool);
    test_pool_destroy(pool);

    expect_refusal(cluster, "localhost", "wrong", "certificate verify failed");
    expect_refusal(cluster, "127.0.0.1", "right", "does not match host name");
    test_cluster_destroy(cluster);
    free(test_output_of((const char *[]){"rm", "-r", folder, NULL}));
}
