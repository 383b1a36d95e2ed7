/* A small blocking HTTP/1.1 client.
 *
 *     http_open --> http_send --> http_receive: head, fields, body by its length or chunks, JSON
 *
 * Every wait on a socket ends after 20 s at most. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <json.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/support/fail.h"
#include "tests/support/http.h"
#include "tests/support/server.h"
#include "tests/support/wait.h"

enum { SOCKET_TIMEOUT_S = 20, MAX_HEAD_BYTES = 65536, MAX_BODY_BYTES = 64 << 20 };

static bool receive_head(int fd, struct http_answer *answer);
static bool take_head(int fd, char *head);
static bool receive_body(int fd, struct http_answer *answer);
static bool receive_chunks(int fd, struct http_answer *answer);
static bool receive_bytes(int fd, struct http_answer *answer, size_t length);
static void parse_json(struct http_answer *answer);

struct http_answer http_get(const struct test_server *server, const char *path)
{
    return http_request(server, "GET", path, NULL, NULL);
}

struct http_answer http_request(const struct test_server *server, const char *method,
                                const char *path, const char *fields, const char *body)
{
    struct http_connection c = http_open(server);
    char *all = test_format("%sConnection: close\r\n", fields != NULL ? fields : "");
    http_send(&c, method, path, all, body); /* an answer may come even when not everything could be
                                             * sent */
    struct http_answer answer = http_receive(&c, strcmp(method, "HEAD") == 0);
    http_close(&c);
    free(all);
    return answer;
}

struct http_connection http_open(const struct test_server *server)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)test_server_port(server))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct http_connection c = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (c.fd < 0)
        test_fail("no socket: %s", strerror(errno));
    struct timeval limit = {.tv_sec = SOCKET_TIMEOUT_S};
    setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(c.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(c.fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        http_close(&c);
    return c;
}

bool http_send(struct http_connection *c, const char *method, const char *path, const char *fields,
               const char *body)
{
    char *length = body == NULL ? strdup("") : test_format("Content-Length: %zu\r\n", strlen(body));
    char *text = test_format("%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s\r\n%s", method, path,
                             length, fields != NULL ? fields : "", body != NULL ? body : "");
    bool is_sent = http_send_raw(c, text, strlen(text));
    free(text);
    free(length);
    return is_sent;
}

bool http_send_raw(struct http_connection *c, const char *bytes, size_t length)
{
    c->sent_ms = test_now_ms();
    for (size_t sent = 0; sent < length;) {
        ssize_t n = send(c->fd, bytes + sent, length - sent, MSG_NOSIGNAL);
        if (n < 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}

struct http_answer http_receive(struct http_connection *c, bool is_answer_to_head)
{
    struct http_answer answer = {.body = calloc(1, 1), ._head = calloc(1, MAX_HEAD_BYTES)};
    if (answer.body == NULL || answer._head == NULL)
        abort();
    bool is_whole = c->fd >= 0 && receive_head(c->fd, &answer);
    bool has_body =
        !is_answer_to_head && answer.status >= 200 && answer.status != 204 && answer.status != 304;
    if (is_whole && has_body)
        is_whole = receive_body(c->fd, &answer);
    if (!is_whole)
        answer.status = 0;
    answer.took_ms = test_now_ms() - c->sent_ms;
    parse_json(&answer);
    return answer;
}

static bool receive_head(int fd, struct http_answer *answer)
{
    char *head = answer->_head;
    if (!take_head(fd, head))
        return false;
    if (strncmp(head, "HTTP/1.1 ", 9) != 0)
        return false;
    answer->status = (int)strtol(head + 9, NULL, 10);

    char *rest = strstr(head, "\r\n") + 2;
    while (rest[0] != '\r' && answer->_nfields < HTTP_MAX_FIELDS) {
        char *end = strstr(rest, "\r\n"), *colon = strchr(rest, ':');
        if (colon == NULL || colon > end)
            return false;
        *end = *colon = '\0';
        answer->_fields[answer->_nfields].name = rest;
        answer->_fields[answer->_nfields++].value = colon + 1 + strspn(colon + 1, " \t");
        rest = end + 2;
    }
    return rest[0] == '\r';
}

/* The bytes after the head may belong to the next answer. So the client peeks at bytes before it
 * takes them. */
static bool take_head(int fd, char *head)
{
    for (size_t n = 0; n < MAX_HEAD_BYTES - 1;) {
        ssize_t seen = recv(fd, head + n, MAX_HEAD_BYTES - 1 - n, MSG_PEEK);
        if (seen <= 0)
            return false;
        size_t looked_at = n > 3 ? n - 3 : 0, all = n + (size_t)seen;
        const char *end = memmem(head + looked_at, all - looked_at, "\r\n\r\n", 4);
        size_t length = end != NULL ? (size_t)(end - head) + 4 : all;
        if (recv(fd, head + n, length - n, MSG_WAITALL) != (ssize_t)(length - n))
            return false;
        n = length;
        head[n] = '\0';
        if (end != NULL)
            return true;
    }
    return false;
}

static bool receive_body(int fd, struct http_answer *answer)
{
    const char *length = http_field(answer, "content-length"),
               *coding = http_field(answer, "transfer-encoding");
    if (coding != NULL)
        return strcasecmp(coding, "chunked") == 0 && receive_chunks(fd, answer);
    if (length != NULL)
        return receive_bytes(fd, answer, strtoul(length, NULL, 10));
    while (receive_bytes(fd, answer, 1)) /* the body ends with the connection */
        continue;
    return true;
}

static bool receive_chunks(int fd, struct http_answer *answer)
{
    for (;;) {
        char line[32] = {0}, end[2];
        for (size_t n = 0; n < 2 || memcmp(line + n - 2, "\r\n", 2) != 0; n++)
            if (n == sizeof(line) - 1 || recv(fd, line + n, 1, 0) != 1)
                return false;
        size_t length = strtoul(line, NULL, 16);
        if (!receive_bytes(fd, answer, length) || recv(fd, end, 2, MSG_WAITALL) != 2)
            return false;
        if (length == 0)
            return true;
    }
}

static bool receive_bytes(int fd, struct http_answer *answer, size_t length)
{
    if (answer->length + length > MAX_BODY_BYTES)
        return false;
    answer->body = realloc(answer->body, answer->length + length + 1);
    if (answer->body == NULL)
        abort();
    while (length > 0) {
        ssize_t n = recv(fd, answer->body + answer->length, length, 0);
        if (n <= 0)
            break;
        answer->length += (size_t)n;
        length -= (size_t)n;
    }
    answer->body[answer->length] = '\0';
    return length == 0;
}

static void parse_json(struct http_answer *answer)
{
    if (answer->length == 0 || answer->length > INT32_MAX)
        return;
    struct json_tokener *tokener = json_tokener_new();
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    answer->json = json_tokener_parse_ex(tokener, answer->body, (int)answer->length);
    bool is_whole = json_tokener_get_error(tokener) == json_tokener_success &&
                    json_tokener_get_parse_end(tokener) == answer->length;
    if (!is_whole) {
        json_object_put(answer->json);
        answer->json = NULL;
    }
    json_tokener_free(tokener);
}

const char *http_field(const struct http_answer *answer, const char *name)
{
    for (unsigned i = 0; i < answer->_nfields; i++)
        if (strcasecmp(answer->_fields[i].name, name) == 0)
            return answer->_fields[i].value;
    return NULL;
}

void http_answer_finish(struct http_answer *answer)
{
    json_object_put(answer->json);
    free(answer->body);
    free(answer->_head);
    *answer = (struct http_answer){0};
}

void http_close(struct http_connection *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

void http_reset(struct http_connection *c)
{
    if (c->fd >= 0)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
                   sizeof(struct linger));
    http_close(c);
}

bool http_is_closed(struct http_connection *c, unsigned timeout_ms)
{
    struct pollfd readable = {.fd = c->fd, .events = POLLIN};
    char byte;
    return poll(&readable, 1, (int)timeout_ms) == 1 && recv(c->fd, &byte, 1, MSG_DONTWAIT) <= 0;
}
