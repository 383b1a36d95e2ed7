/* cache/freshness.h - may an answer that was read from the database some time ago still be shown?
 *
 * There are two questions:
 * - Has an entity changed since the look-up of the answer began? A look-up remembers `seq` when it begins,
 *   and asks with it before its answer is kept.
 * - Are changes still reported? Each report confirms the answers in memory for max_stale_us. Later than
 *   that, a change may have been missed.
 * And there is one condition: while changes may go unreported, nothing is confirmed.
 *
 * One thread. */
#ifndef CACHE_FRESHNESS_H
#define CACHE_FRESHNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRESHNESS_MEMORY = 8192 }; /* changes */

struct freshness {
    uint64_t seq; /* the number of changes so far, each key counted; read only */

    uint64_t _all_changed_at;  /* a seq */
    uint64_t _confirmed_at_us; /* 0: never, or not any more */
    uint64_t _max_stale_us;
    uint64_t _recent[FRESHNESS_MEMORY]; /* change s is at (s - 1) % FRESHNESS_MEMORY */
};

void freshness_init(struct freshness *f, uint64_t max_stale_us);

void freshness_changed(struct freshness *f, const uint64_t *keys, size_t n);

/* Anything may have changed: the answer of a look-up that began before is not kept. */
void freshness_changed_all(struct freshness *f);

/* All changes that were committed by at_us (clock_us()) have been reported. An earlier time than the last
 * one has no effect. */
void freshness_confirm(struct freshness *f, uint64_t at_us);

/* Nothing is confirmed until freshness_confirm() is called again. */
void freshness_doubt(struct freshness *f);

/* False before the first confirmation, and from max_stale_us after the last one. */
bool freshness_is_confirmed(const struct freshness *f, uint64_t now_us);

/* Has one of the keys changed after seq was `since`? True where that is too long ago to know. */
bool freshness_has_changed(const struct freshness *f, uint64_t since, const uint64_t *keys,
                           size_t n);

#endif
