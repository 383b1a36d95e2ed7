/* server/listener.h - the listening sockets: one for each thread on the same address (SO_REUSEPORT), so that
 * the kernel distributes the connections. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <h2o.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/timer.h"
#include "server/metrics.h"

struct listen_address {
    struct sockaddr_storage address;
    socklen_t length;
};

/* HOST:PORT, [HOST]:PORT, or :PORT for 0.0.0.0:PORT. May block to resolve a name. False: *ret_error says why
 * (malloc'ed). */
bool listen_address_parse(struct listen_address *ret_address, const char *text, char **ret_error);

/* "127.0.0.1:8080" or "[::1]:8080"; malloc'ed. */
char *listen_address_text(const struct listen_address *address);

/* Makes n sockets that listen. Port 0 becomes the port that was picked. False: *ret_error says why
 * (malloc'ed), and no socket is open. */
bool listen_address_open(struct listen_address *address, size_t n, int *ret_fds, char **ret_error);

/* The limit of client connections, shared by all threads. */
struct connection_limit {
    _Atomic unsigned now;
    unsigned max;
};

/* Accepts for one loop. At the limit, and when the process has no free descriptor, new connections stay in
 * the kernel's queue, and it tries again every 100 ms. */
struct listener {
    h2o_socket_t *_sock; /* NULL: not open */
    h2o_accept_ctx_t *_accept;
    struct connection_limit *_limit;
    struct metrics *_metrics;
    struct timer _pause;
};

/* fd: it listens; ownership moves in. All else outlives the listener. */
void listener_open(struct listener *listener, struct loop *loop, int fd, h2o_accept_ctx_t *accept,
                   struct connection_limit *limit, struct metrics *metrics);

/* Accepts the connections that wait in the kernel's queue, then closes. Allowed where it is not open. */
void listener_close(struct listener *listener);

#endif
