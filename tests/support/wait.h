/* tests/support/wait.h - waits for a fact, never for a time.
 *
 *     cr_assert(WAIT_UNTIL(5000, test_sql_number(url, "select ...") == 2));
 *
 * Checks the condition until it is true or the time is over, and returns whether it became true. The pause between two
 * checks grows from 1 to 18 ms: a check can cost a query, and the tests beside this one need the processor. The time
 * is enough on an idle machine; the wait allows TEST_PATIENCE times as much, because a machine under load must not
 * fail a test. So never expect a wait to fail: that takes long, and proves nothing. A test that expects a time to be
 * short allows TEST_PATIENCE times as much too. */
#ifndef BROADSHEET_TESTS_SUPPORT_WAIT_H
#define BROADSHEET_TESTS_SUPPORT_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum { TEST_PATIENCE = 10 };

#define WAIT_UNTIL(timeout_ms, condition)                                         \
    ({                                                                            \
        uint64_t wait_end = test_now_ms() + (uint64_t)(timeout_ms)*TEST_PATIENCE; \
        long wait_us = 1000;                                                      \
        bool wait_holds;                                                          \
        while (!(wait_holds = (condition)) && test_now_ms() < wait_end) {         \
            nanosleep(&(struct timespec){.tv_nsec = wait_us * 1000}, NULL);       \
            wait_us = wait_us < 16000 ? wait_us * 5 / 4 : wait_us;                \
        }                                                                         \
        wait_holds;                                                               \
    })

static inline uint64_t test_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Sanitizers make everything slower. A test multiplies the times that it measures by this. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { TEST_SLOWNESS = 3 };
#else
enum { TEST_SLOWNESS = 1 };
#endif

#endif
