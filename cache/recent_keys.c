#include "cache/recent_keys.h"

#include <stdlib.h>

enum {
    WAYS = 8, /* slots a bucket: 64 bytes */
    MIN_BITS = 1,
    MAX_BITS = 28,
};

static size_t count(const struct recent_keys_slots *slots)
{
    return slots->slot != NULL ? (size_t)WAYS << slots->bits : 0;
}

static void release(struct recent_keys_slots *slots)
{
    free(slots->slot);
    *slots = (struct recent_keys_slots){0};
}

void recent_keys_finish(struct recent_keys *recent)
{
    release(&recent->_slots);
    release(&recent->_old);
    *recent = (struct recent_keys){0};
}

/* A quarter of the slots stays free, since hashes do not fill all buckets equally. */
void recent_keys_fit(struct recent_keys *recent, size_t n)
{
    size_t room = count(&recent->_slots) / 4 * 3;
    unsigned bits = recent->_slots.bits;
    if (n > room)
        while (bits < MIN_BITS || (n > (size_t)WAYS / 4 * 3 << bits && bits < MAX_BITS))
            bits++;
    else if (n < room / 8 && bits > MIN_BITS + 2)
        bits -= 2;
    if (bits == recent->_slots.bits)
        return;
    if (recent->_now == 0)
        release(&recent->_slots);
    release(&recent->_old);
    recent->_old = recent->_slots;
    recent->_resized_at = recent->_now;
    recent->_slots.bits = bits;
    recent->_slots.slot = calloc((size_t)WAYS << bits, sizeof(recent->_slots.slot[0]));
    if (recent->_slots.slot == NULL)
        abort();
}

static uint64_t *bucket(const struct recent_keys_slots *slots, uint64_t hash)
{
    return &slots->slot[(size_t)(hash >> (64 - slots->bits)) * WAYS];
}

/* The number of hashes that came later; very large for an empty slot. */
static uint32_t age(const struct recent_keys *recent, uint64_t slot)
{
    return slot != 0 ? recent->_now - (uint32_t)slot : UINT32_MAX;
}

void recent_keys_add(struct recent_keys *recent, uint64_t hash)
{
    if (recent->_slots.slot == NULL)
        return;
    uint64_t *slots = bucket(&recent->_slots, hash), *oldest = slots;
    for (uint64_t *slot = slots; slot < slots + WAYS; slot++)
        if (age(recent, *slot) > age(recent, *oldest))
            oldest = slot;
    *oldest = hash << 32 | ++recent->_now;
    if (recent->_now - recent->_resized_at >= count(&recent->_old))
        release(&recent->_old);
}

static bool take(const struct recent_keys *recent, const struct recent_keys_slots *from,
                 uint64_t hash, size_t n)
{
    if (from->slot == NULL)
        return false;
    uint64_t *slots = bucket(from, hash);
    for (uint64_t *slot = slots; slot < slots + WAYS; slot++) {
        if (*slot >> 32 == (uint32_t)hash && age(recent, *slot) < n) {
            *slot = 0;
            return true;
        }
    }
    return false;
}

bool recent_keys_take(struct recent_keys *recent, uint64_t hash, size_t n)
{
    return take(recent, &recent->_slots, hash, n) || take(recent, &recent->_old, hash, n);
}

size_t recent_keys_bytes(const struct recent_keys *recent)
{
    return (count(&recent->_slots) + count(&recent->_old)) * sizeof(recent->_slots.slot[0]);
}
