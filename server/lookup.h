/* server/lookup.h - one look-up in the database for all requests that want the same at the same time.
 *
 *     lookup_wait_start --> join a look-up, or begin one: resource->start --> its queries ...
 *                       ... their results --> lookup_tell --> done, done ... --> lookup_end
 *
 * A look-up may bring several answers: its parts. Each waiter wants one of them. A look-up ends when its
 * last waiter is cancelled, unless it goes_on.
 *
 * Promise: no waiter is told before lookup_wait_start() returns; then it is told exactly once, or never
 *          after lookup_wait_cancel().
 * Age:     a request that joins gets an answer that is at most as old as one from memory may be (see
 *          server/answer_cache.h). */
#ifndef SERVER_LOOKUP_H
#define SERVER_LOOKUP_H

#include <h2o.h>

#include "db/error.h"
#include "server/answer.h"

struct answer_cache;
struct lookup;
struct service;

struct lookup_problem {
    const char *kind, *detail; /* see respond_problem() */
};

/* A kind of thing that is looked up. Constant. */
struct resource {
    size_t lookup_size; /* of the struct of a look-up, whose first member is the struct lookup */
    unsigned nparts;

    /* Starts the queries of a look-up, whose other members are zero. No waiter is told yet. */
    void (*start)(struct lookup *lookup);
    /* Another waiter has joined; it is not told yet. May be NULL. */
    void (*on_joined)(struct lookup *lookup);
    /* Cancels the queries and frees all that the look-up owns, but not the look-up itself. */
    void (*cancel)(struct lookup *lookup);

    /* For server/resource.c: headers of an ANSWER_OK (may be NULL), and the problems for the other kinds. */
    void (*add_headers)(h2o_req_t *req, const struct answer *answer);
    struct lookup_problem absent, withdrawn;
};

/* The first member of the struct of a look-up. */
struct lookup {
    const struct resource *resource;
    struct service *service;
    struct answer_key key; /* of part 0 */
    int64_t id;            /* as it was asked for; 0 where the key is a text */
    uint64_t since;        /* freshness.seq when it began: for answer_cache_keep() */
    uint64_t began_us;     /* clock_us() */
    bool goes_on;          /* also without waiters */

    struct table_node _node; /* while it may be joined */
    bool _may_be_joined;
    h2o_linklist_t _link; /* in the answer cache's list */
    h2o_linklist_t _waiters;
    unsigned _asked;   /* a bit for each part that a waiter has asked for */
    unsigned _telling; /* calls of lookup_tell() under way */
};

/* Exactly one of the two: an answer, or an error. All is lent. */
struct lookup_result {
    struct answer *answer;
    enum db_error error;
    const char *message; /* for the log; may be NULL */
};

struct lookup_waiter;
typedef void lookup_waiter_done_fn(struct lookup_waiter *waiter,
                                   const struct lookup_result *result);

/* Embed it; zeroed before the start; not moved until `done`, or until cancel has returned. */
struct lookup_waiter {
    lookup_waiter_done_fn *_done;
    unsigned _part;
    struct lookup *_lookup; /* NULL: it does not wait */
    h2o_linklist_t _link;
};

/* key: of part 0. */
void lookup_wait_start(struct lookup_waiter *waiter, struct service *service,
                       const struct resource *resource, const struct answer_key *key, int64_t id,
                       unsigned part, lookup_waiter_done_fn *done);

/* Allowed in any state. */
void lookup_wait_cancel(struct lookup_waiter *waiter);

/* ---- for the resource */

bool lookup_has_waiters(const struct lookup *lookup, unsigned part);

/* Did a waiter ask for this part, including those that were told already? */
bool lookup_was_asked(const struct lookup *lookup, unsigned part);

/* No request joins it from now on. */
void lookup_close(struct lookup *lookup);

/* Tells all waiters of this part. */
void lookup_tell(struct lookup *lookup, unsigned part, const struct lookup_result *result);

/* Frees a look-up whose waiters have all been told. */
void lookup_end(struct lookup *lookup);

/* Closes it, tells all waiters of the error, and ends it. */
void lookup_fail(struct lookup *lookup, enum db_error error, const char *message);

/* ---- for the answer cache: ends all look-ups, and tells no waiter */
void lookup_cancel_all(struct answer_cache *cache);

#endif
