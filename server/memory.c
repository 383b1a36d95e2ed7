#include "server/memory.h"

#include <assert.h>
#include <malloc.h>

enum { TRIM_BYTES = 32 << 20 };

static bool reserve(struct memory *memory, size_t bytes, size_t max_bytes);
static void note_peak(struct memory *memory, size_t used);

void memory_init(struct memory *memory, size_t max_bytes)
{
    *memory = (struct memory){.max_bytes = max_bytes};
}

bool memory_reserve(struct memory *memory, size_t bytes)
{
    return reserve(memory, bytes, memory->max_bytes);
}

bool memory_reserve_large(struct memory *memory, size_t bytes)
{
    return reserve(memory, bytes, memory->max_bytes / 4 * 3);
}

static bool reserve(struct memory *memory, size_t bytes, size_t max_bytes)
{
    size_t used = atomic_load_explicit(&memory->_used, memory_order_relaxed);
    do {
        if (used > max_bytes || bytes > max_bytes - used) {
            atomic_fetch_add_explicit(&memory->_refused, 1, memory_order_relaxed);
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&memory->_used, &used, used + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    note_peak(memory, used + bytes);
    return true;
}

void memory_reserve_anyway(struct memory *memory, size_t bytes)
{
    note_peak(memory,
              atomic_fetch_add_explicit(&memory->_used, bytes, memory_order_relaxed) + bytes);
}

static void note_peak(struct memory *memory, size_t used)
{
    size_t peak = atomic_load_explicit(&memory->_peak, memory_order_relaxed);
    while (peak < used &&
           !atomic_compare_exchange_weak_explicit(&memory->_peak, &peak, used, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

void memory_release(struct memory *memory, size_t bytes)
{
    size_t used = atomic_fetch_sub_explicit(&memory->_used, bytes, memory_order_relaxed);
    assert(used >= bytes);
}

size_t memory_used(const struct memory *memory)
{
    return atomic_load_explicit(&memory->_used, memory_order_relaxed);
}

uint64_t memory_refused(const struct memory *memory)
{
    return atomic_load_explicit(&memory->_refused, memory_order_relaxed);
}

bool memory_trim(struct memory *memory)
{
    size_t used = memory_used(memory);
    size_t peak = atomic_load_explicit(&memory->_peak, memory_order_relaxed);
    if (peak < used + TRIM_BYTES)
        return false;
    atomic_store_explicit(&memory->_peak, used, memory_order_relaxed);
    malloc_trim(0);
    return true;
}
