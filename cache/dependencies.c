#include "cache/dependencies.h"

#include "base/entity.h"

static bool has(const struct dependencies *dependencies, uint64_t key)
{
    for (size_t i = 0; i < dependencies->n; i++) {
        if (dependencies->keys[i] == key)
            return true;
    }
    return false;
}

void dependencies_add(struct dependencies *dependencies, uint64_t key)
{
    if (has(dependencies, key))
        return;
    if (dependencies->n == CACHE_MAX_DEPENDENCIES) {
        dependencies->is_too_long = true;
        return;
    }
    dependencies->keys[dependencies->n++] = key;
    if (entity_is_listing(key))
        dependencies_add(dependencies, entity_key(ENTITY_ALL_LISTINGS, 0));
}
