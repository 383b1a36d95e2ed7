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

struct client {
    int fd;
};

static h2o_globalconf_t config;
static struct worker worker;
static h2o_accept_ctx_t accept_ctx;

struct worker *client_worker(void)
{
    if (worker.ctx.loop != NULL)
        return &worker;
    signal(SIGPIPE, SIG_IGN);
    h2o_config_init(&config);
    config.max_request_entity_size = 1024;
    config.http1.upgrade_to_http2 = 0;
    routes_register(
        h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535));
    h2o_context_init(&worker.ctx, h2o_evloop_create(), &config);
    worker.all = &worker;
    worker.nall = 1;
    accept_ctx = (h2o_accept_ctx_t){.ctx = &worker.ctx, .hosts = config.hosts};
    return &worker;
}

struct client *client_connect(void)
{
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    h2o_socket_t *sock = h2o_evloop_socket_create(client_worker()->ctx.loop, pair[1],
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
        h2o_evloop_run(client_worker()->ctx.loop, 0);
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

/* Reads exactly up to the end of the answer, so that a pipelined one behind it stays. */
static void read_bytes(struct client *client, char *to, size_t n)
{
    while (n > 0) {
        client_turn();
        struct pollfd readable = {.fd = client->fd, .events = POLLIN};
        cr_assert_eq(poll(&readable, 1, 2000), 1, "no answer within 2 s");
        ssize_t got = read(client->fd, to, n);
        cr_assert_gt(got, 0, "the connection ended in the middle of an answer");
        to += got;
        n -= (size_t)got;
    }
}

struct answer client_answer_head(struct client *client)
{
    struct answer answer = {0};
    size_t n = 0;
    while (n < 4 || memcmp(answer.head + n - 4, "\r\n\r\n", 4) != 0) {
        cr_assert_lt(n, sizeof(answer.head) - 1);
        read_bytes(client, &answer.head[n++], 1);
    }
    cr_assert_eq(sscanf(answer.head, "HTTP/1.1 %d", &answer.status), 1, "%s", answer.head);
    for (char *c = answer.head; *c != '\0'; c++)
        *c = (char)tolower(*c);
    return answer;
}

struct answer client_answer(struct client *client)
{
    struct answer answer = client_answer_head(client);
    const char *length = strstr(answer.head, "content-length: ");
    cr_assert_not_null(length, "%s", answer.head);
    size_t n = strtoul(length + strlen("content-length: "), NULL, 10);
    cr_assert_lt(n, sizeof(answer.body));
    read_bytes(client, answer.body, n);
    return answer;
}
