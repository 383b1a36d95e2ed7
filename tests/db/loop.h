/* tests/db/loop.h - the loop of a test, with a resolver of host names, and pools on the loop. A
 * process runs one test, and the loop lives until the end of the process. */
#ifndef TESTS_DB_LOOP_H
#define TESTS_DB_LOOP_H

#include <stdbool.h>

#include "db/pool.h"
#include "tests/support/wait.h"

/* Turns the loop until the condition is true, and checks the condition at least every 20 ms. The
 * value is false when the time is over first. */
#define RUN_UNTIL(timeout_ms, condition)                              \
    ({                                                                \
        uint64_t run_end = test_now_ms() + (timeout_ms);              \
        bool run_holds;                                               \
        while (!(run_holds = (condition)) && test_now_ms() < run_end) \
            test_loop_turn(20);                                       \
        run_holds;                                                    \
    })

/* One turn of the loop, which waits at most this long for an event. */
void test_loop_turn(int max_wait_ms);

/* The loop itself, for everything that is not a pool. */
struct loop *test_loop(void);

/* A pool with its counters and the events of its connections. One at a time in a test. */
struct test_pool {
    struct db_pool *pool;
    struct db_pool_stats stats;
    struct db_conninfo *conninfo;
    unsigned events[3]; /* by enum db_pool_event */
    char why[3][256];   /* of the last event */
};

/* The config gives connections, deadline_ms and max_waiting; where they are 0, they become 2, 5
 * seconds and 100,000. */
struct test_pool *test_pool_create(const char *url, struct db_pool_config config);
void test_pool_destroy(struct test_pool *pool);

/* The same with the default number of connections, in a process with this many pools. */
struct test_pool *test_pool_create_by_default(const char *url, unsigned npools);

/* The same as test_pool_create(), but it waits until all connections are up. */
struct test_pool *test_pool_create_up(const char *url, struct db_pool_config config);

bool test_pool_is_up(const struct test_pool *pool); /* all connections are idle and have their
                                                     * statements prepared */

#endif
