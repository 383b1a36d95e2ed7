/* bench/cache_policies.h - policies that decide what a cache keeps. They are asked for ids 0 to nids - 1.
 *
 * All objects have the same size; a policy has room for a number of them. No policy knows later requests,
 * except Belady's. */
#ifndef BENCH_CACHE_POLICIES_H
#define BENCH_CACHE_POLICIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy;

struct policy_class {
    const char *name;
    struct policy *(*create)(uint32_t nids, uint32_t room);
    bool (*ask)(struct policy *policy,
                uint32_t id); /* true: a hit. A miss adds the id, as a rule */
    void (*destroy)(struct policy *policy);
};

/* S3-FIFO is cache/cache.c. It keeps an object only if it has room for ten. */
enum { POLICY_FIFO, POLICY_LRU, POLICY_SIEVE, POLICY_ARC, POLICY_S3FIFO, NPOLICIES };
extern const struct policy_class policies[NPOLICIES];

/* The hits of the best possible policy: it knows all later requests, and it need not keep an object that it
 * was asked for (Belady 1966; Mattson et al. 1970). hit: n of them. */
void belady(const uint32_t *ids, size_t n, uint32_t nids, uint32_t room, bool *hit);

#endif
