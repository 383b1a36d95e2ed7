/* base/timer.h - a one-shot timer of any duration on libh2o's event loop.
 *
 * libh2o 2.2 has lists of entries that all wait equally long, and looks at every list in each turn of
 * the loop. This is such a list with one entry, for the few timers whose duration varies; what every
 * request needs goes on a list of its own (h2o_timeout_t). */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include <h2o.h>
#include <stdbool.h>

struct timer;
typedef void timer_fn(struct timer *timer);

struct timer {
    timer_fn *_fire;
    h2o_loop_t *_loop;
    h2o_timeout_t _list;
    h2o_timeout_entry_t _entry;
};

/* The timer stays where it is until timer_finish(). `fire` may start the timer again, but not for
 * 0 ms without end. */
void timer_init(struct timer *timer, h2o_loop_t *loop, timer_fn *fire);
void timer_finish(struct timer *timer);

/* Starts anew where it runs already. The loop's clock is the wall clock of the start of the turn. */
void timer_start(struct timer *timer, uint64_t delay_ms);
void timer_stop(struct timer *timer); /* fine where it does not run */
bool timer_is_running(struct timer *timer);

#endif
