/* fetch/fetcher.h - makes fetches (fetch/fetch.h) on a loop, within its limits. */
#ifndef FETCH_FETCHER_H
#define FETCH_FETCHER_H

#include <stddef.h>

#include "base/counter.h"
#include "base/loop.h"

struct fetcher;

struct fetcher_config {
    struct loop *loop;
    unsigned parallel;      /* fetches under way at the same time, at least 1 */
    unsigned per_host;      /* of one host, at least 1 */
    unsigned timeout_ms;    /* of a fetch: from fetch_start() to the last byte */
    size_t max_bytes;       /* of a body */
    const char *user_agent; /* lent */
    const char *ca_file;    /* of trusted certificates; lent; NULL: those of the system */
    /* Written by the fetcher, read by any thread; lent. */
    struct counter *under_way, *waiting;
};

/* Descriptors that a fetcher with so many parallel fetches may have open: for each, two sockets while it
 * connects or a pair while its name is resolved, each also as a copy for the loop; and idle connections. */
static inline unsigned fetcher_descriptors(unsigned parallel)
{
    return 8 + 5 * parallel;
}

/* Never fails. */
struct fetcher *fetcher_create(const struct fetcher_config *config);

/* Cancels the fetches under way. NULL is allowed. Do not call it in a `done`. */
void fetcher_destroy(struct fetcher *fetcher);

#endif
