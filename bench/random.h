/* bench/random.h - random numbers that are the same in every run.
 *
 * An expression asks for one number at most, because C does not say which of two calls comes first. */
#ifndef BENCH_RANDOM_H
#define BENCH_RANDOM_H

#include <stdint.h>

enum {
    RANDOM_MAX_RANKS = 5000,
    SHUFFLED_LIST_MAX = 16, /* the longest list */
};

struct random {
    uint64_t state;
};

/* Seeds that differ by 1 give sequences that are not related. */
struct random random_of(uint64_t seed);

unsigned random_below(struct random *random, unsigned n);                    /* 0 to n - 1 */
unsigned random_between(struct random *random, unsigned low, unsigned high); /* both included */
double random_unit(struct random *random);                                   /* 0 <= x < 1 */

/* One of n ranks, from 0. The first rank comes twice as often as the second, three times as often as the
 * third, and so on (Zipf). n: at most RANDOM_MAX_RANKS. */
unsigned random_zipf(struct random *random, unsigned n);

struct list {
    const char *const *items;
    unsigned n;
};

const char *random_any(struct random *random, const struct list *list);

/* Gives the items of a list in random order, each once before any is repeated. The caller sets `list`; all
 * else is zero. */
struct shuffled_list {
    const struct list *list;
    unsigned ngiven;
    uint8_t order[SHUFFLED_LIST_MAX];
};

const char *shuffled_list_next(struct shuffled_list *shuffled, struct random *random);

#endif
