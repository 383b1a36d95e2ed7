/* A database that stops, comes back, and freezes. Each test has a PostgreSQL of its own. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cluster.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"

enum {
    DEADLINE_MS = 1000,
    SLACK_MS = 400 * TEST_PATIENCE,
    AWAY_MS = 300 * TEST_PATIENCE,
    HEALING_MS = 2000 * TEST_SLOWNESS,
    READERS = 4
};

static const char *const env[] = {"BROADSHEET_CACHE_MB=0", "BROADSHEET_THREADS=1",
                                  "BROADSHEET_DEADLINE_MS=1000", NULL};
static const char *const patient[] = {"BROADSHEET_CACHE_MB=0", "BROADSHEET_THREADS=1",
                                      "BROADSHEET_DEADLINE_MS=10000", NULL};

static struct test_cluster *cluster;
static const char *url;
static struct test_server *server;

static void make_cluster(void)
{
    cluster = test_cluster_create();
    url = test_cluster_database(cluster);
    test_articles_insert(url);
}

static void destroy_cluster(void)
{
    cr_expect_eq(test_server_stop(server), 0);
    test_cluster_destroy(cluster);
}

TestSuite(outage, .init = make_cluster, .fini = destroy_cluster, .timeout = 60);

static int status_of(const char *path)
{
    struct http_answer a = http_get(server, path);
    int status = a.status;
    http_answer_finish(&a);
    return status;
}

static void expect_away(void)
{
    struct http_answer a = http_get(server, "/articles/1");
    expect_problem(&a, 503, "no database");
    const char *retry = http_field(&a, "retry-after");
    cr_expect(retry != NULL && strtol(retry, NULL, 10) > 0, "Retry-After is %s", retry);
    cr_expect_lt(a.took_ms, AWAY_MS, "%lu ms", a.took_ms);
    http_answer_finish(&a);

    struct http_answer ready = http_get(server, "/readyz");
    expect_problem(&ready, 503, "/readyz without a database");
    http_answer_finish(&ready);
    cr_expect_eq(status_of("/healthz"), 200);
    cr_expect_eq(status_of("/metrics"), 200);
}

static void expect_recovery(const char *from_what)
{
    cr_expect(
        WAIT_UNTIL(HEALING_MS, status_of("/articles/1") == 200 && status_of("/readyz") == 200),
        "not recovered after %s", from_what);
}

Test(outage, the_server_starts_without_a_database_and_serves_when_it_comes)
{
    test_cluster_stop(cluster);
    server = test_server_start(url, patient, NULL);
    expect_away(); /* also for the first request */
    expect_away();

    test_cluster_start(cluster);
    expect_recovery("a start without a database");
}

Test(outage, the_server_starts_while_the_database_is_frozen)
{
    test_cluster_freeze(cluster);
    server = test_server_start(url, env, NULL);
    struct http_answer a = http_get(server, "/articles/1");
    cr_expect(a.status == 503 || a.status == 504, "%d", a.status);
    cr_expect_lt(a.took_ms, DEADLINE_MS + SLACK_MS, "%lu ms", a.took_ms);
    http_answer_finish(&a);
    cr_expect_eq(status_of("/healthz"), 200);

    test_cluster_thaw(cluster);
    expect_recovery("a start on a frozen database");
}

/* Readers that check their answers: the right article, or 503 or 504, on connections that stay
 * open. */
static struct {
    atomic_bool is_over;
    atomic_uint right, away, wrong, dropped;
} readers;

static void *read_on(void *arg)
{
    unsigned seed = *(unsigned *)arg;
    struct http_connection c = http_open(server);
    while (!readers.is_over) {
        char path[32];
        long id = 1 + (long)(seed = seed * 1103515245U + 12345U) / 65536 % SITE_ARTICLES;
        snprintf(path, sizeof(path), "/articles/%ld", id);
        http_send(&c, "GET", path, NULL, NULL);
        struct http_answer a = http_receive(&c, false);
        if (is_article(&a, id))
            readers.right++;
        else if (a.status == 503 || a.status == 504)
            readers.away++;
        else if (a.status != 0)
            readers.wrong++;
        else
            readers.dropped++;
        const char *connection = http_field(&a, "connection");
        if (a.status == 0 || (connection != NULL && strcmp(connection, "close") == 0)) {
            http_close(&c);
            c = http_open(server);
        }
        http_answer_finish(&a);
        /* The database needs the processor too. */
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    http_close(&c);
    return NULL;
}

/* False for an answer whose rows came before the freeze: a request may join a look-up of another reader. */
static bool is_given_up(const char *path)
{
    struct http_answer a = http_get(server, path);
    bool is = a.status == 503 || a.status == 504;
    cr_expect(is || a.status == 200, "%d", a.status);
    cr_expect_lt(a.took_ms, DEADLINE_MS + SLACK_MS, "%lu ms", a.took_ms);
    http_answer_finish(&a);
    return is;
}

Test(outage, readers_never_get_a_wrong_answer_during_any_fault)
{
    pthread_t threads[READERS];
    unsigned seeds[READERS] = {1, 2, 3, 4};
    server = test_server_start(url, env, NULL);
    expect_recovery("nothing");
    for (size_t i = 0; i < READERS; i++)
        pthread_create(&threads[i], NULL, read_on, &seeds[i]);

    test_cluster_stop(cluster);
    cr_expect(WAIT_UNTIL(2000, status_of("/readyz") == 503));
    expect_away();
    test_cluster_start(cluster);
    expect_recovery("a stop and a start");

    test_cluster_crash(cluster);
    cr_expect(WAIT_UNTIL(2000, status_of("/readyz") == 503));
    expect_away();
    test_cluster_start(cluster);
    expect_recovery("a crash");

    test_cluster_freeze(cluster);
    cr_expect(WAIT_UNTIL(1000, is_given_up("/articles/2")), "an answer of a frozen database");
    cr_expect(WAIT_UNTIL(3000 * TEST_SLOWNESS, status_of("/readyz") == 503),
              "ready, with a frozen database");
    test_cluster_thaw(cluster);
    expect_recovery("a freeze");

    readers.is_over = true;
    for (size_t i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(readers.wrong, 0, "%u wrong answers", readers.wrong);
    cr_expect_eq(readers.dropped, 0, "%u dropped connections", readers.dropped);
    cr_expect(readers.right > 0 && readers.away > 0, "%u right, %u away", readers.right,
              readers.away);
    cr_expect_leq(
        test_sql_number(url,
                        "select count(*) from pg_stat_activity where datname = current_database()"
                        "  and pid <> pg_backend_pid()"),
        2 + SERVER_OWN_CONNECTIONS, "connections are left behind");
}

Test(outage, the_server_drains_without_a_database)
{
    server = test_server_start(url, env, NULL);
    test_cluster_stop(cluster);
    cr_expect(WAIT_UNTIL(2000, status_of("/readyz") == 503));
    uint64_t start = test_now_ms();
    cr_expect_eq(test_server_stop(server), 0);
    cr_expect_lt(test_now_ms() - start, DEADLINE_MS + SLACK_MS);
    test_cluster_start(cluster);
    server = test_server_start(url, env, NULL);
}
