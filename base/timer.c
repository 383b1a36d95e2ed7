/*     timer_start --> (0 ms) the end of this turn --------------------------> fire
 *                 --> the heap --> the alarm (a timerfd) --> on_alarm ------> fire, fire ...
 *
 * The alarm may expire early, since it is not set anew when a timer is stopped: mostly another timer is due
 * soon after, and to set it is a system call. */
#include "base/timer.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/container_of.h"

enum { FIRST_ROOM = 64 };

static void on_immediate(h2o_timeout_entry_t *entry);
static void on_alarm(h2o_socket_t *sock, const char *error);
static void set_alarm(struct loop *loop);
static void heap_add(struct loop *loop, struct timer *timer);
static void heap_remove(struct loop *loop, struct timer *timer);
static void heap_up(struct loop *loop, size_t place, struct timer *timer);
static void heap_down(struct loop *loop, size_t place, struct timer *timer);

void loop_init(struct loop *loop, h2o_loop_t *h2o, h2o_multithread_receiver_t *resolver)
{
    int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    assert(fd != -1);
    *loop = (struct loop){
        .h2o = h2o,
        .resolver = resolver,
        ._alarm = h2o_evloop_socket_create(h2o, fd, H2O_SOCKET_FLAG_DONT_READ),
    };
    loop->_alarm->data = loop;
    h2o_socket_read_start(loop->_alarm, on_alarm);
    h2o_timeout_init(h2o, &loop->_immediate, 0);
}

void loop_finish(struct loop *loop)
{
    assert(loop->_ntimers == 0);
    h2o_timeout_dispose(loop->h2o, &loop->_immediate);
    h2o_socket_close(loop->_alarm);
    free(loop->_timers);
}

void timer_init(struct timer *timer, struct loop *loop, timer_fn *fire)
{
    *timer = (struct timer){._fire = fire, ._loop = loop, ._immediate = {.cb = on_immediate}};
}

void timer_finish(struct timer *timer)
{
    timer_stop(timer);
}

/* libh2o compares the time of the registration with its cached wall clock. 1 is always in the past:
 * so the entry is due in this turn, and a clock that is set back can't hold it. */
void timer_start(struct timer *timer, uint64_t delay_ms)
{
    struct loop *loop = timer->_loop;
    timer_stop(timer);
    if (delay_ms == 0) {
        h2o_timeout_link(loop->h2o, &loop->_immediate, &timer->_immediate);
        timer->_immediate.registered_at = 1;
        return;
    }
    timer->_due_us = clock_us() + delay_ms * 1000;
    heap_add(loop, timer);
    if (loop->_alarm_at_us == 0 || timer->_due_us < loop->_alarm_at_us)
        set_alarm(loop);
}

static void on_immediate(h2o_timeout_entry_t *entry)
{
    struct timer *timer = container_of(entry, struct timer, _immediate);
    timer->_fire(timer);
}

static void on_alarm(h2o_socket_t *sock, const char *error)
{
    struct loop *loop = sock->data;
    uint64_t rings, now_us = clock_us();
    assert(error == NULL);

    ssize_t n = read(h2o_socket_get_fd(sock), &rings, sizeof(rings));
    (void)n; /* nothing to read: it was set anew since it rang */
    loop->_alarm_at_us = 0;
    while (loop->_ntimers > 0 && loop->_timers[0]->_due_us <= now_us) {
        struct timer *timer = loop->_timers[0];
        heap_remove(loop, timer);
        timer->_fire(timer);
    }
    if (loop->_ntimers > 0)
        set_alarm(loop);
}

/* For the timer that is due first. */
static void set_alarm(struct loop *loop)
{
    uint64_t at_us = loop->_timers[0]->_due_us;
    const struct itimerspec when = {.it_value = {.tv_sec = (time_t)(at_us / 1000000),
                                                 .tv_nsec = (long)(at_us % 1000000) * 1000}};
    int failed = timerfd_settime(h2o_socket_get_fd(loop->_alarm), TFD_TIMER_ABSTIME, &when, NULL);
    assert(!failed);
    loop->_alarm_at_us = at_us;
}

void timer_stop(struct timer *timer)
{
    h2o_timeout_unlink(&timer->_immediate);
    if (timer->_place != 0)
        heap_remove(timer->_loop, timer);
}

bool timer_is_running(const struct timer *timer)
{
    return timer->_place != 0 || h2o_timeout_is_linked((h2o_timeout_entry_t *)&timer->_immediate);
}

/* ---- the heap: place p has the places 2p and 2p + 1 below it, none of which is due earlier */

static void put(struct loop *loop, size_t place, struct timer *timer)
{
    loop->_timers[place - 1] = timer;
    timer->_place = place;
}

static void heap_add(struct loop *loop, struct timer *timer)
{
    if (loop->_ntimers == loop->_room) {
        loop->_room = loop->_room == 0 ? FIRST_ROOM : 2 * loop->_room;
        loop->_timers = h2o_mem_realloc(loop->_timers, loop->_room * sizeof(struct timer *));
    }
    heap_up(loop, ++loop->_ntimers, timer);
}

/* The last one of the heap takes the place that becomes free. */
static void heap_remove(struct loop *loop, struct timer *timer)
{
    size_t place = timer->_place;
    struct timer *last = loop->_timers[--loop->_ntimers];
    timer->_place = 0;
    if (last == timer)
        return;
    if (place > 1 && last->_due_us < loop->_timers[place / 2 - 1]->_due_us)
        heap_up(loop, place, last);
    else
        heap_down(loop, place, last);
}

static void heap_up(struct loop *loop, size_t place, struct timer *timer)
{
    for (; place > 1 && timer->_due_us < loop->_timers[place / 2 - 1]->_due_us; place /= 2)
        put(loop, place, loop->_timers[place / 2 - 1]);
    put(loop, place, timer);
}

static void heap_down(struct loop *loop, size_t place, struct timer *timer)
{
    for (size_t below; (below = 2 * place) <= loop->_ntimers; place = below) {
        if (below < loop->_ntimers &&
            loop->_timers[below]->_due_us < loop->_timers[below - 1]->_due_us)
            below++;
        if (timer->_due_us <= loop->_timers[below - 1]->_due_us)
            break;
        put(loop, place, loop->_timers[below - 1]);
    }
    put(loop, place, timer);
}
