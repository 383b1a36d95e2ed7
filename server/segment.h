/* server/segment.h - bytes that answers are made of. Several answers may share one segment.
 *
 * Its memory is reserved from the budget (server/memory.h) as long as it exists, except while an answer
 * that has it is in the cache. One thread. */
#ifndef SERVER_SEGMENT_H
#define SERVER_SEGMENT_H

#include <h2o.h>

#include "server/memory.h"

/* A segment also reserves these bytes for the answer that it will be a part of. */
enum { SEGMENT_ANSWER_BYTES = 512 };

/* Reference counted: h2o_mem_addref_shared() and h2o_mem_release_shared(). */
struct segment {
    size_t length; /* read only */
    size_t room;
    struct memory *_memory;
    size_t _reserved;
    unsigned _in_cache; /* answers in the cache that have it */
    void *_hash;        /* of a large segment: the state of the hash so far; else NULL */
    char bytes[];
};

/* The caller owns one reference. NULL: the budget has no room. */
struct segment *segment_create(struct memory *memory, size_t room);
struct segment *segment_create_large(struct memory *memory, size_t room);

/* There must be room. */
void segment_append(struct segment *segment, const void *bytes, size_t length);

/* Its cost in memory. */
size_t segment_memory(const struct segment *segment);

/* An answer that has it came into the cache, or left it. */
void segment_enter_cache(struct segment *segment);
void segment_leave_cache(struct segment *segment);

/* A hash of its bytes and of those that follow. It does not depend on how they are divided. */
uint64_t segment_hash(const struct segment *segment, h2o_iovec_t rest);
uint64_t segment_hash_of(h2o_iovec_t bytes);

#endif
