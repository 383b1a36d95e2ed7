/* bench/cache_policies.h - what a cache keeps: some policies, to be asked for ids 0 to nids - 1, in
 * turn.
 *
 * All objects are of the same size; a policy has room for so many. Each is told by its answers
 * alone, but for Belady's, which knows what will be asked. */
#ifndef BENCH_CACHE_POLICIES_H
#define BENCH_CACHE_POLICIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy;

struct policy_class {
    const char *name;
    struct policy *(*create)(uint32_t nids, uint32_t room);
    bool (*ask)(struct policy *policy, uint32_t id); /* a hit? It is there afterwards, mostly */
    void (*destroy)(struct policy *policy);
};

/* S3-FIFO is cache/cache.c, which takes an object only if it has room for ten. */
enum { POLICY_FIFO, POLICY_LRU, POLICY_SIEVE, POLICY_ARC, POLICY_S3FIFO, NPOLICIES };
extern const struct policy_class policies[NPOLICIES];

/* Which are the hits of the best policy that there can be, which knows the future and need not take
 * what it is asked for (Belady 1966; Mattson et al. 1970)? hit: n of them. */
void belady(const uint32_t *ids, size_t n, uint32_t nids, uint32_t room, bool *hit);

#endif
