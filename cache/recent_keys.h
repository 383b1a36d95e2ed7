/* cache/recent_keys.h - the hashes of the keys that left a cache last, in 8 bytes each.
 *
 * A hash belongs to one bucket of eight slots. A slot has half of the hash, and the number of the hash in
 * the order of their arrival. So nothing is taken out when it is too old: it is not found any more, and
 * later it is overwritten. In a full bucket the oldest hash is overwritten early. One in some hundreds
 * of millions of other hashes is found by mistake: the result is a hint, not a proof. */
#ifndef CACHE_RECENT_KEYS_H
#define CACHE_RECENT_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recent_keys_slots {
    uint64_t *slot; /* NULL: there are none */
    unsigned bits;  /* 2^bits buckets */
};

/* Zeroed is ready. */
struct recent_keys {
    uint32_t _now; /* hashes so far */
    uint32_t _resized_at;
    struct recent_keys_slots _slots;
    struct recent_keys_slots
        _old; /* as it was before the last resize: read until all of it is too old */
};

void recent_keys_finish(struct recent_keys *recent);

/* Makes room for n hashes. Call it after each change of n; it costs nearly nothing. The hashes stay. */
void recent_keys_fit(struct recent_keys *recent, size_t n);

/* hash: all of its 64 bits are random. Without any room it is lost. */
void recent_keys_add(struct recent_keys *recent, uint64_t hash);

/* Was the hash one of the last n? Then it is removed. */
bool recent_keys_take(struct recent_keys *recent, uint64_t hash, size_t n);

size_t recent_keys_bytes(const struct recent_keys *recent);

#endif
