/* base/entity.h - an entity as one number: its key. Changes concern entities; answers depend on them.
 *
 * A key packs a kind and an id. SQL makes the same keys: id * 16 + kind. */
#ifndef BASE_ENTITY_H
#define BASE_ENTITY_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

enum entity_kind {
    ENTITY_EVERYTHING = 0,
    ENTITY_ARTICLE = 1,
    ENTITY_SECTION = 2,
    ENTITY_AUTHOR = 3,
    ENTITY_TAG = 4,
    ENTITY_LISTING = 5, /* of all articles; id 0 */
    ENTITY_SECTION_LISTING = 6,
    ENTITY_AUTHOR_LISTING = 7,
    ENTITY_TAG_LISTING = 8,
    ENTITY_ALL_LISTINGS = 9, /* id 0: every listing has changed */
};

#define ENTITY_MAX_ID ((INT64_C(1) << 59) - 1)

static inline uint64_t entity_key(enum entity_kind kind, int64_t id)
{
    assert(id >= 0 && id <= ENTITY_MAX_ID);
    return (uint64_t)id * 16 + kind;
}

static inline enum entity_kind entity_kind_of(uint64_t key)
{
    return (enum entity_kind)(key % 16);
}

static inline bool entity_is_listing(uint64_t key)
{
    return entity_kind_of(key) >= ENTITY_LISTING && entity_kind_of(key) <= ENTITY_TAG_LISTING;
}

#endif
