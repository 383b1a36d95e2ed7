#include "tests/e2e/bare_server.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/support/server.h"

enum { MAX_SETTINGS = 16 };

static struct sockaddr_in local(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static unsigned free_port(void)
{
    struct sockaddr_in address = local(0);
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

void bare_server_start(struct bare_server *server, const char *url, const char *const settings[],
                       int pipe_bytes)
{
    char listen[64], database[1024];
    const char *env[MAX_SETTINGS + 3] = {listen, database};
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_eq(fcntl(ends[1], F_SETPIPE_SZ, pipe_bytes), pipe_bytes);
    server->port = free_port();
    snprintf(listen, sizeof(listen), "BROADSHEET_LISTEN=127.0.0.1:%u", server->port);
    snprintf(database, sizeof(database), "DATABASE_URL=%s", url);
    for (size_t i = 0; settings[i] != NULL; i++) {
        cr_assert_lt(i, MAX_SETTINGS);
        env[2 + i] = settings[i];
    }
    server->log = ends[0];
    server->pid = test_process_start(&(struct test_process_spec){
        .argv = (const char *const[]){test_program(), NULL}, .env = env, .err = ends[1]});
    close(ends[1]);
}

bool bare_server_listens(const struct bare_server *server)
{
    struct sockaddr_in address = local(server->port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_open = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return is_open;
}

int bare_server_status(const struct bare_server *server, const char *path)
{
    struct sockaddr_in address = local(server->port);
    struct timeval timeout = {.tv_sec = 10};
    char text[256];
    int status = 0, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                     path);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        send(fd, text, (size_t)n, MSG_NOSIGNAL) == n) {
        ssize_t got = recv(fd, text, sizeof(text) - 1, MSG_WAITALL);
        text[got > 0 ? got : 0] = '\0';
        sscanf(text, "HTTP/1.1 %d", &status);
    }
    close(fd);
    return status;
}
