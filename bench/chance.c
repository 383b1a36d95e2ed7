#include "bench/chance.h"

#include <assert.h>

/* splitmix64 by Sebastiano Vigna, 2015, public domain: https://prng.di.unimi.it/splitmix64.c */
static uint64_t next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

struct chance chance_of(uint64_t seed)
{
    return (struct chance){.state = next(&seed)};
}

unsigned chance_below(struct chance *chance, unsigned n)
{
    return (unsigned)((next(&chance->state) >> 32) * n >> 32);
}

unsigned chance_between(struct chance *chance, unsigned low, unsigned high)
{
    return low + chance_below(chance, high - low + 1);
}

double chance_unit(struct chance *chance)
{
    return (double)(next(&chance->state) >> 11) * 0x1p-53;
}

unsigned chance_zipf(struct chance *chance, unsigned n)
{
    static double sum[CHANCE_MAX_RANKS + 1]; /* [r]: the weights 1/1 + 1/2 + ... + 1/r */
    if (sum[1] == 0) {
        for (unsigned r = 1; r <= CHANCE_MAX_RANKS; r++)
            sum[r] = sum[r - 1] + 1.0 / r;
    }
    assert(n >= 1 && n <= CHANCE_MAX_RANKS);
    double x = chance_unit(chance) * sum[n];
    unsigned low = 0, high = n - 1;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (sum[middle + 1] > x)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

const char *chance_any(struct chance *chance, const struct list *list)
{
    return list->items[chance_below(chance, list->n)];
}

const char *deck_deal(struct deck *deck, struct chance *chance)
{
    unsigned n = deck->list->n;
    assert(n <= DECK_MAX);
    if (deck->dealt % n == 0) {
        for (unsigned i = 0; i < n; i++) { /* Fisher and Yates, inside out */
            unsigned j = chance_below(chance, i + 1);
            deck->order[i] = deck->order[j];
            deck->order[j] = (uint8_t)i;
        }
    }
    return deck->list->items[deck->order[deck->dealt++ % n]];
}
