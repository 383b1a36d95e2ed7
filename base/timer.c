#include "base/timer.h"

#include "base/container_of.h"

static void on_timeout(h2o_timeout_entry_t *entry)
{
    struct timer *timer = container_of(entry, struct timer, _entry);
    timer->_fire(timer);
}

void timer_init(struct timer *timer, h2o_loop_t *loop, timer_fn *fire)
{
    *timer = (struct timer){._fire = fire, ._loop = loop, ._entry = {.cb = on_timeout}};
    h2o_timeout_init(loop, &timer->_list, 0);
}

void timer_finish(struct timer *timer)
{
    timer_stop(timer);
    h2o_timeout_dispose(timer->_loop, &timer->_list);
}

/* The list waits 0 ms after an entry was registered, so the entry is registered in the future: were the
 * list's duration changed instead, an entry that is linked from its own callback would run at once,
 * since h2o_timeout_run() looks at the duration before the callbacks. */
void timer_start(struct timer *timer, uint64_t delay_ms)
{
    timer_stop(timer);
    h2o_timeout_link(timer->_loop, &timer->_list, &timer->_entry);
    timer->_entry.registered_at += delay_ms;
}

void timer_stop(struct timer *timer)
{
    h2o_timeout_unlink(&timer->_entry);
}

bool timer_is_running(struct timer *timer)
{
    return h2o_timeout_is_linked(&timer->_entry);
}
