/* server/memory.h - the memory budget of the process (BROADSHEET_MEMORY_MB).
 *
 * It limits the bytes of answers that are not in the cache: those that are being made, and those that a
 * client has not read to the end. An answer in the cache counts there instead. Large answers may use three
 * quarters of the budget, so that small answers find room while clients read large ones slowly.
 *
 * Any thread may call these functions; nothing here locks. */
#ifndef SERVER_MEMORY_H
#define SERVER_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory {
    size_t max_bytes;
    _Atomic size_t _used;
    _Atomic size_t _peak; /* since memory_trim() gave freed memory back */
    _Atomic uint64_t _refused;
};

void memory_init(struct memory *memory, size_t max_bytes);

/* The bytes that an allocation takes: the allocator adds a header, and the rest up to its next size. */
static inline size_t memory_cost(size_t bytes)
{
    enum { HEADER = 8, STEP = 16 };
    return (bytes + HEADER + STEP - 1) / STEP * STEP;
}

/* False: there is no room, and nothing was reserved. */
bool memory_reserve(struct memory *memory, size_t bytes);
bool memory_reserve_large(struct memory *memory, size_t bytes);

/* Never refuses: for bytes that exist already. The budget may be exceeded by the size of the cache. */
void memory_reserve_anyway(struct memory *memory, size_t bytes);

void memory_release(struct memory *memory, size_t bytes);

size_t memory_used(const struct memory *memory);
uint64_t memory_refused(const struct memory *memory); /* reservations, since the start */

/* Gives freed memory back to the kernel where much has been freed since the last time. That may take some
 * milliseconds: call it about once a second, and not on a loop that answers requests. True: it did. */
bool memory_trim(struct memory *memory);

#endif
