#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/db/ask.h"
#include "tests/support/database.h"
#include "tests/support/fail.h"

enum { ALL_MS = 20000, SOON_MS = 150 * TEST_PATIENCE };

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

TestSuite(connect, .init = make_archive, .fini = free_url, .timeout = 60);

/* The same database by other parameters; the last parameter of a name counts. */
static struct test_pool *pool_with(const char *parameters, struct db_pool_config config)
{
    char *other = test_format("%s&%s", url, parameters);
    struct test_pool *pool = test_pool_create(other, config);
    free(other);
    return pool;
}

/* A port on which nobody listens while the descriptor is open. */
static int bind_closed_port(int *ret_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, length), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

Test(connect, reports_at_once_that_no_server_listens)
{
    int port, fd = bind_closed_port(&port);
    char *parameters = test_format("port=%d", port);
    static struct ask early[10], late[10];
    struct test_pool *pool = pool_with(parameters, (struct db_pool_config){0});
    ask_ids(pool, early, 10);
    cr_assert(RUN_UNTIL(ALL_MS, db_pool_has_settled(pool->pool)));
    ask_finish_all(ALL_MS);
    ask_expect_all(early, 10, DB_UNAVAILABLE);

    ask_ids(pool, late, 10);
    ask_finish_all(ALL_MS);
    ask_expect_all(late, 10, DB_UNAVAILABLE);
    for (int i = 0; i < 10; i++) {
        cr_expect_lt(early[i].took_us, SOON_MS * 1000);
        cr_expect_lt(late[i].took_us, SOON_MS * 1000);
    }
    cr_expect_gt(strlen(db_pool_why_down(pool->pool)), 10);
    cr_expect_eq(pool->events[DB_POOL_NO_CONNECT], 2,
                 "each connection reports the same reason once");
    close(fd);
    free(parameters);
    test_pool_destroy(pool);
}

Test(connect, resolves_a_host_name)
{
    struct test_pool *pool = pool_with("host=localhost", (struct db_pool_config){0});
    cr_assert(RUN_UNTIL(ALL_MS, test_pool_is_up(pool)), "%s", db_pool_why_down(pool->pool));
    cr_expect_eq(ask_once(pool, DB_ARTICLE_BY_ID, 1), DB_OK);
    test_pool_destroy(pool);
}

Test(connect, reports_which_host_name_has_no_address)
{
    struct test_pool *pool = pool_with("host=no-such-host.invalid", (struct db_pool_config){0});
    cr_expect_eq(ask_once(pool, DB_ARTICLE_BY_ID, 1), DB_UNAVAILABLE);
    cr_assert(RUN_UNTIL(ALL_MS, pool->events[DB_POOL_NO_CONNECT] > 0));
    cr_expect(strstr(pool->why[DB_POOL_NO_CONNECT], "no-such-host.invalid") != NULL, "%s",
              pool->why[DB_POOL_NO_CONNECT]);
    test_pool_destroy(pool);
}

Test(connect, may_be_destroyed_while_it_resolves_a_name)
{
    for (int turns = 0; turns < 4; turns++) {
        struct test_pool *pool = pool_with("host=localhost", (struct db_pool_config){0});
        for (int i = 0; i < turns; i++)
            test_loop_turn(0);
        test_pool_destroy(pool);
    }
    for (int i = 0; i < 10; i++) /* the late result of the resolver */
        test_loop_turn(5);
}

/* The first port refuses, by address and by name; the third host is right. */
Test(connect, tries_the_next_host_when_the_first_refuses)
{
    int port, fd = bind_closed_port(&port);
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    const char *real_port = NULL;
    for (PQconninfoOption *o = options; o->keyword != NULL; o++)
        real_port = strcmp(o->keyword, "port") == 0 ? o->val : real_port;
    char *parameters =
        test_format("host=127.0.0.1,localhost,127.0.0.1&port=%d,%d,%s", port, port, real_port);
    struct test_pool *pool = pool_with(parameters, (struct db_pool_config){.connections = 3});
    cr_assert(RUN_UNTIL(ALL_MS, test_pool_is_up(pool)), "%s", db_pool_why_down(pool->pool));
    cr_expect_eq(ask_once(pool, DB_ARTICLE_BY_ID, 1), DB_OK);
    free(parameters);
    PQconninfoFree(options);
    close(fd);
    test_pool_destroy(pool);
}

static void expect_no_connect(struct test_pool *pool, const char *words)
{
    cr_assert(RUN_UNTIL(ALL_MS, pool->events[DB_POOL_NO_CONNECT] >= 2));
    cr_expect(strstr(pool->why[DB_POOL_NO_CONNECT], words) != NULL, "%s",
              pool->why[DB_POOL_NO_CONNECT]);
    cr_expect_str_eq(db_pool_why_down(pool->pool), pool->why[DB_POOL_NO_CONNECT]);
    cr_expect_null(strstr(pool->why[DB_POOL_NO_CONNECT], "verysecret"));
    cr_expect_null(strchr(pool->why[DB_POOL_NO_CONNECT], '\n'));
    cr_expect_eq(ask_once(pool, DB_PING, 0), DB_UNAVAILABLE);
}

Test(connect, reports_a_wrong_password_without_the_password)
{
    struct test_pool *pool = pool_with("password=verysecret", (struct db_pool_config){0});
    expect_no_connect(pool, "password authentication failed");
    test_pool_destroy(pool);
}

Test(connect, reports_that_a_role_has_too_many_connections)
{
    char *cluster = test_cluster_url(), *role = test_format("limited_%d", (int)getpid());
    test_sql(cluster, "create role %s login password 'verysecret' connection limit 0", role);
    char *parameters = test_format("user=%s&password=verysecret", role);
    struct test_pool *pool = pool_with(parameters, (struct db_pool_config){0});
    expect_no_connect(pool, "FATAL: too many connections for role");
    cr_expect_null(strstr(pool->why[DB_POOL_NO_CONNECT], "53300"), "the message is for people");
    cr_expect_null(strstr(pool->why[DB_POOL_NO_CONNECT], "LOCATION"));
    test_pool_destroy(pool);
    test_sql(cluster, "drop role %s", role);
    free(parameters);
    free(role);
    free(cluster);
}

/* One packet with "authenticated", "ready", and the end of the session. */
static void answer_and_end(int listener)
{
    static const char all[] = "R\0\0\0\10\0\0\0\0"
                              "Z\0\0\0\5I"
                              "E\0\0\0\34SFATAL\0C57P01\0Mthe end\0";
    int client = -1;
    cr_assert(RUN_UNTIL(ALL_MS, (client = accept(listener, NULL, NULL)) >= 0));
    cr_assert_eq(write(client, all, sizeof(all)), (ssize_t)sizeof(all));
    close(client);
}

/* The log has lines of JSON and no other lines. */
Test(connect, prints_nothing_when_the_session_ends_at_once)
{
    int port, fd = bind_closed_port(&port), stderr_kept = dup(STDERR_FILENO);
    FILE *printed = tmpfile();
    cr_assert(listen(fd, 8) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && printed != NULL);
    char *parameters = test_format("port=%d&sslmode=disable&gssencmode=disable", port);
    struct test_pool *pool = pool_with(parameters, (struct db_pool_config){0});
    dup2(fileno(printed), STDERR_FILENO);
    answer_and_end(fd);
    bool is_reported = RUN_UNTIL(ALL_MS, pool->events[DB_POOL_NO_CONNECT] > 0);
    dup2(stderr_kept, STDERR_FILENO);
    cr_expect(is_reported);
    cr_expect_eq(lseek(fileno(printed), 0, SEEK_END), 0, "libpq has printed something");
    fclose(printed);
    close(stderr_kept);
    close(fd);
    free(parameters);
    test_pool_destroy(pool);
}

Test(connect, reports_a_missing_table_and_connects_when_the_table_exists)
{
    char *empty = test_database_create_empty();
    struct test_pool *pool = test_pool_create(empty, (struct db_pool_config){0});
    expect_no_connect(pool, "does not exist");
    test_database_migrate(empty, "up");
    archive_fill(empty);
    cr_assert(RUN_UNTIL(ALL_MS, test_pool_is_up(pool)), "%s", db_pool_why_down(pool->pool));
    cr_expect_eq(ask_once(pool, DB_ARTICLE_BY_ID, 1), DB_OK);
    cr_expect_eq(counter_get(&pool->stats.reconnects), 0, "the connection was never lost");
    free(empty);
    test_pool_destroy(pool);
}
