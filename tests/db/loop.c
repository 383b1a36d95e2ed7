#include "tests/db/loop.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/conn.h"

enum { CONNECT_TIMEOUT_MS = 10000 };

static struct loop loop;
static h2o_multithread_receiver_t resolver;
static struct test_pool *the_pool; /* the pool that sends the events */

struct loop *test_loop(void)
{
    if (loop.h2o == NULL) {
        h2o_loop_t *h2o = h2o_evloop_create();
        h2o_multithread_register_receiver(h2o_multithread_create_queue(h2o), &resolver,
                                          h2o_hostinfo_getaddr_receiver);
        loop_init(&loop, h2o, &resolver);
    }
    return &loop;
}

void test_loop_turn(int max_wait_ms)
{
    h2o_evloop_run(test_loop()->h2o, max_wait_ms);
}

static void on_event(enum db_pool_event event, unsigned connection, const char *why)
{
    (void)connection;
    the_pool->events[event]++;
    snprintf(the_pool->why[event], sizeof(the_pool->why[event]), "%s", why);
}

struct test_pool *test_pool_create(const char *url, struct db_pool_config config)
{
    cr_assert_null(the_pool);
    struct test_pool *pool = the_pool = calloc(1, sizeof(*pool));
    char *error = NULL;
    pool->conninfo = db_conninfo_create(url, &error);
    cr_assert_not_null(pool->conninfo, "%s", error);
    config.loop = test_loop();
    config.conninfo = pool->conninfo;
    config.on_event = on_event;
    config.stats = &pool->stats;
    if (config.npools == 0 && config.connections == 0)
        config.connections = 2;
    if (config.deadline_ms == 0)
        config.deadline_ms = 5000 * TEST_SLOWNESS;
    if (config.max_waiting == 0)
        config.max_waiting = 100000;
    pool->pool = db_pool_create(&config);
    return pool;
}

struct test_pool *test_pool_create_by_default(const char *url, unsigned npools)
{
    return test_pool_create(url, (struct db_pool_config){.npools = npools});
}

struct test_pool *test_pool_create_up(const char *url, struct db_pool_config config)
{
    struct test_pool *pool = test_pool_create(url, config);
    cr_assert(RUN_UNTIL(CONNECT_TIMEOUT_MS, test_pool_is_up(pool)), "%s",
              db_pool_why_down(pool->pool));
    return pool;
}

void test_pool_destroy(struct test_pool *pool)
{
    db_pool_destroy(pool->pool);
    db_conninfo_destroy(pool->conninfo);
    free(pool);
    the_pool = NULL;
}

bool test_pool_is_up(const struct test_pool *pool)
{
    for (int state = 0; state < DB_CONN_NSTATES; state++) {
        if (state != DB_CONN_IDLE && counter_get(&pool->stats.connections[state]) > 0)
            return false;
    }
    return true;
}
