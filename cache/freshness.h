/* cache/freshness.h - may what was read from the database some time ago still be shown?
 *
 * Two questions. Has it changed since: who begins to read keeps `seq`, and asks with it before
 * keeping what was read. And is there anybody to tell: what was vouched for is good for
 * max_stale_us, after that a change may have been missed.
 *
 * One thread. */
#ifndef CACHE_FRESHNESS_H
#define CACHE_FRESHNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRESHNESS_MEMORY = 1024 }; /* changes */

struct freshness {
    uint64_t seq; /* changes so far, each id counted; read only */

    uint64_t _all_changed_at;  /* a seq */
    uint64_t _confirmed_at_us; /* 0: never */
    uint64_t _max_stale_us;
    int64_t _recent[FRESHNESS_MEMORY]; /* change s is at (s - 1) % FRESHNESS_MEMORY */
};

void freshness_init(struct freshness *f, uint64_t max_stale_us);

void freshness_changed(struct freshness *f, const int64_t *ids, size_t n);
void freshness_changed_all(
    struct freshness *f); /* anything may have: nothing begun before is kept */

/* All that had committed by at_us (clock_us()) has been told. An earlier time than was vouched
 * for already changes nothing. */
void freshness_confirm(struct freshness *f, uint64_t at_us);

/* False before the first vouch, and from max_stale_us after the last. */
bool freshness_is_confirmed(const struct freshness *f, uint64_t now_us);

/* Has one of the ids changed after seq was `since`? True where that is too long ago to tell. */
bool freshness_has_changed(const struct freshness *f, uint64_t since, const int64_t *ids, size_t n);

#endif
