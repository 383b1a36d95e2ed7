/* cache/recent_keys.h - the hashes of what has left lately, the last so many, in 8 bytes each.
 *
 * A hash has one bucket of eight slots to be in, and a slot holds half of the hash and when it
 * came, counted in hashes: so nothing has to be taken out when its time is over, it is only not
 * found any more, and overwritten. Where a bucket is full the oldest in it goes early. Of things
 * that were never there, one in some hundreds of millions is found: it is a hint, not a proof. */
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
    struct recent_keys_slots _old; /* from before it was resized: read until all in it is too old */
};

void recent_keys_finish(struct recent_keys *recent);

/* Makes room for so many; called after each change of the number, it costs nearly nothing. What is
 * in it stays. */
void recent_keys_fit(struct recent_keys *recent, size_t n);

/* hash: all 64 bits good. Lost where there is no room at all. */
void recent_keys_add(struct recent_keys *recent, uint64_t hash);

/* Was it one of the last n? If so, it is no longer. */
bool recent_keys_take(struct recent_keys *recent, uint64_t hash, size_t n);

size_t recent_keys_bytes(const struct recent_keys *recent);

#endif
