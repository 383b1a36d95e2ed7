#include "tests/handler/client.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handlers/routes.h"
#include "tests/support/wait.h"

enum {
    CACHE_BYTES = 1000 * 1000,
    MEMORY_BYTES = 100 << 20,
    MAX_STALE_MS = 1000,
    DEADLINE_MS = 600 * 1000,
    RELATED_MS = 600 * 1000,
    ALL_MS = 20 * 1000,
};

struct client {
    int fd;
};

static h2o_globalconf_t config;
static struct process process;
static struct service service, *services[] = {&service};
static h2o_accept_ctx_t accept_ctx;

struct service *client_service(void)
{
    if (service.ctx.loop != NULL)
        return &service;
    signal(SIGPIPE, SIG_IGN);
    h2o_config_init(&config);
    config.max_request_entity_size = 1024;
    config.http1.upgrade_to_http2 = 0;
    routes_register(
        h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535));
    h2o_context_init(&service.ctx, h2o_evloop_create(), &config);
    loop_init(&service.loop, service.ctx.loop, &service.ctx.receivers.hostinfo_getaddr);
    answer_cache_init(&service.answers, CACHE_BYTES, MAX_STALE_MS);
    memory_init(&process.memory, MEMORY_BYTES);
    process.services = services;
    process.nservices = 1;
    service.process = &process;
    service.deadline_ms = DEADLINE_MS;
    service.related_ms = RELATED_MS;
    accept_ctx = (h2o_accept_ctx_t){.ctx = &service.ctx, .hosts = config.hosts};
    return &service;
}

struct client *client_connect(void)
{
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    h2o_socket_t *sock = h2o_evloop_socket_create(client_service()->ctx.loop, pair[1],
                                                  H2O_SOCKET_FLAG_IS_ACCEPTED_CONNECTION);
    h2o_accept(&accept_ctx, sock);
    struct client *client = malloc(sizeof(*client));
    client->fd = pair[0];
    client_turn();
    return client;
}

void client_leave(struct client *client)
{
    if (client == NULL)
        return;
    close(client->fd);
    free(client);
    client_turn();
}

void client_turn(void)
{
    for (int i = 0; i < 4; i++)
        h2o_evloop_run(client_service()->ctx.loop, 0);
}

void client_send(struct client *client, const char *request, const char *headers)
{
    char text[4096];
    int length =
        snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: test\r\n%s\r\n", request, headers);
    cr_assert_eq(write(client->fd, text, (size_t)length), length);
    client_turn();
}

bool client_has_answer(struct client *client)
{
    client_turn();
    return poll(&(struct pollfd){.fd = client->fd, .events = POLLIN}, 1, 0) == 1;
}

/* Reads exactly this many bytes, so that a pipelined answer after them stays in the socket. */
static void read_bytes(struct client *client, char *to, size_t n)
{
    while (n > 0) {
        cr_assert(WAIT_UNTIL(ALL_MS, client_has_answer(client)), "no answer comes");
        ssize_t got = read(client->fd, to, n);
        cr_assert_gt(got, 0, "the connection ended in the middle of an answer");
        to += got;
        n -= (size_t)got;
    }
}

/* The value of a header; `to` stays "" where there is none. */
static void copy_header(const char *head, const char *name, char *to, size_t size)
{
    char key[64];
    int length = snprintf(key, sizeof(key), "\r\n%s: ", name);
    const char *at = strstr(head, key);
    if (at != NULL)
        snprintf(to, size, "%.*s", (int)strcspn(at + length, "\r"), at + length);
}

struct reply client_answer_head(struct client *client)
{
    struct reply reply = {0};
    size_t n = 0;
    while (n < 4 || memcmp(reply.head + n - 4, "\r\n\r\n", 4) != 0) {
        cr_assert_lt(n, sizeof(reply.head) - 1);
        read_bytes(client, &reply.head[n++], 1);
    }
    cr_assert_eq(sscanf(reply.head, "HTTP/1.1 %d", &reply.status), 1, "%s", reply.head);
    for (char *c = reply.head; *c != '\0'; c++)
        *c = (char)tolower(*c);

    char length[24] = "";
    copy_header(reply.head, "content-length", length, sizeof(length));
    copy_header(reply.head, "etag", reply.etag, sizeof(reply.etag));
    reply.length = length[0] != '\0' ? strtoul(length, NULL, 10) : NO_LENGTH;
    return reply;
}

struct reply client_answer(struct client *client)
{
    struct reply reply = client_answer_head(client);
    if (reply.status == 304)
        return reply;
    cr_assert_lt(reply.length, sizeof(reply.body), "%s", reply.head);
    read_bytes(client, reply.body, reply.length);
    return reply;
}

char *client_long_answer(struct client *client, struct reply *ret_head)
{
    *ret_head = client_answer_head(client);
    cr_assert_neq(ret_head->length, NO_LENGTH);
    char *body = malloc(ret_head->length + 1);
    read_bytes(client, body, ret_head->length);
    body[ret_head->length] = '\0';
    return body;
}
