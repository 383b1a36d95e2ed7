/* base/timer.h - a one-shot timer of any duration on an event loop (base/loop.h). */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include <stdbool.h>

#include "base/loop.h"

struct timer;
typedef void timer_fn(struct timer *timer);

struct timer {
    timer_fn *_fire;
    struct loop *_loop;
    uint64_t _due_us;
    size_t _place;                  /* in the loop's heap, from 1; 0: not there */
    h2o_timeout_entry_t _immediate; /* linked when it is due at once */
};

/* The timer stays where it is until timer_finish(). `fire` may start the timer again, but not for
 * 0 ms without end. */
void timer_init(struct timer *timer, struct loop *loop, timer_fn *fire);
void timer_finish(struct timer *timer);

/* Starts anew where it runs already. A timer of 0 ms fires at the end of the loop's turn; any other
 * never fires early. Costs no system call unless it is due before all others. */
void timer_start(struct timer *timer, uint64_t delay_ms);
void timer_stop(struct timer *timer); /* also where it does not run */
bool timer_is_running(const struct timer *timer);

#endif
