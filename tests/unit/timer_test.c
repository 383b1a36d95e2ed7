#include <criterion/criterion.h>

#include "base/container_of.h"
#include "base/timer.h"
#include "tests/support/wait.h"

/* A timer that counts, and knows by the loop's own clock how long it waited. */
struct background {
    struct timer timer;
    unsigned fired, restarts; /* restarts: how often it is yet to start itself again */
    uint64_t started_at_ms, waited_ms, again_ms;
    struct background *victim; /* is stopped when this fires */
};

static h2o_loop_t *loop;
static struct background one, two;

static timer_fn on_fire;

static void make_loop(void)
{
    loop = h2o_evloop_create();
    timer_init(&one.timer, loop, on_fire);
    timer_init(&two.timer, loop, on_fire);
}

static void finish(void)
{
    timer_finish(&one.timer);
    timer_finish(&two.timer);
}

TestSuite(timer, .init = make_loop, .fini = finish, .timeout = 20);

static void start(struct background *w, uint64_t delay_ms)
{
    w->started_at_ms = h2o_now(loop);
    timer_start(&w->timer, delay_ms);
}

static void on_fire(struct timer *timer)
{
    struct background *w = container_of(timer, struct background, timer);
    w->fired++;
    w->waited_ms = h2o_now(loop) - w->started_at_ms;
    if (w->restarts > 0) {
        w->restarts--;
        start(w, w->again_ms);
    }
    if (w->victim != NULL)
        timer_stop(&w->victim->timer);
}

/* Turns the loop for so long, however often it wakes. */
static void turn_for(uint64_t ms)
{
    uint64_t end = test_now_ms() + ms;
    for (uint64_t now; (now = test_now_ms()) < end;)
        h2o_evloop_run(loop, (int32_t)(end - now));
}

static void turn_until_fired(struct background *w, unsigned times)
{
    uint64_t end = test_now_ms() + 10000;
    while (w->fired < times && test_now_ms() < end)
        h2o_evloop_run(loop, 1000);
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
        h2o_evloop_run(loop, 10000);
    cr_expect_lt(test_now_ms() - began, 5000);
}

Test(timer, never_fires_inside_its_start)
{
    start(&one, 0);
    cr_assert_eq(one.fired, 0);
    turn_until_fired(&one, 1);
}

Test(timer, waits_anew_where_its_callback_starts_it_for_longer)
{
    one.restarts = 1;
    one.again_ms = 80;
    start(&one, 0);
    turn_until_fired(&one, 1);
    h2o_evloop_run(loop, 0);
    cr_assert_eq(one.fired, 1, "it fires a second time at once");
    turn_until_fired(&one, 2);
    cr_expect_geq(one.waited_ms, 80);
}

Test(timer, waits_anew_where_its_callback_starts_it_for_shorter)
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

Test(timer, does_not_fire_once_stopped)
{
    start(&one, 10);
    start(&two, 30);
    timer_stop(&one.timer);
    cr_expect_not(timer_is_running(&one.timer));
    timer_stop(&one.timer); /* once more does no harm */
    turn_until_fired(&two, 1);
    cr_expect_eq(one.fired, 0);
    start(&one, 1);
    turn_until_fired(&one, 1);
}

Test(timer, may_be_stopped_by_another_that_is_due_with_it)
{
    one.victim = &two;
    two.victim = &one;
    start(&one, 5);
    start(&two, 5);
    turn_for(50);
    cr_expect_eq(one.fired + two.fired, 1);
}

Test(timer, keeps_the_order_of_delays_and_not_of_starts)
{
    start(&two, 60);
    start(&one, 20);
    turn_until_fired(&one, 1);
    cr_expect_eq(two.fired, 0);
    turn_until_fired(&two, 1);
}
