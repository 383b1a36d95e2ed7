/* db/resolve.h - finds the addresses of a host name without blocking the loop.
 *
 * Promise: db_resolve_start() never calls back before it returns. Later `done` is called once, or never
 *          if db_resolve_cancel() was called first. There is no deadline here: the caller cancels. */
#ifndef DB_RESOLVE_H
#define DB_RESOLVE_H

#include <h2o.h>

struct db_resolve;
typedef void db_resolve_done_fn(struct db_resolve *resolve);

enum { DB_MAX_ADDRESSES = 16, DB_ADDRESS_BYTES = 64 };

/* Numeric addresses of one host, in the order in which they are tried. */
struct db_addresses {
    size_t n;
    char of[DB_MAX_ADDRESSES][DB_ADDRESS_BYTES];
};

/* Zeroed at the start. */
struct db_resolve {
    struct db_addresses found; /* set for `done` */
    const char *error; /* set for `done` where nothing was found: the reason, or NULL; static */

    db_resolve_done_fn *_done;
    h2o_hostinfo_getaddr_req_t *_request;
};

/* name: borrowed until the end. receiver: it runs h2o_hostinfo_getaddr_receiver, as the one in every
 * h2o_context_t does. */
void db_resolve_start(struct db_resolve *resolve, const char *name,
                      h2o_multithread_receiver_t *receiver, db_resolve_done_fn *done);
void db_resolve_cancel(struct db_resolve *resolve); /* allowed in any state, zeroed included */

#endif
