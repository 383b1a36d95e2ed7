#include <criterion/criterion.h>

#include <sys/time.h>

#include "base/clock.h"
#include "base/container_of.h"
#include "base/timer.h"
#include "tests/support/wait.h"

/* A timer that counts its calls, and measures how long it waited. */
struct waiter {
    struct timer timer;
    unsigned fired, restarts; /* restarts: how many times it still starts itself again */
    uint64_t started_at_ms, waited_ms, again_ms;
    struct waiter *to_stop; /* NULL, or the waiter whose timer stops when this one fires */
};

static struct loop loop;
static struct waiter one, two;

/* Replaces the function of libc, also for libh2o: the test sets this wall clock. */
static long wall_clock_shift_s;

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec real;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &real);
    *now = (struct timeval){real.tv_sec + wall_clock_shift_s, real.tv_nsec / 1000};
    return 0;
}

static timer_fn on_fire;

static void make_loop(void)
{
    loop_init(&loop, h2o_evloop_create(), NULL);
    timer_init(&one.timer, &loop, on_fire);
    timer_init(&two.timer, &loop, on_fire);
}

static void finish(void)
{
    timer_finish(&one.timer);
    timer_finish(&two.timer);
    loop_finish(&loop);
}

TestSuite(timer, .init = make_loop, .fini = finish, .timeout = 20);

static void start(struct waiter *w, uint64_t delay_ms)
{
    w->started_at_ms = clock_us() / 1000;
    timer_start(&w->timer, delay_ms);
}

static void on_fire(struct timer *timer)
{
    struct waiter *w = container_of(timer, struct waiter, timer);
    w->fired++;
    w->waited_ms = clock_us() / 1000 - w->started_at_ms;
    if (w->restarts > 0) {
        w->restarts--;
        start(w, w->again_ms);
    }
    if (w->to_stop != NULL)
        timer_stop(&w->to_stop->timer);
}

/* Turns the loop for this time, even when the loop wakes early. */
static void turn_for(uint64_t ms)
{
    uint64_t end = test_now_ms() + ms;
    for (uint64_t now; (now = test_now_ms()) < end;)
        h2o_evloop_run(loop.h2o, (int32_t)(end - now));
}

static void turn_until_fired(struct waiter *w, unsigned times)
{
    uint64_t end = test_now_ms() + 10000;
    while (w->fired < times && test_now_ms() < end)
        h2o_evloop_run(loop.h2o, 1000);
    cr_assert_eq(w->fired, times);
}

Test(timer, fires_once_and_not_early)
{
    start(&one, 40);
    cr_assert(timer_is_running(&one.timer));
    turn_until_fired(&one, 1);
    cr_expect_geq(one.waited_ms, 40);
    cr_expect_not(timer_is_running(&one.timer));
    turn_for(100);
    cr_expect_eq(one.fired, 1);
}

Test(timer, wakes_the_loop_by_itself)
{
    uint64_t began = test_now_ms();
    start(&one, 30);
    while (one.fired == 0 && test_now_ms() < began + 10000)
        h2o_evloop_run(loop.h2o, 10000);
    cr_expect_lt(test_now_ms() - began, 5000);
}

Test(timer, never_fires_before_its_start_returns)
{
    start(&one, 0);
    cr_assert_eq(one.fired, 0);
    turn_until_fired(&one, 1);
}

Test(timer, waits_again_when_its_callback_starts_it_for_longer)
{
    one.restarts = 1;
    one.again_ms = 80;
    start(&one, 0);
    turn_until_fired(&one, 1);
    h2o_evloop_run(loop.h2o, 0);
    cr_assert_eq(one.fired, 1, "it fires a second time at once");
    turn_until_fired(&one, 2);
    cr_expect_geq(one.waited_ms, 80);
}

Test(timer, waits_again_when_its_callback_starts_it_for_shorter)
{
    one.restarts = 3;
    one.again_ms = 5;
    start(&one, 40);
    turn_until_fired(&one, 4);
    cr_expect_geq(one.waited_ms, 5);
    turn_for(60);
    cr_expect_eq(one.fired, 4);
}

Test(timer, counts_from_its_last_start)
{
    start(&one, 30);
    turn_for(10);
    start(&one, 120);
    turn_until_fired(&one, 1);
    cr_expect_geq(one.waited_ms, 120);

    start(&one, 60000);
    start(&one, 1);
    turn_until_fired(&one, 2);
    cr_expect_lt(one.waited_ms, 10000);
}

Test(timer, does_not_fire_after_it_was_stopped)
{
    start(&one, 10);
    start(&two, 30);
    timer_stop(&one.timer);
    cr_expect_not(timer_is_running(&one.timer));
    timer_stop(&one.timer); /* a second stop does no harm */
    turn_until_fired(&two, 1);
    cr_expect_eq(one.fired, 0);
    start(&one, 1);
    turn_until_fired(&one, 1);
}

Test(timer, may_be_stopped_by_another_timer_that_is_due_at_the_same_time)
{
    one.to_stop = &two;
    two.to_stop = &one;
    start(&one, 5);
    start(&two, 5);
    turn_for(50);
    cr_expect_eq(one.fired + two.fired, 1);
}

Test(timer, fires_in_the_order_of_delays_and_not_of_starts)
{
    start(&two, 60);
    start(&one, 20);
    turn_until_fired(&one, 1);
    cr_expect_eq(two.fired, 0);
    turn_until_fired(&two, 1);
}

Test(timer, is_neither_late_nor_early_when_the_wall_clock_is_set)
{
    start(&one, 50);
    start(&two, 60000);
    turn_for(10);
    wall_clock_shift_s = -3600;
    turn_until_fired(&one, 1);
    cr_expect_lt(one.waited_ms, 10000);
    wall_clock_shift_s = 7200;
    turn_for(20);
    cr_expect_eq(two.fired, 0);
    start(&one, 0);
    wall_clock_shift_s = -7200;
    turn_until_fired(&one, 2);
    cr_expect_lt(one.waited_ms, 10000);
}

enum { NMANY = 500 };
static struct timer many[NMANY];
static uint64_t due_us[NMANY], last_due_us;
static unsigned nfired;

static void on_one_of_many(struct timer *timer)
{
    size_t i = (size_t)(timer - many);
    cr_assert_leq(due_us[i], clock_us(), "timer %zu fires early", i);
    cr_assert_leq(last_due_us, due_us[i] + 1000, "timer %zu fires after a later one", i);
    last_due_us = due_us[i];
    nfired++;
}

/* A third of the timers is stopped, and a third is started again. */
Test(timer, fires_many_timers_in_the_order_in_which_they_are_due)
{
    unsigned expected = 0, seed = 7;
    for (size_t i = 0; i < NMANY; i++) {
        timer_init(&many[i], &loop, on_one_of_many);
        timer_start(&many[i], 1 + (unsigned)rand_r(&seed) % 100);
    }
    for (size_t i = 0; i < NMANY; i++) {
        if (i % 3 == 0)
            timer_stop(&many[i]);
        else
            expected++;
        if (i % 3 != 0) {
            unsigned delay_ms = 100 + (unsigned)rand_r(&seed) % 100;
            timer_start(&many[i], delay_ms);
            due_us[i] = clock_us() + delay_ms * 1000 - 1000;
        }
    }
    uint64_t end = test_now_ms() + 10000;
    while (nfired < expected && test_now_ms() < end)
        h2o_evloop_run(loop.h2o, 1000);
    turn_for(20);
    cr_expect_eq(nfired, expected);
}
