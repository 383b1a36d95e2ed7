/* The connection between a server and its database: one thread, which owns the links.
 *
 *     accept --> link: server ---------------------------> PostgreSQL   at once
 *                      server <-- kept back, or late <---- PostgreSQL */
#include "tests/support/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/database.h"
#include "tests/support/fail.h"
#include "tests/support/wait.h"

enum { MAX_LINKS = 64, TICK_MS = 1, PIECE_BYTES = 65536 };

struct link {
    int server, postgres; /* 0: the link is free */
    enum test_wire_kind kind;
    char *kept; /* on its way to the server */
    size_t nkept;
    uint64_t due_ms; /* when it may go to the server */
};

struct test_wire {
    char *url;
    int listener;
    struct sockaddr_in to;
    pthread_t thread;
    atomic_bool is_over, is_held[WIRE_NKINDS], is_cut[WIRE_NKINDS];
    atomic_uint max_late_ms, held[WIRE_NKINDS];
    struct link links[MAX_LINKS];
    unsigned seed;
};

static void *run(void *wire);
static void take_connection(struct test_wire *wire);
static bool pass_to_postgres(struct link *link);
static bool keep_for_server(struct test_wire *wire, struct link *link);
static bool deliver(struct test_wire *wire, struct link *link);
static void end(struct link *link);

struct test_wire *test_wire_create(const char *url)
{
    struct test_wire *wire = calloc(1, sizeof(*wire));
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(here);
    char *port = test_url_part(url, "port"), *user = test_url_part(url, "user");
    char *password = test_url_part(url, "password"), *name = test_url_part(url, "dbname");
    if (wire == NULL)
        abort();
    wire->to = here;
    wire->to.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    wire->seed = 1;
    wire->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(wire->listener, (struct sockaddr *)&here, length) != 0 ||
        listen(wire->listener, MAX_LINKS) != 0 ||
        getsockname(wire->listener, (struct sockaddr *)&here, &length) != 0 ||
        pthread_create(&wire->thread, NULL, run, wire) != 0)
        test_fail("no wire to the database: %s", strerror(errno));
    wire->url = test_format("postgresql://%s:%s@127.0.0.1:%d/%s?sslmode=disable", user, password,
                            ntohs(here.sin_port), name);
    free(name);
    free(password);
    free(user);
    free(port);
    return wire;
}

void test_wire_destroy(struct test_wire *wire)
{
    wire->is_over = true;
    pthread_join(wire->thread, NULL);
    close(wire->listener);
    free(wire->url);
    free(wire);
}

const char *test_wire_url(const struct test_wire *wire)
{
    return wire->url;
}

void test_wire_hold(struct test_wire *wire, enum test_wire_kind kind)
{
    wire->is_held[kind] = true;
}

void test_wire_release(struct test_wire *wire, enum test_wire_kind kind)
{
    wire->is_held[kind] = false;
}

unsigned test_wire_held(struct test_wire *wire, enum test_wire_kind kind)
{
    return wire->held[kind];
}

void test_wire_delay(struct test_wire *wire, unsigned max_ms)
{
    wire->max_late_ms = max_ms;
}

void test_wire_cut(struct test_wire *wire, enum test_wire_kind kind)
{
    wire->is_cut[kind] = true;
    if (!WAIT_UNTIL(5000, !wire->is_cut[kind]))
        test_fail("the wire does not move any more");
}

static void *run(void *p)
{
    struct test_wire *wire = p;
    while (!wire->is_over) {
        struct pollfd fds[1 + 2 * MAX_LINKS] = {{.fd = wire->listener, .events = POLLIN}};
        for (size_t i = 0; i < MAX_LINKS; i++) {
            struct link *link = &wire->links[i];
            fds[1 + 2 * i] = (struct pollfd){link->server > 0 ? link->server : -1, POLLIN, 0};
            fds[2 + 2 * i] = (struct pollfd){link->server > 0 ? link->postgres : -1, POLLIN, 0};
        }
        poll(fds, 1 + 2 * MAX_LINKS, TICK_MS);
        bool is_cut[WIRE_NKINDS];
        unsigned held[WIRE_NKINDS] = {0};
        for (size_t kind = 0; kind < WIRE_NKINDS; kind++)
            is_cut[kind] = wire->is_cut[kind];
        for (size_t i = 0; i < MAX_LINKS; i++) {
            struct link *link = &wire->links[i];
            if (link->server == 0)
                continue;
            bool is_whole =
                !is_cut[link->kind] && (fds[1 + 2 * i].revents == 0 || pass_to_postgres(link)) &&
                (fds[2 + 2 * i].revents == 0 || keep_for_server(wire, link)) && deliver(wire, link);
            held[link->kind] += link->nkept > 0;
            if (!is_whole)
                end(link);
        }
        for (size_t kind = 0; kind < WIRE_NKINDS; kind++) {
            wire->held[kind] = held[kind];
            if (is_cut[kind])
                wire->is_cut[kind] = false;
        }
        if (fds[0].revents != 0)
            take_connection(wire);
    }
    for (size_t i = 0; i < MAX_LINKS; i++)
        end(&wire->links[i]);
    return NULL;
}

static void take_connection(struct test_wire *wire)
{
    struct link *link = wire->links;
    while (link < wire->links + MAX_LINKS && link->server > 0)
        link++;
    if (link == wire->links + MAX_LINKS)
        test_fail("more than %d connections to the database", MAX_LINKS);
    *link = (struct link){.server = accept4(wire->listener, NULL, NULL, SOCK_CLOEXEC),
                          .postgres = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    setsockopt(link->server, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    setsockopt(link->postgres, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (link->server < 0 ||
        connect(link->postgres, (struct sockaddr *)&wire->to, sizeof(wire->to)) != 0)
        end(link);
}

/* The first statement that shows the purpose of the connection is in one piece, with its name. */
static bool pass_to_postgres(struct link *link)
{
    char piece[PIECE_BYTES];
    ssize_t n = recv(link->server, piece, sizeof(piece), 0);
    if (n <= 0)
        return false;
    if (link->kind == WIRE_OTHER && memmem(piece, (size_t)n, "article_by_id", 13) != NULL)
        link->kind = WIRE_ARTICLES;
    else if (link->kind == WIRE_OTHER && memmem(piece, (size_t)n, "changes_since", 13) != NULL)
        link->kind = WIRE_CHANGES;
    return send(link->postgres, piece, (size_t)n, MSG_NOSIGNAL) == n;
}

static bool keep_for_server(struct test_wire *wire, struct link *link)
{
    unsigned max_ms = wire->max_late_ms;
    link->kept = realloc(link->kept, link->nkept + PIECE_BYTES);
    if (link->kept == NULL)
        abort();
    ssize_t n = recv(link->postgres, link->kept + link->nkept, PIECE_BYTES, 0);
    if (n <= 0)
        return false;
    if (link->nkept == 0)
        link->due_ms = test_now_ms() + (max_ms > 0 ? (unsigned)rand_r(&wire->seed) % max_ms : 0);
    link->nkept += (size_t)n;
    return true;
}

static bool deliver(struct test_wire *wire, struct link *link)
{
    if (link->nkept == 0 || wire->is_held[link->kind] || test_now_ms() < link->due_ms)
        return true;
    size_t n = link->nkept;
    link->nkept = 0;
    return send(link->server, link->kept, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static void end(struct link *link)
{
    if (link->server > 0)
        close(link->server);
    if (link->postgres > 0)
        close(link->postgres);
    free(link->kept);
    *link = (struct link){0};
}
