/* bench/random.h - chance that is the same in every run: no two numbers are asked for in one
 * expression, since C does not say which comes first. */
#ifndef BENCH_RANDOM_H
#define BENCH_RANDOM_H

#include <stdint.h>

enum {
    RANDOM_MAX_RANKS = 5000,
    SHUFFLED_LIST_MAX = 16, /* the longest list that is dealt from */
};

struct random {
    uint64_t state;
};

/* Different seeds, however near, give sequences that have nothing to do with each other. */
struct random random_of(uint64_t seed);

unsigned random_below(struct random *chance, unsigned n);                    /* 0 to n - 1 */
unsigned random_between(struct random *chance, unsigned low, unsigned high); /* both included */
double random_unit(struct random *chance);                                   /* 0 <= x < 1 */

/* One of n ranks, from 0: the first twice as often as the second, three times as often as the third,
 * and so on (Zipf). n: at most RANDOM_MAX_RANKS. */
unsigned random_zipf(struct random *chance, unsigned n);

struct list {
    const char *const *items;
    unsigned n;
};

const char *random_any(struct random *chance, const struct list *list);

/* Deals the items of a list in random order, each once before any comes again. Zeroed but for list. */
struct shuffled_list {
    const struct list *list;
    unsigned dealt;
    uint8_t order[SHUFFLED_LIST_MAX];
};

const char *shuffled_list_next(struct shuffled_list *deck, struct random *chance);

#endif
