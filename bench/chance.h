/* bench/chance.h - chance that is the same in every run: no two numbers are asked for in one
 * expression, since C does not say which comes first. */
#ifndef BENCH_CHANCE_H
#define BENCH_CHANCE_H

#include <stdint.h>

enum {
    CHANCE_MAX_RANKS = 5000,
    DECK_MAX = 16, /* the longest list that is dealt from */
};

struct chance {
    uint64_t state;
};

/* Different seeds, however near, give sequences that have nothing to do with each other. */
struct chance chance_of(uint64_t seed);

unsigned chance_below(struct chance *chance, unsigned n);                    /* 0 to n - 1 */
unsigned chance_between(struct chance *chance, unsigned low, unsigned high); /* both included */
double chance_unit(struct chance *chance);                                   /* 0 <= x < 1 */

/* One of n ranks, from 0: the first twice as often as the second, three times as often as the third,
 * and so on (Zipf). n: at most CHANCE_MAX_RANKS. */
unsigned chance_zipf(struct chance *chance, unsigned n);

struct list {
    const char *const *items;
    unsigned n;
};

const char *chance_any(struct chance *chance, const struct list *list);

/* Deals the items of a list in random order, each once before any comes again. Zeroed but for list. */
struct deck {
    const struct list *list;
    unsigned dealt;
    uint8_t order[DECK_MAX];
};

const char *deck_deal(struct deck *deck, struct chance *chance);

#endif
