/* cache/dependencies.h - the keys of the entities that an answer shows (base/entity.h).
 *
 * Each key counts once. An answer that depends on any listing depends on ENTITY_ALL_LISTINGS as well. */
#ifndef CACHE_DEPENDENCIES_H
#define CACHE_DEPENDENCIES_H

#include "cache/cache.h"

/* Set n and is_too_long to 0. */
struct dependencies {
    size_t n;
    bool is_too_long; /* more than CACHE_MAX_DEPENDENCIES: the answer can't be kept */
    uint64_t keys[CACHE_MAX_DEPENDENCIES];
};

void dependencies_add(struct dependencies *dependencies, uint64_t key);

#endif
