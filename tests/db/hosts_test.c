/* DATABASE_URL names several hosts: some are silent, slow or read-only, or are other servers. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "db/db_sql.h"
#include "tests/db/ask.h"
#include "tests/support/database.h"
#include "tests/support/fail.h"

enum { ALL_MS = 60000, ACCEPT_AFTER_S = 4, BACKLOG_CONNECTIONS = 8 };

static char *url;

static void make_archive(void)
{
    url = test_database_create();
    archive_fill(url);
}

static void free_url(void)
{
    free(url);
}

TestSuite(hosts, .init = make_archive, .fini = free_url, .timeout = 120);

/* The same database; the hosts are 127.0.0.1 with these ports, in this order. */
static struct test_pool *pool_at(const char *ports)
{
    const char *host = strchr(ports, ',') != NULL ? "127.0.0.1,127.0.0.1" : "127.0.0.1";
    char *other = test_format("%s&host=%s&port=%s", url, host, ports);
    struct test_pool *pool = test_pool_create(other, (struct db_pool_config){0});
    free(other);
    return pool;
}

static char *first_then_real(int port)
{
    char *real = test_url_part(url, "port"), *ports = test_format("%d,%s", port, real);
    free(real);
    return ports;
}

/* A port on which the kernel accepts as many connections as the backlog has room for. */
static int listen_silently(int backlog, int *ret_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, length), 0);
    cr_assert_eq(listen(fd, backlog), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void connect_without_waiting(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)},
                                  .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int result = connect(fd, (struct sockaddr *)&address, sizeof(address));
    (void)result; /* the descriptor stays open until the end of the test */
}

static void terminate_backends(void)
{
    test_sql(url, "select pg_terminate_backend(pid) from pg_stat_activity"
                  " where datname = current_database() and pid <> pg_backend_pid()");
}

static void expect_service(struct test_pool *pool)
{
    cr_assert(RUN_UNTIL(ALL_MS, test_pool_is_up(pool)), "%s", db_pool_why_down(pool->pool));
    cr_expect_eq(ask_once(pool, DB_ARTICLE_BY_ID, 1), DB_OK);
    cr_expect_eq(ask_once(pool, DB_RELATED_BY_ID, 1), DB_OK);
}

Test(hosts, a_silent_host_does_not_hide_the_next_one)
{
    int port, fd = listen_silently(128, &port);
    char *ports = first_then_real(port);
    struct test_pool *pool = pool_at(ports);
    expect_service(pool);
    cr_expect(strstr(pool->why[DB_POOL_NO_CONNECT], "did not answer within 2 s") != NULL, "%s",
              pool->why[DB_POOL_NO_CONNECT]);
    terminate_backends();
    cr_assert(RUN_UNTIL(ALL_MS, counter_get(&pool->stats.reconnects) == 2));
    expect_service(pool);
    test_pool_destroy(pool);
    free(ports);
    close(fd);
}

Test(hosts, a_host_that_drops_packets_does_not_hide_the_next_one)
{
    int port, fd = listen_silently(0, &port);
    for (int i = 0; i < BACKLOG_CONNECTIONS; i++)
        connect_without_waiting(port);
    char *ports = first_then_real(port);
    struct test_pool *pool = pool_at(ports);
    expect_service(pool);
    test_pool_destroy(pool);
    free(ports);
    close(fd);
}

/* ---- a relay that accepts a connection four seconds late */

struct relay {
    int client, server, port;
};

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)},
                                  .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? fd : -1;
}

static bool pump(int from, int to)
{
    char bytes[65536];
    ssize_t n = read(from, bytes, sizeof(bytes));
    return n > 0 && send(to, bytes, (size_t)n, MSG_NOSIGNAL) == n;
}

static void *relay_one(void *p)
{
    struct relay *relay = p;
    sleep(ACCEPT_AFTER_S); /* the test is about this delay */
    relay->server = connect_to(relay->port);
    struct pollfd fds[] = {{relay->client, POLLIN, 0}, {relay->server, POLLIN, 0}};
    while (poll(fds, 2, -1) > 0) {
        if ((fds[0].revents != 0 && !pump(relay->client, relay->server)) ||
            (fds[1].revents != 0 && !pump(relay->server, relay->client)))
            break;
    }
    close(relay->client);
    close(relay->server);
    free(relay);
    return NULL;
}

static int relay_listener, relay_to;

static void *relay_all(void *unused)
{
    (void)unused;
    for (int client; (client = accept(relay_listener, NULL, NULL)) >= 0;) {
        struct relay *relay = calloc(1, sizeof(*relay));
        *relay = (struct relay){.client = client, .port = relay_to};
        pthread_t thread;
        pthread_create(&thread, NULL, relay_one, relay);
        pthread_detach(thread);
    }
    return NULL;
}

/* The threads end with the test. */
static int start_slow_relay(void)
{
    int port;
    char *real = test_url_part(url, "port");
    relay_to = atoi(real);
    relay_listener = listen_silently(128, &port);
    free(real);
    pthread_t thread;
    pthread_create(&thread, NULL, relay_all, NULL);
    pthread_detach(thread);
    return port;
}

Test(hosts, a_server_that_accepts_after_4_s_is_reached)
{
    char *port = test_format("%d", start_slow_relay());
    struct test_pool *pool = pool_at(port);
    expect_service(pool);
    test_pool_destroy(pool);
    free(port);
}

Test(hosts, a_server_that_accepts_after_4_s_is_reached_after_a_silent_one)
{
    int silent, fd = listen_silently(128, &silent);
    char *ports = test_format("%d,%d", silent, start_slow_relay());
    struct test_pool *pool = pool_at(ports);
    expect_service(pool);
    test_pool_destroy(pool);
    free(ports);
    close(fd);
}

Test(hosts, the_connect_timeout_of_the_url_is_the_limit_of_an_attempt)
{
    int port, fd = listen_silently(128, &port);
    char *parameters = test_format("%d&connect_timeout=3", port);
    struct test_pool *pool = pool_at(parameters);
    cr_assert(RUN_UNTIL(ALL_MS, pool->events[DB_POOL_NO_CONNECT] >= 2));
    cr_expect(strstr(pool->why[DB_POOL_NO_CONNECT], "within 3 s") != NULL, "%s",
              pool->why[DB_POOL_NO_CONNECT]);
    test_pool_destroy(pool);
    free(parameters);
    close(fd);
}

/* ---- which server */

static char *identity_of(const char *server)
{
    return test_sql_value(server, "%s", db_sql_server_identity);
}

Test(hosts, a_server_that_accepts_no_writes_is_refused)
{
    char *cluster = test_cluster_url();
    char *name = test_sql_value(url, "select current_database()");
    test_sql(cluster, "alter database %s set default_transaction_read_only = on", name);
    struct test_pool *pool = test_pool_create(url, (struct db_pool_config){0});
    cr_assert(RUN_UNTIL(ALL_MS, pool->events[DB_POOL_NO_CONNECT] >= 2));
    cr_expect(strstr(pool->why[DB_POOL_NO_CONNECT], "read-only") != NULL, "%s",
              pool->why[DB_POOL_NO_CONNECT]);
    cr_expect_eq(ask_once(pool, DB_PING, 0), DB_UNAVAILABLE);
    test_sql(cluster, "alter database %s reset default_transaction_read_only", name);
    expect_service(pool);
    test_pool_destroy(pool);
    free(cluster);
    free(name);
}

Test(hosts, a_pool_that_follows_a_server_accepts_no_other)
{
    char *identity = identity_of(url);
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    cr_expect_not(db_pool_follow(pool->pool, identity));
    expect_service(pool);
    cr_expect_eq(pool->events[DB_POOL_LOST], 0);

    cr_expect(db_pool_follow(pool->pool, "7/00000001/5/primary"), "the old one has answered");
    cr_expect_eq(pool->events[DB_POOL_LOST], 2);
    cr_expect(strstr(pool->why[DB_POOL_LOST], "7/00000001/5/primary") != NULL, "%s",
              pool->why[DB_POOL_LOST]);
    cr_assert(RUN_UNTIL(ALL_MS, pool->events[DB_POOL_NO_CONNECT] == 2));
    cr_expect_eq(ask_once(pool, DB_PING, 0), DB_UNAVAILABLE);
    cr_expect_not(db_pool_follow(pool->pool, "7/00000001/5/primary"),
                  "no server has answered since");

    cr_expect_not(db_pool_follow(pool->pool, NULL));
    expect_service(pool);
    cr_expect_not(db_pool_follow(pool->pool, NULL));
    cr_expect_not(db_pool_follow(pool->pool, identity), "only this one has answered");
    expect_service(pool);
    cr_expect(db_pool_follow(pool->pool, "8/00000001/5/primary"));
    test_pool_destroy(pool);
    free(identity);
}

Test(hosts, a_pool_remembers_that_another_server_answered_while_it_followed_none)
{
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    cr_expect_eq(ask_once(pool, DB_PING, 0), DB_OK);
    db_pool_follow(pool->pool, NULL);
    cr_expect(db_pool_follow(pool->pool, "7/00000001/5/primary"));
    test_pool_destroy(pool);
}
