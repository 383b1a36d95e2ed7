/* server/listener.h - the listening sockets: one a thread on the same address (SO_REUSEPORT), so that
 * the kernel deals out the connections. */
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

/* HOST:PORT, [HOST]:PORT, or :PORT for 0.0.0.0:PORT; may resolve a name, blocking. False: *ret_error
 * says why (malloc'ed). */
bool listen_address_parse(struct listen_address *ret_address, const char *text, char **ret_error);

/* "127.0.0.1:8080" or "[::1]:8080"; malloc'ed. */
char *listen_address_text(const struct listen_address *address);

/* Binds n sockets; they do not listen yet. Port 0 becomes the one that was picked. False: *ret_error
 * says why (malloc'ed). */
bool listen_address_bind(struct listen_address *address, size_t n, int *ret_fds, char **ret_error);

/* The cap on client connections, shared by all threads. */
struct connection_limit {
    _Atomic unsigned now;
    unsigned max;
};

/* Accepts for one loop. At the limit, and when the process is out of descriptors, it leaves new
 * connections in the kernel's queue and looks again every 100 ms. */
struct listener {
    h2o_socket_t *_sock; /* NULL: not open */
    h2o_accept_ctx_t *_accept;
    struct connection_limit *_limit;
    struct metrics *_metrics;
    struct timer _pause;
};

/* Takes fd. All else outlives the listener. */
void listener_open(struct listener *listener, struct loop *loop, int fd, h2o_accept_ctx_t *accept,
                   struct connection_limit *limit, struct metrics *metrics);

/* Takes the connections that wait in the kernel's queue, then closes. Fine where it is not open. */
void listener_close(struct listener *listener);

#endif
