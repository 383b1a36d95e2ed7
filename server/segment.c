#include "server/segment.h"

#include <assert.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { HASH_SOON_BYTES = 128 << 10 }; /* from this room on, each piece is hashed when it arrives */

static struct segment *create(struct memory *memory, size_t room);
static void on_unused(void *segment);

static size_t cost(size_t room)
{
    return sizeof(struct segment) + room + SEGMENT_ANSWER_BYTES;
}

struct segment *segment_create(struct memory *memory, size_t room)
{
    return memory_reserve(memory, cost(room)) ? create(memory, room) : NULL;
}

struct segment *segment_create_large(struct memory *memory, size_t room)
{
    return memory_reserve_large(memory, cost(room)) ? create(memory, room) : NULL;
}

static struct segment *create(struct memory *memory, size_t room)
{
    struct segment *segment = h2o_mem_alloc_shared(NULL, sizeof(struct segment) + room, on_unused);
    *segment = (struct segment){.room = room, ._memory = memory, ._reserved = cost(room)};
    if (room >= HASH_SOON_BYTES) {
        segment->_hash = XXH3_createState();
        assert(segment->_hash != NULL);
        XXH3_64bits_reset(segment->_hash);
    }
    return segment;
}

static void on_unused(void *p)
{
    struct segment *segment = p;
    assert(segment->_in_cache == 0);
    memory_release(segment->_memory, segment->_reserved);
    if (segment->_hash != NULL)
        XXH3_freeState(segment->_hash);
}

void segment_append(struct segment *segment, const void *bytes, size_t length)
{
    assert(length <= segment->room - segment->length);
    if (length == 0) /* bytes may be NULL */
        return;
    memcpy(segment->bytes + segment->length, bytes, length);
    segment->length += length;
    if (segment->_hash != NULL)
        XXH3_64bits_update(segment->_hash, bytes, length);
}

size_t segment_memory(const struct segment *segment)
{
    size_t bytes = sizeof(struct st_h2o_mem_pool_shared_entry_t) + sizeof(*segment) + segment->room;
    return memory_cost(bytes) + (segment->_hash != NULL ? sizeof(XXH3_state_t) : 0);
}

void segment_enter_cache(struct segment *segment)
{
    if (segment->_in_cache++ > 0)
        return;
    memory_release(segment->_memory, segment->_reserved);
}

void segment_leave_cache(struct segment *segment)
{
    assert(segment->_in_cache > 0);
    if (--segment->_in_cache == 0)
        memory_reserve_anyway(segment->_memory, segment->_reserved);
}

uint64_t segment_hash_of(h2o_iovec_t bytes)
{
    return XXH3_64bits(bytes.base, bytes.len);
}

uint64_t segment_hash(const struct segment *segment, h2o_iovec_t rest)
{
    XXH3_state_t hash;
    if (segment->_hash == NULL && rest.len == 0)
        return XXH3_64bits(segment->bytes, segment->length);
    if (segment->_hash != NULL) {
        XXH3_copyState(&hash, segment->_hash);
    } else {
        XXH3_64bits_reset(&hash);
        XXH3_64bits_update(&hash, segment->bytes, segment->length);
    }
    XXH3_64bits_update(&hash, rest.base, rest.len);
    return XXH3_64bits_digest(&hash);
}
