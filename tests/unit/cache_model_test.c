/* The cache is compared with a list of its items, during many thousands of random calls. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>

#include "base/container_of.h"
#include "bench/random.h"
#include "cache/cache.h"

enum { KEYS = 3000, ENTITIES = 500, CALLS = 60000, FEW = 7 };

struct object {
    bool is_in;
    size_t bytes, ndependencies;
    uint64_t dependencies[CACHE_MAX_DEPENDENCIES];
    struct cache_item item;
};

static struct cache cache;
static struct object objects[KEYS]; /* by key */
static struct random rng;
static size_t items, bytes; /* items that are in the cache */

static void on_evicted(struct cache *c, struct cache_item *item)
{
    struct object *object = container_of(item, struct object, item);
    cr_assert_eq(c, &cache);
    cr_assert(object->is_in);
    object->is_in = false;
    items--;
    bytes -= object->bytes;
    memset(item, 0x55, sizeof(*item));
}

static bool depends_on(const struct object *object, uint64_t entity)
{
    for (size_t i = 0; i < object->ndependencies; i++)
        if (object->dependencies[i] == entity)
            return object->is_in;
    return false;
}

static void insert(struct object *object, unsigned max_bytes)
{
    object->bytes = sizeof(struct cache_item) + random_below(&rng, 1000);
    if (random_below(&rng, 50) == 0) /* some are large, and some too large */
        object->bytes += random_below(&rng, max_bytes / 9);
    bool has_many = random_below(&rng, 100) == 0;
    object->ndependencies = random_below(&rng, has_many ? CACHE_MAX_DEPENDENCIES + 1 : FEW + 1);
    for (size_t i = 0; i < object->ndependencies; i++) {
        unsigned hot = random_below(&rng, 4);
        object->dependencies[i] = random_below(&rng, hot == 0 ? 3 : ENTITIES);
    }
    object->is_in = true;
    items++;
    size_t own_bytes = object->bytes;
    object->bytes += cache_dependencies_bytes(object->ndependencies);
    bytes += object->bytes;
    bool is_small = object->bytes <= max_bytes / 10;
    bool is_taken = cache_insert(&cache, &object->item, (uint64_t)(object - objects), own_bytes,
                                 object->dependencies, object->ndependencies);
    cr_assert_eq(is_taken, is_small);
    cr_assert_eq(object->is_in, is_small);
}

static void drop(uint64_t entity)
{
    size_t want = 0;
    for (size_t i = 0; i < KEYS; i++)
        want += depends_on(&objects[i], entity);
    size_t before = items, dropped = cache_drop(&cache, entity);
    cr_assert_eq(dropped, want);
    cr_assert_leq(items, before - dropped);
    for (size_t i = 0; i < KEYS; i++)
        cr_assert_not(depends_on(&objects[i], entity));
}

static void grow(struct object *object, unsigned max_bytes)
{
    size_t more = random_below(&rng, 500);
    if (object->bytes + more > max_bytes / 2)
        return;
    object->bytes += more;
    bytes += more;
    cache_grow(&cache, &object->item, more);
    cr_assert(object->is_in);
}

static void call_something(unsigned max_bytes)
{
    struct object *object = &objects[random_below(&rng, KEYS)];
    unsigned what = random_below(&rng, 1000);
    struct cache_item *found = cache_find(&cache, (uint64_t)(object - objects));
    cr_assert_eq(found, object->is_in ? &object->item : NULL);
    if (what == 0)
        cache_clear(&cache);
    else if (what < 20)
        drop(random_below(&rng, ENTITIES + 10));
    else if (!object->is_in)
        insert(object, max_bytes);
    else if (what < 200)
        cache_remove(&cache, &object->item);
    else if (what < 400)
        grow(object, max_bytes);
}

struct size_case {
    unsigned max_bytes;
};

ParameterizedTestParameters(cache_model, agrees_with_a_list)
{
    static struct size_case cases[] = {{0}, {1000}, {2800}, {4000}, {30000}, {300000}, {20000000}};
    return cr_make_param_array(struct size_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct size_case *c, cache_model, agrees_with_a_list, .timeout = 60)
{
    rng = random_of(c->max_bytes);
    cache_init(&cache, c->max_bytes, on_evicted);
    for (int i = 0; i < CALLS; i++) {
        call_something(c->max_bytes);
        cr_assert_eq(cache_items(&cache), items);
        cr_assert_geq(cache_bytes(&cache), bytes);
        cr_assert_leq(cache_bytes(&cache), c->max_bytes, "after call %d", i);
        if (i % 97 == 0)
            cr_assert(cache_is_consistent(&cache), "after call %d", i);
    }
    cache_finish(&cache);
    cr_expect_eq(items, 0);
    cr_expect_eq(cache_bytes(&cache), 0);
}
