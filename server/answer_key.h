/* server/answer_key.h - the key of an answer in the cache, and of a look-up that requests may join. */
#ifndef SERVER_ANSWER_KEY_H
#define SERVER_ANSWER_KEY_H

#include <h2o.h>
#include <stdbool.h>
#include <string.h>

#include "base/entity.h"

/* Resources whose answers are named by an id. The parts of a resource (struct resource) follow each other. */
enum answer_resource {
    ANSWER_ARTICLE,
    ANSWER_ARTICLE_RELATED,
    ANSWER_NRESOURCES,
};
static_assert(ANSWER_NRESOURCES <= 16, "a key has four bits for the resource");

/* Tables find by the number. The text is compared too: two texts may have the same number. */
struct answer_key {
    uint64_t number;  /* of an id and its resource: unique; else a hash of the text */
    h2o_iovec_t text; /* such as "/sections?page=2", normalized; empty where an id is the key */
};

static inline struct answer_key answer_key_of_id(enum answer_resource resource, int64_t id)
{
    assert(id >= 1 && id <= ENTITY_MAX_ID);
    return (struct answer_key){.number = (uint64_t)id * 16 + resource};
}

/* hash: of the text, all of its 64 bits random. text: lent; a caller that keeps the key copies it. */
static inline struct answer_key answer_key_of_text(uint64_t hash, h2o_iovec_t text)
{
    assert(text.len > 0);
    return (struct answer_key){hash, text};
}

/* The key of another part of the same look-up. */
static inline struct answer_key answer_key_of_part(struct answer_key first, unsigned part)
{
    first.number += part;
    return first;
}

static inline bool answer_key_is(const struct answer_key *one, const struct answer_key *other)
{
    return one->number == other->number && one->text.len == other->text.len &&
           (one->text.len == 0 || memcmp(one->text.base, other->text.base, one->text.len) == 0);
}

#endif
