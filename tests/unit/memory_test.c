#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "server/memory.h"

enum { MAX = 1000 };

static struct memory memory;

static void init(void)
{
    memory_init(&memory, MAX);
}

TestSuite(memory, .init = init, .timeout = 60);

Test(memory, is_reserved_up_to_its_limit)
{
    cr_expect(memory_reserve(&memory, 600));
    cr_expect_not(memory_reserve(&memory, 401));
    cr_expect(memory_reserve(&memory, 400));
    cr_expect_not(memory_reserve(&memory, 1));
    cr_expect_eq(memory_used(&memory), MAX);
    cr_expect_eq(memory_refused(&memory), 2);
    memory_release(&memory, 1000);
    cr_expect_eq(memory_used(&memory), 0);
}

Test(memory, is_reserved_for_large_answers_up_to_three_quarters)
{
    cr_expect_not(memory_reserve_large(&memory, 751));
    cr_expect(memory_reserve_large(&memory, 700));
    cr_expect_not(memory_reserve_large(&memory, 51));
    cr_expect(memory_reserve(&memory, 300), "a small answer may have the rest");
    cr_expect_not(memory_reserve_large(&memory, 0 + 1));
}

Test(memory, is_not_reserved_for_any_size_that_is_too_large)
{
    cr_expect_not(memory_reserve(&memory, SIZE_MAX));
    cr_expect(memory_reserve(&memory, 1));
    cr_expect_not(memory_reserve(&memory, SIZE_MAX));
    cr_expect_not(memory_reserve_large(&memory, SIZE_MAX));
    cr_expect_eq(memory_used(&memory), 1);
}

Test(memory, may_exceed_its_limit_for_bytes_that_exist_already)
{
    memory_reserve_anyway(&memory, 1500);
    cr_expect_eq(memory_used(&memory), 1500);
    cr_expect_not(memory_reserve(&memory, 1));
    cr_expect_not(memory_reserve_large(&memory, 1));
    memory_release(&memory, 1500);
    cr_expect(memory_reserve(&memory, MAX));
}

Test(memory, aborts_when_more_is_released_than_reserved, .signal = SIGABRT)
{
    memory_reserve(&memory, 10);
    memory_release(&memory, 11);
}

Test(memory, is_given_back_to_the_kernel_after_much_was_freed)
{
    enum { FLOOD = 100 << 20 };
    memory_init(&memory, 2 * (size_t)FLOOD);
    cr_expect_not(memory_trim(&memory));
    memory_reserve(&memory, FLOOD);
    cr_expect_not(memory_trim(&memory), "it is in use");
    memory_release(&memory, FLOOD - 10);
    cr_expect(memory_trim(&memory));
    cr_expect_not(memory_trim(&memory), "once");
}

enum { THREADS = 4, TURNS = 20000 };

static void *reserve_and_release(void *unused)
{
    (void)unused;
    for (int i = 0; i < TURNS; i++) {
        if (memory_reserve(&memory, 300)) {
            cr_assert_leq(memory_used(&memory), MAX);
            memory_release(&memory, 300);
        }
    }
    return NULL;
}

Test(memory, never_exceeds_its_limit_with_several_threads)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, reserve_and_release, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(memory_used(&memory), 0);
}
