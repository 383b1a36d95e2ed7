#include "db/resolve.h"

#include <assert.h>
#include <string.h>

static void on_addresses(h2o_hostinfo_getaddr_req_t *request, const char *error,
                         struct addrinfo *list, void *resolve);

void db_resolve_start(struct db_resolve *resolve, const char *name,
                      h2o_multithread_receiver_t *receiver, db_resolve_done_fn *done)
{
    assert(resolve->_request == NULL);
    *resolve = (struct db_resolve){._done = done};
    resolve->_request = h2o_hostinfo_getaddr(receiver, h2o_iovec_init(name, strlen(name)),
                                             h2o_iovec_init(H2O_STRLIT("")), AF_UNSPEC, SOCK_STREAM,
                                             IPPROTO_TCP, AI_ADDRCONFIG, on_addresses, resolve);
}

static void on_addresses(h2o_hostinfo_getaddr_req_t *request, const char *error,
                         struct addrinfo *list, void *p)
{
    struct db_resolve *resolve = p;
    struct db_addresses *found = &resolve->found;
    assert(request == resolve->_request);
    resolve->_request = NULL;
    resolve->error = error;
    for (; list != NULL && found->n < DB_MAX_ADDRESSES; list = list->ai_next) {
        if (getnameinfo(list->ai_addr, list->ai_addrlen, found->of[found->n], DB_ADDRESS_BYTES,
                        NULL, 0, NI_NUMERICHOST) == 0)
            found->n++;
    }
    resolve->_done(resolve);
}

void db_resolve_cancel(struct db_resolve *resolve)
{
    if (resolve->_request != NULL)
        h2o_hostinfo_getaddr_cancel(resolve->_request);
    resolve->_request = NULL;
}
