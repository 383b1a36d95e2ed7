#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/db/ask.h"
#include "tests/support/cluster.h"
#include "tests/support/database.h"

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

/* For tests that make an archive of their own. */
TestSuite(pool_after_loss_of_server, .timeout = 120);
TestSuite(pool_after_loss, .init = make_archive, .fini = free_url, .timeout = 60);

/* Ends the pool's connections on the side of the server. */
static void terminate_backends(PGconn *admin)
{
    test_session_sql(admin, "select pg_terminate_backend(pid) from pg_stat_activity"
                            " where datname = current_database() and pid <> pg_backend_pid()");
}

static bool is_down(const struct test_pool *pool)
{
    return counter_get(&pool->stats.connections[DB_CONN_IDLE]) == 0 &&
           counter_get(&pool->stats.connections[DB_CONN_BUSY]) == 0;
}

static long busy_backends(void)
{
    return test_sql_number(url, "select count(*) from pg_stat_activity"
                                " where datname = current_database() and wait_event_type = 'Lock'");
}

Test(pool_after_loss, answers_the_queries_of_a_terminated_backend)
{
    enum { N = 150 };
    static struct ask asks[N];
    PGconn *holder = test_session_open(url);
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    test_session_sql(holder,
                     "begin; lock table article_views, related_views in access exclusive mode");
    ask_ids(pool, asks, N);
    cr_assert(RUN_UNTIL(ALL_MS, busy_backends() == 2));
    terminate_backends(holder);
    test_session_sql(holder, "commit");
    ask_finish_all(ALL_MS);
    ask_expect_all(asks, N, DB_OK);
    cr_expect_eq(pool->events[DB_POOL_LOST], 2);
    cr_expect_str_eq(pool->why[DB_POOL_LOST],
                     "terminating connection due to administrator command");
    cr_expect_geq(counter_get(&pool->stats.reconnects), 1);
    cr_expect_gt(counter_get(&pool->stats.retries), 0);
    PQfinish(holder);
    test_pool_destroy(pool);
}

Test(pool_after_loss, answers_the_only_query_of_a_terminated_backend)
{
    struct ask article = {0}, slug = {0};
    PGconn *holder = test_session_open(url);
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){.connections = 4});
    test_session_sql(holder, "begin; lock table articles, article_views in access exclusive mode");
    ask_id(pool, &article, DB_ARTICLE_BY_ID, 8);
    ask_param(pool, &slug, DB_ARTICLE_BY_SLUG, "article-8");
    cr_assert(RUN_UNTIL(ALL_MS, busy_backends() == 2));
    terminate_backends(holder);
    test_session_sql(holder, "commit");
    ask_finish_all(ALL_MS);
    cr_expect_eq(article.error, DB_OK, "%d %s", article.error, article.message);
    cr_expect_eq(slug.error, DB_OK, "%d %s", slug.error, slug.message);
    PQfinish(holder);
    test_pool_destroy(pool);
}

/* Every second answer cancels another query, which may belong to the same lost command. */
enum { NEIGHBOURS = 120 };
static struct ask *neighbours[NEIGHBOURS];

static void on_answer(struct ask *ask)
{
    struct ask **next = NULL;
    for (int i = 0; i < NEIGHBOURS; i++) {
        if (neighbours[i] == ask)
            neighbours[i] = NULL;
        else if (neighbours[i] != NULL)
            next = &neighbours[i];
    }
    free(ask);
    if (next != NULL && random() % 2 == 0) {
        ask_cancel(*next);
        free(*next);
        *next = NULL;
    }
}

Test(pool_after_loss, lets_queries_be_cancelled_while_connections_are_lost)
{
    PGconn *admin = test_session_open(url);
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){.connections = 3});
    for (int round = 0; round < 20; round++) {
        if (round % 2 == 0)
            test_session_sql(admin, "begin; lock table article_views in access exclusive mode");
        for (int i = 0; i < NEIGHBOURS; i++) {
            neighbours[i] = calloc(1, sizeof(*neighbours[i]));
            neighbours[i]->then = on_answer;
            ask_id(pool, neighbours[i], i % 3 ? DB_ARTICLE_BY_ID : DB_RELATED_BY_ID, i + 1);
        }
        for (int turns = random() % 4; turns > 0; turns--)
            test_loop_turn(1);
        terminate_backends(admin);
        if (round % 2 == 0)
            test_session_sql(admin, "commit");
        ask_finish_all(ALL_MS);
    }
    cr_expect_eq(counter_get(&pool->stats.waiting), 0);
    PQfinish(admin);
    test_pool_destroy(pool);
}

Test(pool_after_loss, notices_the_loss_of_an_idle_connection_and_reconnects)
{
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    PGconn *admin = test_session_open(url);
    for (unsigned round = 1; round <= 3; round++) {
        terminate_backends(admin);
        cr_assert(RUN_UNTIL(ALL_MS, counter_get(&pool->stats.reconnects) == 2 * round));
        cr_assert(RUN_UNTIL(ALL_MS, test_pool_is_up(pool)));
        cr_expect_eq(ask_once(pool, DB_ARTICLE_BY_ID, round), DB_OK);
    }
    cr_expect_eq(pool->events[DB_POOL_LOST], 2, "each connection reports it once");
    cr_expect_str_eq(pool->why[DB_POOL_LOST],
                     "terminating connection due to administrator command");
    PQfinish(admin);
    test_pool_destroy(pool);
}

Test(pool_after_loss, fails_only_the_row_that_makes_postgresql_fail)
{
    static struct ask asks[64];
    test_sql(url, "alter table article_views rename to article_views_kept;"
                  "create view article_views as select article_id, status, depends_on,"
                  " case when 1 / (article_id - 13) = 7 then '' else document end as document"
                  " from article_views_kept");
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    for (int i = 0; i < 64; i++)
        ask_id(pool, &asks[i], DB_ARTICLE_BY_ID, i + 1);
    ask_finish_all(ALL_MS);
    for (int i = 0; i < 64; i++)
        cr_expect_eq(asks[i].error, i + 1 == 13 ? DB_FAILED : DB_OK, "id %d: %d", i + 1,
                     asks[i].error);
    cr_expect_str_eq(asks[12].message, "division by zero");
    cr_expect_eq(pool->events[DB_POOL_LOST], 0);
    cr_expect_eq(counter_get(&pool->stats.retries), 64);
    cr_expect_eq(ask_once(pool, DB_ARTICLE_BY_ID, 13), DB_FAILED);
    cr_expect_eq(ask_once(pool, DB_ARTICLE_BY_ID, 14), DB_OK);
    test_pool_destroy(pool);
}

Test(pool_after_loss, adapts_to_a_change_of_the_tables_without_a_failed_query)
{
    enum { N = 100 };
    static struct ask asks[N];
    const char *const types[] = {"varchar(10000)", "text", "varchar(20000)"};
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    ask_ids(pool, asks, N);
    ask_finish_all(ALL_MS);
    ask_expect_all(asks, N, DB_OK);
    for (int round = 0; round < 3; round++) {
        test_sql(url, "alter table article_views alter column document type %s", types[round]);
        ask_ids(pool, asks, N);
        ask_finish_all(ALL_MS);
        ask_expect_all(asks, N, DB_OK);
    }
    test_pool_destroy(pool);
}

Test(pool_after_loss, adapts_to_a_change_of_the_tables_when_the_first_query_comes_alone)
{
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    test_sql(url, "alter table article_views alter column document type varchar(10000)");
    cr_expect_eq(ask_once(pool, DB_ARTICLE_BY_ID, 1), DB_OK);
    cr_expect_eq(ask_once(pool, DB_RELATED_BY_ID, 1), DB_OK);
    test_pool_destroy(pool);
}

Test(pool_after_loss_of_server, reconnects_by_itself_after_a_restart_and_a_crash)
{
    static struct ask asks[20];
    struct test_cluster *cluster = test_cluster_create();
    archive_fill(test_cluster_database(cluster));
    struct test_pool *pool =
        test_pool_create_up(test_cluster_database(cluster), (struct db_pool_config){0});

    for (unsigned round = 1; round <= 2; round++) {
        if (round == 1)
            test_cluster_stop(cluster);
        else
            test_cluster_crash(cluster);
        cr_assert(RUN_UNTIL(ALL_MS, is_down(pool)));
        cr_assert(RUN_UNTIL(ALL_MS, ask_once(pool, DB_PING, 0) == DB_UNAVAILABLE));
        ask_ids(pool, asks, 20);
        ask_finish_all(ALL_MS);
        ask_expect_all(asks, 20, DB_UNAVAILABLE);
        for (int i = 0; i < 20; i++)
            cr_expect_lt(asks[i].took_us, SOON_MS * 1000);

        test_cluster_start(cluster);
        cr_assert(RUN_UNTIL(ALL_MS, test_pool_is_up(pool)), "%s", db_pool_why_down(pool->pool));
        cr_expect_eq(counter_get(&pool->stats.reconnects), 2 * round);
        ask_ids(pool, asks, 20);
        ask_finish_all(ALL_MS);
        ask_expect_all(asks, 20, DB_OK);
    }
    test_pool_destroy(pool);
    test_cluster_destroy(cluster);
}

Test(pool_after_loss_of_server, treats_a_frozen_server_as_lost_and_reconnects)
{
    enum { DEADLINE_MS = 400 };
    static struct ask asks[200];
    struct test_cluster *cluster = test_cluster_create();
    archive_fill(test_cluster_database(cluster));
    struct test_pool *pool = test_pool_create_up(
        test_cluster_database(cluster), (struct db_pool_config){.deadline_ms = DEADLINE_MS});

    test_cluster_freeze(cluster);
    ask_ids(pool, asks, 200); /* some are sent, and some wait */
    ask_finish_all(ALL_MS);
    ask_expect_all(asks, 200, DB_TIMEOUT);
    for (int i = 0; i < 200; i++)
        cr_expect_lt(asks[i].took_us, (DEADLINE_MS + SOON_MS) * 1000);

    cr_assert(RUN_UNTIL(ALL_MS, is_down(pool)));
    cr_assert(RUN_UNTIL(ALL_MS, ask_once(pool, DB_PING, 0) == DB_UNAVAILABLE));
    ask_ids(pool, asks, 20);
    ask_finish_all(ALL_MS);
    ask_expect_all(asks, 20, DB_UNAVAILABLE);
    for (int i = 0; i < 20; i++)
        cr_expect_lt(asks[i].took_us, SOON_MS * 1000);

    test_cluster_thaw(cluster);
    cr_assert(RUN_UNTIL(ALL_MS, test_pool_is_up(pool)), "%s", db_pool_why_down(pool->pool));
    ask_ids(pool, asks, 20);
    ask_finish_all(ALL_MS);
    ask_expect_all(asks, 20, DB_OK);
    test_pool_destroy(pool);
    test_cluster_destroy(cluster);
}
