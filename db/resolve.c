/*     start --> next_host --> on_addresses --> next_host ... --> done
 *                   |              ^
 *                   +-- a name ----+   (an address or a path is taken as it is) */
#include "db/resolve.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/container_of.h"

enum { MAX_ADDRESSES = 32 };

static void next_host(struct db_resolve *resolve);
static void on_addresses(h2o_hostinfo_getaddr_req_t *request, const char *error,
                         struct addrinfo *list, void *resolve);
static void append(struct db_addresses *addresses, const struct db_host *host, const char *address);
static void append_to(char **list, size_t n, const char *item);

void db_resolve_start(struct db_resolve *resolve, const struct db_conninfo *info,
                      h2o_multithread_receiver_t *receiver, db_resolve_done_fn *done)
{
    assert(resolve->_request == NULL && resolve->found.n == 0);
    *resolve = (struct db_resolve){.done = done, ._info = info, ._receiver = receiver};
    next_host(resolve);
    assert(resolve->_request != NULL);
}

/* Goes on to the next name; behind the last host there is none, and that is the end. */
static void next_host(struct db_resolve *resolve)
{
    while (resolve->_next < resolve->_info->nhosts) {
        const struct db_host *host = &resolve->_info->hosts[resolve->_next++];
        if (db_host_is_name(host)) {
            resolve->_request = h2o_hostinfo_getaddr(
                resolve->_receiver, h2o_iovec_init(host->name, strlen(host->name)),
                h2o_iovec_init(H2O_STRLIT("")), AF_UNSPEC, SOCK_STREAM, IPPROTO_TCP, AI_ADDRCONFIG,
                on_addresses, resolve);
            return;
        }
        append(&resolve->found, host, host->address);
    }
    resolve->done(resolve);
}

static void on_addresses(h2o_hostinfo_getaddr_req_t *request, const char *error,
                         struct addrinfo *list, void *p)
{
    struct db_resolve *resolve = p;
    assert(request == resolve->_request);
    resolve->_request = NULL;

    const struct db_host *host = &resolve->_info->hosts[resolve->_next - 1];
    if (error != NULL) {
        resolve->error = error;
        resolve->error_host = host->name;
    }
    for (; list != NULL && resolve->found.n < MAX_ADDRESSES; list = list->ai_next) {
        char address[NI_MAXHOST];
        if (getnameinfo(list->ai_addr, list->ai_addrlen, address, sizeof(address), NULL, 0,
                        NI_NUMERICHOST) == 0)
            append(&resolve->found, host, address);
    }
    next_host(resolve);
}

static void append(struct db_addresses *addresses, const struct db_host *host, const char *address)
{
    append_to(&addresses->host, addresses->n, host->name);
    append_to(&addresses->hostaddr, addresses->n, address);
    append_to(&addresses->port, addresses->n, host->port);
    addresses->n++;
}

static void append_to(char **list, size_t n, const char *item)
{
    char *longer;
    int length = asprintf(&longer, "%s%s%s", n == 0 ? "" : *list, n == 0 ? "" : ",", item);
    assert(length >= 0);
    free(*list);
    *list = longer;
}

void db_resolve_cancel(struct db_resolve *resolve)
{
    if (resolve->_request != NULL)
        h2o_hostinfo_getaddr_cancel(resolve->_request);
    db_addresses_finish(&resolve->found);
    *resolve = (struct db_resolve){0};
}

struct db_addresses db_addresses_of(const struct db_conninfo *info)
{
    struct db_addresses addresses = {0};
    for (size_t i = 0; i < info->nhosts; i++) {
        assert(!db_host_is_name(&info->hosts[i]));
        append(&addresses, &info->hosts[i], info->hosts[i].address);
    }
    return addresses;
}

void db_addresses_finish(struct db_addresses *addresses)
{
    free(addresses->host);
    free(addresses->hostaddr);
    free(addresses->port);
    *addresses = (struct db_addresses){0};
}
