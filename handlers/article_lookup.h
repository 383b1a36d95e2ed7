/* handlers/article_lookup.h - one look-up of an article for all who want it at the same time.
 *
 * Promise: as a query's: never `done` before start returns; then exactly one, or none after cancel.
 * Age:     who joins a lookup gets what is at most as old as an answer that is kept may be (see
 *          server/answer_cache.h). */
#ifndef HANDLERS_ARTICLE_FLIGHT_H
#define HANDLERS_ARTICLE_FLIGHT_H

#include "handlers/article_fetch.h"
#include "server/answer_cache.h"

/* The two answers that an article has. */
enum article_part {
    ARTICLE_WHOLE,
    ARTICLE_RELATED,
    ARTICLE_NPARTS,
};

/* Under which an answer is kept in the store. id: 1 or more. */
static inline uint64_t article_key(int64_t id, enum article_part part)
{
    return (uint64_t)id << 1 | part;
}

struct article_waiter;
struct article_lookup;

/* found: what the look-up brought, lent. answer: the part that was asked for, lent; NULL where there is
 * none: see found->outcome, and found->related_error where the list alone was asked for. */
typedef void article_waiter_done_fn(struct article_waiter *waiter,
                                    const struct article_fetch *found, struct answer *answer);

/* Embed it; zeroed before the start; not moved until `done`, or until cancel has returned. */
struct article_waiter {
    article_waiter_done_fn *_done;
    enum article_part _part;
    struct article_lookup *_lookup; /* NULL: it waits for none */
    h2o_linklist_t _link;
};

void article_wait_start(struct article_waiter *waiter, struct answer_cache *store,
                        struct db_pool *pool, int64_t id, enum article_part part,
                        article_waiter_done_fn *done);

/* Fine in any state. A lookup that nobody waits for any more is given up. */
void article_wait_cancel(struct article_waiter *waiter);

#endif
