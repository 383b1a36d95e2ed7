/* The settings of a session are the same for all settings of the role and the database; and the
 * number of sessions. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/db/ask.h"
#include "tests/support/database.h"

enum { ALL_MS = 30000 };

static char *url, *name;

static void make_archive(void)
{
    url = test_database_create();
    archive_fill(url);
    name = test_sql_value(url, "select current_database()");
}

static void free_url(void)
{
    free(name);
    free(url);
}

TestSuite(session, .init = make_archive, .fini = free_url, .timeout = 60);

static const char *const settings[] = {
    "default_transaction_isolation = 'serializable'",
    "default_transaction_deferrable = on",
    "lock_timeout = 1",
    "idle_session_timeout = 30",
    "search_path = 'pg_catalog'",
    "\"TimeZone\" = 'Asia/Kathmandu'",
    "\"DateStyle\" = 'SQL, DMY'",
    "row_security = off",
    "plan_cache_mode = 'force_custom_plan'",
    "client_min_messages = 'error'",
    "bytea_output = 'escape'",
    "extra_float_digits = -15",
    "statement_timeout = 1", /* the last one, because it also applies to the sessions of the test */
};

/* Sets everything for the database, and then for the role in this database. */
static void make_hostile(void)
{
    char *cluster = test_cluster_url();
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        test_sql(cluster, "alter database %s set %s", name, settings[i]);
        test_sql(cluster, "alter role current_user in database %s set %s", name, settings[i]);
    }
    free(cluster);
}

Test(session, does_not_depend_on_the_settings_of_the_role_and_the_database)
{
    static struct ask asks[200];
    make_hostile();
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    for (int round = 0; round < 3; round++) {
        ask_ids(pool, asks, 200);
        ask_finish_all(ALL_MS);
        ask_expect_all(asks, 200, DB_OK);
        for (int turns = 0; turns < 10; turns++) /* longer than the idle_session_timeout */
            test_loop_turn(20);
    }
    cr_expect_eq(pool->events[DB_POOL_LOST], 0, "%s", pool->why[DB_POOL_LOST]);
    test_pool_destroy(pool);
}

/* The view shows a session its own settings in place of a document. */
Test(session, is_read_committed_in_utc_with_generic_plans)
{
    test_sql(url, "create function session_slug() returns text language sql volatile as $$"
                  " select concat_ws(' ', current_setting('transaction_isolation'),"
                  "   current_setting('TimeZone'), current_setting('plan_cache_mode'),"
                  "   current_setting('search_path'), current_setting('row_security')) $$;"
                  "alter table articles rename to articles_kept;"
                  "create view articles as select 7::bigint as id, session_slug() as slug,"
                  " 'published'::text as status");
    make_hostile();
    struct ask ask = {0};
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    ask_param(pool, &ask, DB_ARTICLE_BY_SLUG, "read committed UTC force_generic_plan public on");
    ask_finish_all(ALL_MS);
    cr_expect_eq(ask.error, DB_OK, "%s", ask.message);
    cr_expect_eq(ask.nrows, 1);
    cr_expect_eq(ask.number, 7);
    test_pool_destroy(pool);
}

static void expect_connections(int limit, unsigned npools, unsigned want)
{
    char *cluster = test_cluster_url();
    test_sql(cluster, "alter database %s connection limit %d", name, limit);
    free(cluster);
    struct test_pool *pool = test_pool_create_by_default(url, npools);
    cr_assert(RUN_UNTIL(ALL_MS, counter_get(&pool->stats.connections[DB_CONN_IDLE]) == want));
    for (int turns = 0; turns < 10; turns++)
        test_loop_turn(1);
    cr_expect_eq(counter_get(&pool->stats.connections[DB_CONN_IDLE]), want);
    cr_expect_eq(ask_once(pool, DB_ARTICLE_BY_ID, 1), DB_OK);
    cr_expect_eq(ask_once(pool, DB_RELATED_BY_ID, 1), DB_OK);
    test_pool_destroy(pool);
}

Test(session, has_a_second_connection_only_when_postgresql_allows_it)
{
    expect_connections(-1, 1, 2);
    expect_connections(4, 1, 2);
    expect_connections(3, 1, 1);
    expect_connections(10, 4, 2);
    expect_connections(9, 4, 1);
}
