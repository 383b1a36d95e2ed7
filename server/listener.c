#include "server/listener.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/container_of.h"

enum {
    BACKLOG = 4096,
    MAX_ACCEPTS_A_TURN = 64,
    PAUSE_MS = 100,
    SILENT_READER_MS = 30000, /* after that, a client that does not read its answer is given up */
};

static bool fault(char **ret_error, const char *subject, const char *text, const char *why)
{
    int length = asprintf(ret_error, "%s \"%s\": %s", subject, text, why);
    assert(length >= 0);
    return false;
}

bool listen_address_parse(struct listen_address *ret_address, const char *text, char **ret_error)
{
    const char *advice = "give HOST:PORT, such as 127.0.0.1:8080";
    const char *colon = strrchr(text, ':');
    if (colon == NULL)
        return fault(ret_error, "the address to listen on is", text, advice);
    char *rest;
    unsigned long port = strtoul(colon + 1, &rest, 10);
    if (colon[1] < '0' || colon[1] > '9' || *rest != '\0' || port > 65535)
        return fault(ret_error, "the address to listen on is", text, advice);

    bool has_brackets = text[0] == '[' && colon - text > 2 && colon[-1] == ']';
    char *host = has_brackets ? strndup(text + 1, (size_t)(colon - text) - 2)
                              : strndup(text, (size_t)(colon - text));
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV |
                                               (has_brackets ? AI_NUMERICHOST : 0)};
    struct addrinfo *list = NULL;
    int failed = getaddrinfo(host[0] != '\0' ? host : NULL, colon + 1, &hints, &list);
    free(host);
    if (failed)
        return fault(ret_error, "the address to listen on is", text, gai_strerror(failed));
    assert(list->ai_addrlen <= sizeof(ret_address->address));
    *ret_address = (struct listen_address){.length = list->ai_addrlen};
    memcpy(&ret_address->address, list->ai_addr, list->ai_addrlen);
    freeaddrinfo(list);
    return true;
}

char *listen_address_text(const struct listen_address *address)
{
    char host[NI_MAXHOST], port[NI_MAXSERV], *text;
    int failed = getnameinfo((const struct sockaddr *)&address->address, address->length, host,
                             sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
    assert(!failed);
    bool is_v6 = address->address.ss_family == AF_INET6;
    int length = asprintf(&text, is_v6 ? "[%s]:%s" : "%s:%s", host, port);
    assert(length >= 0);
    return text;
}

bool listen_address_open(struct listen_address *address, size_t n, int *ret_fds, char **ret_error)
{
    for (size_t i = 0; i < n; i++) {
        int on = 1;
        int fd = socket(address->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
            setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0 ||
            bind(fd, (struct sockaddr *)&address->address, address->length) != 0 ||
            listen(fd, BACKLOG) != 0) {
            int why = errno;
            char *text = listen_address_text(address);
            fault(ret_error, "can't listen on", text,
                  why == EADDRINUSE
                      ? "another program uses this port; stop it, or set BROADSHEET_LISTEN"
                      : strerror(why));
            free(text);
            if (fd != -1)
                close(fd);
            while (i > 0)
                close(ret_fds[--i]);
            return false;
        }
        address->length = sizeof(address->address);
        getsockname(fd, (struct sockaddr *)&address->address, &address->length);
        ret_fds[i] = fd;
    }
    return true;
}

/* An open connection. */
struct client {
    struct connection_limit *limit;
    struct metrics *metrics;
};

static void on_close(void *p)
{
    struct client *client = p;
    assert(counter_get(&client->metrics->connections) > 0);
    atomic_fetch_sub_explicit(&client->limit->now, 1, memory_order_relaxed);
    counter_sub(&client->metrics->connections, 1);
    free(client);
}

/* False: no connection waits now, or there is no room. */
static bool accept_one(struct listener *listener)
{
    struct connection_limit *limit = listener->_limit;
    bool has_room = atomic_fetch_add_explicit(&limit->now, 1, memory_order_relaxed) < limit->max;
    h2o_socket_t *sock = has_room ? h2o_evloop_socket_accept(listener->_sock) : NULL;
    if (sock == NULL) {
        int why = errno;
        atomic_fetch_sub_explicit(&limit->now, 1, memory_order_relaxed);
        bool is_empty = has_room && (why == EAGAIN || why == EWOULDBLOCK);
        if (has_room && (why == EINTR || why == ECONNABORTED))
            return true;
        if (!is_empty) { /* the socket stays readable, and the loop would spin */
            h2o_socket_read_stop(listener->_sock);
            timer_start(&listener->_pause, PAUSE_MS);
        }
        return false;
    }
    int timeout_ms = SILENT_READER_MS;
    setsockopt(h2o_socket_get_fd(sock), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
               sizeof(timeout_ms));
    struct client *client = h2o_mem_alloc(sizeof(*client));
    *client = (struct client){limit, listener->_metrics};
    sock->on_close.cb = on_close;
    sock->on_close.data = client;
    counter_add(&listener->_metrics->connections, 1);
    counter_add(&listener->_metrics->accepted, 1);
    h2o_accept(listener->_accept, sock);
    return true;
}

static void on_acceptable(h2o_socket_t *sock, const char *error)
{
    struct listener *listener = sock->data;
    assert(error == NULL);
    for (int i = 0; i < MAX_ACCEPTS_A_TURN && accept_one(listener); i++)
        ;
}

static void on_pause_over(struct timer *pause)
{
    struct listener *listener = container_of(pause, struct listener, _pause);
    h2o_socket_read_start(listener->_sock, on_acceptable);
}

void listener_open(struct listener *listener, struct loop *loop, int fd, h2o_accept_ctx_t *accept,
                   struct connection_limit *limit, struct metrics *metrics)
{
    assert(fd != -1 && limit->max >= 1);
    *listener = (struct listener){._accept = accept, ._limit = limit, ._metrics = metrics};
    listener->_sock = h2o_evloop_socket_create(loop->h2o, fd, H2O_SOCKET_FLAG_DONT_READ);
    listener->_sock->data = listener;
    timer_init(&listener->_pause, loop, on_pause_over);
    h2o_socket_read_start(listener->_sock, on_acceptable);
}

void listener_close(struct listener *listener)
{
    if (listener->_sock == NULL)
        return;
    while (accept_one(listener))
        ;
    timer_finish(&listener->_pause);
    h2o_socket_close(listener->_sock);
    listener->_sock = NULL;
}
