#include "bench/random.h"

#include <assert.h>

/* splitmix64 by Sebastiano Vigna, 2015, public domain: https://prng.di.unimi.it/splitmix64.c */
static uint64_t next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

struct random random_of(uint64_t seed)
{
    return (struct random){.state = next(&seed)};
}

unsigned random_below(struct random *random, unsigned n)
{
    return (unsigned)((next(&random->state) >> 32) * n >> 32);
}

unsigned random_between(struct random *random, unsigned low, unsigned high)
{
    return low + random_below(random, high - low + 1);
}

double random_unit(struct random *random)
{
    return (double)(next(&random->state) >> 11) * 0x1p-53;
}

unsigned random_zipf(struct random *random, unsigned n)
{
    static double sum[RANDOM_MAX_RANKS + 1]; /* [r]: the weights 1/1 + 1/2 + ... + 1/r */
    if (sum[1] == 0) {
        for (unsigned r = 1; r <= RANDOM_MAX_RANKS; r++)
            sum[r] = sum[r - 1] + 1.0 / r;
    }
    assert(n >= 1 && n <= RANDOM_MAX_RANKS);
    double x = random_unit(random) * sum[n];
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

const char *random_any(struct random *random, const struct list *list)
{
    return list->items[random_below(random, list->n)];
}

const char *shuffled_list_next(struct shuffled_list *shuffled, struct random *random)
{
    unsigned n = shuffled->list->n;
    assert(n <= SHUFFLED_LIST_MAX);
    if (shuffled->ngiven % n == 0) {
        for (unsigned i = 0; i < n; i++) { /* Fisher and Yates, inside out */
            unsigned j = random_below(random, i + 1);
            shuffled->order[i] = shuffled->order[j];
            shuffled->order[j] = (uint8_t)i;
        }
    }
    return shuffled->list->items[shuffled->order[shuffled->ngiven++ % n]];
}
