/* tests/support/wait.h - waits for a fact, never for a time.
 *
 *     cr_assert(WAIT_UNTIL(5000, test_sql_number(url, "select ...") == 2));
 *
 * The condition is asked again every 2 ms until it holds or the time is up; the value says which. */
#ifndef BROADSHEET_TESTS_SUPPORT_WAIT_H
#define BROADSHEET_TESTS_SUPPORT_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define WAIT_UNTIL(timeout_ms, condition)                               \
    ({                                                                  \
        uint64_t wait_end = test_now_ms() + (timeout_ms);               \
        bool wait_holds;                                                \
        while (!(wait_holds = (condition)) && test_now_ms() < wait_end) \
            nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);    \
        wait_holds;                                                     \
    })

static inline uint64_t test_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Sanitizers make everything slower: times that a test allows are multiplied by this. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { TEST_SLOWNESS = 3 };
#else
enum { TEST_SLOWNESS = 1 };
#endif

#endif
