/* The primary crashes and its standby is promoted. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "db/db_sql.h"
#include "tests/db/ask.h"
#include "tests/support/cluster.h"
#include "tests/support/database.h"
#include "tests/support/fail.h"

enum { ALL_MS = 60000 };

TestSuite(failover, .timeout = 240);

static char *identity_of(const char *server)
{
    return test_sql_value(server, "%s", db_sql_server_identity);
}

static void expect_service(struct test_pool *pool)
{
    cr_assert(RUN_UNTIL(ALL_MS, test_pool_is_up(pool)), "%s", db_pool_why_down(pool->pool));
    cr_expect_eq(ask_once(pool, DB_ARTICLE_BY_ID, 1), DB_OK);
    cr_expect_eq(ask_once(pool, DB_RELATED_BY_ID, 1), DB_OK);
}

Test(failover, reads_continue_at_the_promoted_standby)
{
    struct test_cluster *primary = test_cluster_create();
    archive_fill(test_cluster_database(primary));
    struct test_cluster *standby = test_cluster_create_standby(primary);
    const char *url = test_cluster_database(primary);
    char *port = test_url_part(url, "port"),
         *standby_port = test_url_part(test_cluster_database(standby), "port"),
         *ports = test_format("%s,%s", standby_port, port);
    char *both = test_format("%s&host=127.0.0.1,127.0.0.1&port=%s", url, ports);
    struct test_pool *pool = test_pool_create(both, (struct db_pool_config){0});
    expect_service(pool);
    char *old = identity_of(url);
    cr_expect_not(db_pool_follow(pool->pool, old), "only the primary has answered");
    cr_assert(WAIT_UNTIL(ALL_MS, test_sql_number(test_cluster_database(standby),
                                                 "select count(*) from articles") == ARCHIVE_N));

    test_cluster_crash(primary);
    cr_assert(RUN_UNTIL(ALL_MS, ask_once(pool, DB_PING, 0) == DB_UNAVAILABLE));
    test_cluster_promote(standby);
    char *now = identity_of(test_cluster_database(standby));
    cr_expect_str_neq(now, old);
    cr_expect_not(db_pool_follow(pool->pool, now), "no other server has answered since");
    expect_service(pool);
    cr_expect(strstr(pool->why[DB_POOL_NO_CONNECT], "is not") == NULL ||
                  strstr(pool->why[DB_POOL_NO_CONNECT], old) != NULL,
              "%s", pool->why[DB_POOL_NO_CONNECT]);

    /* The old primary is back and accepts writes, and nobody connects to it. */
    test_cluster_start(primary);
    test_sql(test_cluster_database(standby),
             "select pg_terminate_backend(pid) from pg_stat_activity"
             " where datname = current_database() and pid <> pg_backend_pid()");
    cr_assert(RUN_UNTIL(ALL_MS, counter_get(&pool->stats.reconnects) == 4));
    expect_service(pool);
    cr_expect_not(db_pool_follow(pool->pool, now), "only the new primary has answered");
    test_pool_destroy(pool);
    test_cluster_destroy(standby);
    test_cluster_destroy(primary);
    free(both);
    free(ports);
    free(standby_port);
    free(port);
    free(old);
    free(now);
}
