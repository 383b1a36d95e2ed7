/* db/resolve.h - the addresses of the database's hosts, found without blocking the loop.
 *
 * Promise: db_resolve_start() never calls back before it returns; later `done` is called once, unless
 *          db_resolve_cancel() comes first. There is no deadline here: the caller cancels. */
#ifndef DB_RESOLVE_H
#define DB_RESOLVE_H

#include <h2o.h>

#include "db/conninfo.h"

struct db_resolve;
typedef void db_resolve_done_fn(struct db_resolve *resolve);

/* Every host in the order of DATABASE_URL, once for each of its addresses, as libpq wants them: lists
 * with commas between. */
struct db_addresses {
    char *host, *hostaddr, *port;
    size_t n;
};

struct db_resolve {
    db_resolve_done_fn *done;
    struct db_addresses found; /* set for `done`: take it, or leave it to db_resolve_cancel() */
    const char *error;         /* set for `done` where nothing was found: why; static text */
    const char *error_host;    /* and for which name; lent by the conninfo */

    const struct db_conninfo *_info;
    h2o_multithread_receiver_t *_receiver;
    h2o_hostinfo_getaddr_req_t *_request;
    size_t _next; /* the host that is looked at next */
};

/* receiver: one that runs h2o_hostinfo_getaddr_receiver, such as the one in every h2o_context_t. At
 * least one host must be a name (db_host_is_name). */
void db_resolve_start(struct db_resolve *resolve, const struct db_conninfo *info,
                      h2o_multithread_receiver_t *receiver, db_resolve_done_fn *done);
void db_resolve_cancel(struct db_resolve *resolve); /* fine in any state, zeroed included */

/* The same lists where no host is a name; the caller frees them. */
struct db_addresses db_addresses_of(const struct db_conninfo *info);
void db_addresses_finish(struct db_addresses *addresses);

#endif
