/* fetch/fetch.h - one HTTP request to another server, among many at the same time.
 *
 *     fetch_start --> wait for a place --> name, connect, TLS, answer, redirects ... --> done
 *
 * Promise: fetch_start() never fails and never calls back before it returns. Later the loop calls `done`
 *          exactly once, or never if fetch_cancel() was called first.
 * Limits:  one deadline for all phases, the wait for a place included; the size of the body; 3 redirects.
 * Errors:  each failure has a reason from a closed list, and a sentence for a person.
 * Thread:  a fetch, its fetcher and its callback live on one thread; nothing here locks. */
#ifndef FETCH_FETCH_H
#define FETCH_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/timer.h"
#include "fetch/places.h"

enum fetch_reason {
    FETCH_OK,
    FETCH_UNRESOLVED, /* the host's name has no address */
    FETCH_REFUSED,    /* no connection can be made */
    FETCH_TIMEOUT,    /* the deadline passed */
    FETCH_TLS,        /* no secure connection: for example, the certificate is not trusted */
    FETCH_STATUS,     /* the status is not 200 */
    FETCH_REDIRECT,   /* too many redirects, or one that is not allowed */
    FETCH_CUT_OFF,    /* the answer ended too early, or is not HTTP */
    FETCH_TOO_LARGE,  /* the body is larger than the limit */
    FETCH_NREASONS,
};

/* Stable names, such as "cut-off". */
extern const char *const fetch_reason_names[FETCH_NREASONS];

enum { FETCH_DETAIL_SIZE = 512, FETCH_URL_MAX_BYTES = 2000 };

/* The state that an endpoint gave its answer, for a conditional request. Texts; "": not known. A longer one is
 * not kept. */
struct fetch_validators {
    char etag[256], last_modified[64];
};

struct fetch;
struct fetcher;
struct transfer;

typedef void fetch_done_fn(struct fetch *fetch);

/* Embed it in your own state, zeroed but for the first part. You own it. Do not move or free it until `done`
 * has been called or fetch_cancel() has returned. In `done` it may be started again. */
struct fetch {
    const char *url; /* valid (fetch/url.h); lent until `done` */
    struct fetch_validators
        validators; /* of the last answer, or empty; a new answer with a body sets its own */
    fetch_done_fn *done;

    enum fetch_reason reason;       /* set for `done`, like all that follows */
    char detail[FETCH_DETAIL_SIZE]; /* a sentence; "" with FETCH_OK */
    bool is_unchanged;              /* FETCH_OK without a body: the last answer is still valid */
    const char *body;               /* lent for the call; decoded */
    size_t bytes;
    uint64_t retry_after_s; /* the endpoint asks for this pause (status 429 or 503); else 0 */
    uint64_t took_us;       /* since fetch_start() */

    struct fetcher *_fetcher; /* NULL: it was not started, or has ended */
    struct place _place;
    struct timer _deadline;
    struct transfer *_transfer; /* while it has a place */
    char *_location;            /* after a redirect: where to */
    h2o_linklist_t _link;       /* on the list of all fetches */
    unsigned _redirects;
    uint64_t _began_us;
};

void fetch_start(struct fetcher *fetcher, struct fetch *fetch);

/* Allowed in any state: zeroed, waiting, under way, ended. */
void fetch_cancel(struct fetch *fetch);

#endif
