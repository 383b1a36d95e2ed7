#include <criterion/criterion.h>

#include "base/entity.h"
#include "cache/dependencies.h"

static struct dependencies dependencies;

Test(dependencies, count_each_key_once)
{
    for (int i = 0; i < 3; i++) {
        dependencies_add(&dependencies, entity_key(ENTITY_ARTICLE, 7));
        dependencies_add(&dependencies, entity_key(ENTITY_SECTION, 7));
    }
    cr_assert_eq(dependencies.n, 2);
    cr_expect_eq(dependencies.keys[0], 7 * 16 + 1);
    cr_expect_eq(dependencies.keys[1], 7 * 16 + 2);
}

Test(dependencies, have_the_key_of_all_listings_with_any_listing)
{
    for (enum entity_kind kind = ENTITY_EVERYTHING; kind <= ENTITY_ALL_LISTINGS; kind++) {
        bool is_listing = kind == ENTITY_LISTING || kind == ENTITY_SECTION_LISTING ||
                          kind == ENTITY_AUTHOR_LISTING || kind == ENTITY_TAG_LISTING;
        dependencies.n = 0;
        dependencies_add(&dependencies, entity_key(kind, 5));
        cr_assert_eq(dependencies.n, is_listing ? 2 : 1, "kind %d", kind);
        if (is_listing)
            cr_expect_eq(dependencies.keys[1], entity_key(ENTITY_ALL_LISTINGS, 0));
    }
}

Test(dependencies, are_too_many_when_there_is_one_more_than_the_cache_accepts)
{
    for (int64_t id = 1; id <= CACHE_MAX_DEPENDENCIES; id++)
        dependencies_add(&dependencies, entity_key(ENTITY_ARTICLE, id));
    dependencies_add(&dependencies, entity_key(ENTITY_ARTICLE, 1));
    cr_expect_not(dependencies.is_too_long);
    dependencies_add(&dependencies, entity_key(ENTITY_ARTICLE, CACHE_MAX_DEPENDENCIES + 1));
    cr_expect(dependencies.is_too_long);
    cr_expect_eq(dependencies.n, CACHE_MAX_DEPENDENCIES);
}

Test(dependencies, have_keys_that_are_positive_bigints)
{
    cr_expect_leq(entity_key(ENTITY_ALL_LISTINGS, ENTITY_MAX_ID), INT64_MAX);
    cr_expect_eq(entity_kind_of(entity_key(ENTITY_TAG, ENTITY_MAX_ID)), ENTITY_TAG);
}
