/* base/loop.h - an event loop of libh2o, with timers that no change of the wall clock disturbs.
 *
 * libh2o's own timers compare times of the wall clock: when that is set back by a minute, they fire a
 * minute late. Ours use base/clock.h: a timerfd wakes the loop, and a heap has the timers in the order
 * in which they are due.
 *
 * Thread: one loop belongs to one thread; nothing here locks. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <h2o.h>
#include <stddef.h>
#include <stdint.h>

struct timer;

struct loop {
    h2o_loop_t *h2o;
    h2o_multithread_receiver_t *resolver; /* runs h2o_hostinfo_getaddr_receiver on this loop */

    h2o_socket_t *_alarm;     /* the timerfd */
    uint64_t _alarm_at_us;    /* it wakes the loop then; 0: it is off */
    struct timer **_timers;   /* a binary heap: the one that is due first is at its top */
    size_t _ntimers, _room;   /* _room: of _timers */
    h2o_timeout_t _immediate; /* timers that are due at once */
};

/* Call it on the thread of the loop. The loop's memory stays where it is until loop_finish(). */
void loop_init(struct loop *loop, h2o_loop_t *h2o, h2o_multithread_receiver_t *resolver);
void loop_finish(struct loop *loop); /* no timer runs any more */

#endif
