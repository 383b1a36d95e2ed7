#include "cache/ghost.h"

#include <stdlib.h>

enum {
    WAYS = 8, /* slots a bucket: 64 bytes */
    MIN_BITS = 1,
    MAX_BITS = 28,
};

static size_t count(const struct ghost_slots *slots)
{
    return slots->slot != NULL ? (size_t)WAYS << slots->bits : 0;
}

static void release(struct ghost_slots *slots)
{
    free(slots->slot);
    *slots = (struct ghost_slots){0};
}

void ghost_finish(struct ghost *ghost)
{
    release(&ghost->_slots);
    release(&ghost->_old);
    *ghost = (struct ghost){0};
}

/* A quarter of the slots stays free, since hashes do not fill all buckets alike. */
void ghost_fit(struct ghost *ghost, size_t n)
{
    size_t room = count(&ghost->_slots) / 4 * 3;
    unsigned bits = ghost->_slots.bits;
    if (n > room)
        while (bits < MIN_BITS || (n > (size_t)WAYS / 4 * 3 << bits && bits < MAX_BITS))
            bits++;
    else if (n < room / 8 && bits > MIN_BITS + 2)
        bits -= 2;
    if (bits == ghost->_slots.bits)
        return;
    if (ghost->_now == 0)
        release(&ghost->_slots);
    release(&ghost->_old);
    ghost->_old = ghost->_slots;
    ghost->_resized_at = ghost->_now;
    ghost->_slots.bits = bits;
    ghost->_slots.slot = calloc((size_t)WAYS << bits, sizeof(ghost->_slots.slot[0]));
    if (ghost->_slots.slot == NULL)
        abort();
}

static uint64_t *bucket(const struct ghost_slots *slots, uint64_t hash)
{
    return &slots->slot[(size_t)(hash >> (64 - slots->bits)) * WAYS];
}

/* How many have come since; of an empty slot, a great many. */
static uint32_t age(const struct ghost *ghost, uint64_t slot)
{
    return slot != 0 ? ghost->_now - (uint32_t)slot : UINT32_MAX;
}

void ghost_add(struct ghost *ghost, uint64_t hash)
{
    if (ghost->_slots.slot == NULL)
        return;
    uint64_t *slots = bucket(&ghost->_slots, hash), *oldest = slots;
    for (uint64_t *slot = slots; slot < slots + WAYS; slot++)
        if (age(ghost, *slot) > age(ghost, *oldest))
            oldest = slot;
    *oldest = hash << 32 | ++ghost->_now;
    if (ghost->_now - ghost->_resized_at >= count(&ghost->_old))
        release(&ghost->_old);
}

static bool take(const struct ghost *ghost, const struct ghost_slots *from, uint64_t hash, size_t n)
{
    if (from->slot == NULL)
        return false;
    uint64_t *slots = bucket(from, hash);
    for (uint64_t *slot = slots; slot < slots + WAYS; slot++) {
        if (*slot >> 32 == (uint32_t)hash && age(ghost, *slot) < n) {
            *slot = 0;
            return true;
        }
    }
    return false;
}

bool ghost_take(struct ghost *ghost, uint64_t hash, size_t n)
{
    return take(ghost, &ghost->_slots, hash, n) || take(ghost, &ghost->_old, hash, n);
}

size_t ghost_bytes(const struct ghost *ghost)
{
    return (count(&ghost->_slots) + count(&ghost->_old)) * sizeof(ghost->_slots.slot[0]);
}
