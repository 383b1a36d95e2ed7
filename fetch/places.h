/* fetch/places.h - at most so many at the same time, in total and for each host. The others wait.
 *
 * First come, first served, except that an entry whose host has no free place does not hold up the others.
 *
 * One thread. */
#ifndef FETCH_PLACES_H
#define FETCH_PLACES_H

#include <h2o/linklist.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/table.h"

struct places_host;

struct places {
    unsigned max, max_per_host;
    size_t taken;   /* read only: entries that have a place */
    size_t waiting; /* read only */

    struct table _hosts;
    h2o_linklist_t _ready; /* entries that wait; their hosts have kept a place for them */
};

/* Embed it, zeroed. */
struct place {
    struct places_host *_host; /* NULL: it is not in use */
    bool _is_taken, _is_ready;
    h2o_linklist_t _link; /* on the list of ready ones, or of its host */
};

void places_init(struct places *places, unsigned max, unsigned max_per_host);
void places_finish(struct places *places); /* no place is in use */

/* The entry waits for a place from now on. host: lent for the call. */
void places_wait(struct places *places, struct place *place, const char *host);

/* Gives a place to the entry that is next. NULL: none can have one now. */
struct place *places_next(struct places *places);

/* The entry neither waits nor has a place any more. Allowed in any state. */
void places_leave(struct places *places, struct place *place);

static inline bool place_is_taken(const struct place *place)
{
    return place->_is_taken;
}

#endif
