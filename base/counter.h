/* base/counter.h - numbers that one thread writes and any thread may read.
 *
 * Each thread has counters of its own; a reader adds them up. So there is no lock and no locked
 * instruction: the owner loads and stores, relaxed, and a reader sees a recent value. Two threads must
 * never add to the same counter. */
#ifndef BASE_COUNTER_H
#define BASE_COUNTER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct counter {
    _Atomic uint64_t _value;
};

static inline uint64_t counter_get(const struct counter *c)
{
    return atomic_load_explicit(&c->_value, memory_order_relaxed);
}

static inline void counter_set(struct counter *c, uint64_t value)
{
    atomic_store_explicit(&c->_value, value, memory_order_relaxed);
}

static inline void counter_add(struct counter *c, uint64_t n)
{
    counter_set(c, counter_get(c) + n);
}

static inline void counter_sub(struct counter *c, uint64_t n)
{
    counter_set(c, counter_get(c) - n);
}

/* How many values were at or below each bound and above the one before. (Prometheus wants cumulative numbers;
 * the reader adds them up.) */
enum { HISTOGRAM_MAX_BOUNDS = 16 };

struct histogram {
    struct counter bucket[HISTOGRAM_MAX_BOUNDS + 1]; /* the last: above every bound */
    struct counter sum;
};

/* The bounds of a histogram: ascending, in the unit of the values. */
struct histogram_bounds {
    size_t n; /* at most HISTOGRAM_MAX_BOUNDS */
    uint64_t bound[HISTOGRAM_MAX_BOUNDS];
};

static inline void histogram_add(struct histogram *h, const struct histogram_bounds *bounds,
                                 uint64_t value)
{
    size_t i = 0;
    while (i < bounds->n && value > bounds->bound[i])
        i++;
    counter_add(&h->bucket[i], 1);
    counter_add(&h->sum, value);
}

#endif
