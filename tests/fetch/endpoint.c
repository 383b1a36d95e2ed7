#include "tests/fetch/endpoint.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/gzip.h"
#include "tests/support/fail.h"

enum { MAX_CONNECTIONS = 2000, HEAD_SIZE = 8192 };

struct endpoint {
    int listener, port;
    SSL_CTX *tls; /* NULL: it speaks none */
    pthread_t thread;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t more;  /* `most` has grown, or the endpoint is stopping */
    bool is_stopping, is_failing;
    long retry_after_s; /* while it is failing */
    unsigned requests, now, most, connections;
    char head[HEAD_SIZE];
    int fds[MAX_CONNECTIONS]; /* -1: closed */
    pthread_t threads[MAX_CONNECTIONS];
};

struct connection {
    struct endpoint *endpoint;
    unsigned number;
    int fd;
    SSL *tls;
    bool is_at_work; /* its request counts in endpoint->now */
};

static void *accept_all(void *endpoint);
static void start_connection(struct endpoint *endpoint, int fd);
static void *serve(void *connection);
static bool read_head(struct connection *connection, char head[HEAD_SIZE]);
static bool answer(struct connection *connection, const char *head);
static void end_work(struct connection *connection);

struct endpoint *endpoint_start(const char *certificate, const char *key)
{
    struct endpoint *endpoint = calloc(1, sizeof(*endpoint));
    struct sockaddr_in any = {.sin_family = AF_INET};
    socklen_t size = sizeof(any);
    signal(SIGPIPE, SIG_IGN);
    pthread_mutex_init(&endpoint->lock, NULL);
    pthread_cond_init(&endpoint->more, NULL);
    endpoint->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(endpoint->listener, (struct sockaddr *)&any, size) != 0 ||
        listen(endpoint->listener, MAX_CONNECTIONS) != 0 ||
        getsockname(endpoint->listener, (struct sockaddr *)&any, &size) != 0)
        test_fail("the endpoint cannot listen: %m");
    endpoint->port = ntohs(any.sin_port);
    if (certificate != NULL) {
        endpoint->tls = SSL_CTX_new(TLS_server_method());
        if (SSL_CTX_use_certificate_chain_file(endpoint->tls, certificate) != 1 ||
            SSL_CTX_use_PrivateKey_file(endpoint->tls, key, SSL_FILETYPE_PEM) != 1)
            test_fail("the endpoint cannot use the certificate %s", certificate);
    }
    if (pthread_create(&endpoint->thread, NULL, accept_all, endpoint) != 0)
        test_fail("no thread for the endpoint: %m");
    return endpoint;
}

void endpoint_stop(struct endpoint *endpoint)
{
    pthread_mutex_lock(&endpoint->lock);
    endpoint->is_stopping = true;
    pthread_cond_broadcast(&endpoint->more);
    for (unsigned i = 0; i < endpoint->connections; i++) {
        if (endpoint->fds[i] != -1)
            shutdown(endpoint->fds[i], SHUT_RDWR);
    }
    pthread_mutex_unlock(&endpoint->lock);
    shutdown(endpoint->listener, SHUT_RDWR); /* accept() ends */
    pthread_join(endpoint->thread, NULL);
    for (unsigned i = 0; i < endpoint->connections; i++)
        pthread_join(endpoint->threads[i], NULL);
    close(endpoint->listener);
    SSL_CTX_free(endpoint->tls);
    pthread_cond_destroy(&endpoint->more);
    pthread_mutex_destroy(&endpoint->lock);
    free(endpoint);
}

char *endpoint_url(const struct endpoint *endpoint, const char *host, const char *path)
{
    return test_format("%s://%s:%d%s", endpoint->tls != NULL ? "https" : "http", host,
                       endpoint->port, path);
}

static unsigned locked(struct endpoint *endpoint, const unsigned *number)
{
    pthread_mutex_lock(&endpoint->lock);
    unsigned value = *number;
    pthread_mutex_unlock(&endpoint->lock);
    return value;
}

unsigned endpoint_requests(struct endpoint *endpoint)
{
    return locked(endpoint, &endpoint->requests);
}

unsigned endpoint_most(struct endpoint *endpoint)
{
    return locked(endpoint, &endpoint->most);
}

unsigned endpoint_connections(struct endpoint *endpoint)
{
    return locked(endpoint, &endpoint->connections);
}

char *endpoint_head(struct endpoint *endpoint)
{
    pthread_mutex_lock(&endpoint->lock);
    char *head = test_format("%s", endpoint->head);
    pthread_mutex_unlock(&endpoint->lock);
    return head;
}

void endpoint_set_failing(struct endpoint *endpoint, bool is_failing, long retry_after_s)
{
    pthread_mutex_lock(&endpoint->lock);
    endpoint->is_failing = is_failing;
    endpoint->retry_after_s = retry_after_s;
    pthread_mutex_unlock(&endpoint->lock);
}

/* ---- the threads */

static void *accept_all(void *p)
{
    struct endpoint *endpoint = p;
    for (int fd; (fd = accept4(endpoint->listener, NULL, NULL, SOCK_CLOEXEC)) != -1;)
        start_connection(endpoint, fd);
    return NULL;
}

static void start_connection(struct endpoint *endpoint, int fd)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    pthread_mutex_lock(&endpoint->lock);
    if (endpoint->connections == MAX_CONNECTIONS)
        test_fail("more than %d connections to the endpoint", MAX_CONNECTIONS);
    *connection =
        (struct connection){.endpoint = endpoint, .number = endpoint->connections, .fd = fd};
    endpoint->fds[endpoint->connections] = fd;
    if (endpoint->is_stopping)
        shutdown(fd, SHUT_RDWR);
    if (pthread_create(&endpoint->threads[endpoint->connections++], NULL, serve, connection) != 0)
        test_fail("no thread for a connection: %m");
    pthread_mutex_unlock(&endpoint->lock);
}

static void *serve(void *p)
{
    struct connection *connection = p;
    struct endpoint *endpoint = connection->endpoint;
    char head[HEAD_SIZE];
    bool is_open = true;
    if (endpoint->tls != NULL) {
        connection->tls = SSL_new(endpoint->tls);
        SSL_set_fd(connection->tls, connection->fd);
        is_open = SSL_accept(connection->tls) == 1;
    }
    while (is_open && read_head(connection, head)) {
        pthread_mutex_lock(&endpoint->lock);
        memcpy(endpoint->head, head, sizeof(head));
        endpoint->requests++;
        endpoint->now++;
        if (endpoint->now > endpoint->most) {
            endpoint->most = endpoint->now;
            pthread_cond_broadcast(&endpoint->more);
        }
        pthread_mutex_unlock(&endpoint->lock);
        connection->is_at_work = true;
        is_open = answer(connection, head);
        end_work(connection);
    }
    SSL_free(connection->tls);
    ERR_clear_error();
    pthread_mutex_lock(&endpoint->lock);
    endpoint->fds[connection->number] = -1;
    close(connection->fd);
    pthread_mutex_unlock(&endpoint->lock);
    free(connection);
    return NULL;
}

/* Before the answer is sent: the client may send its next request before this thread runs on. */
static void end_work(struct connection *connection)
{
    if (!connection->is_at_work)
        return;
    connection->is_at_work = false;
    pthread_mutex_lock(&connection->endpoint->lock);
    connection->endpoint->now--;
    pthread_mutex_unlock(&connection->endpoint->lock);
}

static ssize_t receive(struct connection *connection, char *to, size_t room)
{
    return connection->tls != NULL ? SSL_read(connection->tls, to, (int)room)
                                   : recv(connection->fd, to, room, 0);
}

static bool send_all(struct connection *connection, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = connection->tls != NULL ? SSL_write(connection->tls, bytes, (int)length)
                                            : send(connection->fd, bytes, length, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes += n;
        length -= (size_t)n;
    }
    return true;
}

static bool read_head(struct connection *connection, char head[HEAD_SIZE])
{
    size_t length = 0;
    memset(head, 0, HEAD_SIZE);
    while (strstr(head, "\r\n\r\n") == NULL) {
        if (length == HEAD_SIZE - 1)
            return false;
        ssize_t n = receive(connection, head + length, HEAD_SIZE - 1 - length);
        if (n <= 0 || head[0] == 0x16) /* TLS, which it does not speak */
            return false;
        length += (size_t)n;
    }
    return true;
}

/* ---- the answers. Each function returns whether the connection stays open. */

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* headers: lines with their ends. */
static bool respond(struct connection *connection, const char *status, const char *headers,
                    const char *body, size_t length)
{
    char *head =
        test_format("HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", status, length, headers);
    end_work(connection);
    bool is_sent = send_all(connection, head, strlen(head)) && send_all(connection, body, length);
    free(head);
    return is_sent;
}

static bool respond_text(struct connection *connection, const char *status, const char *headers,
                         const char *text)
{
    return respond(connection, status, headers, text, strlen(text));
}

static bool respond_gzip(struct connection *connection, size_t length)
{
    size_t compressed;
    char *text = calloc(1, length);
    char *bytes = gzip_compress(text, length, gzip_most(length), &compressed);
    bool is_sent = respond(connection, "200 OK", "Content-Encoding: gzip\r\n", bytes, compressed);
    free(text);
    free(bytes);
    gzip_finish_thread();
    return is_sent;
}

static void wait_for_others(struct endpoint *endpoint, long requests)
{
    pthread_mutex_lock(&endpoint->lock);
    while ((long)endpoint->most < requests && !endpoint->is_stopping)
        pthread_cond_wait(&endpoint->more, &endpoint->lock);
    pthread_mutex_unlock(&endpoint->lock);
}

/* Until the client has closed the connection. */
static bool wait_for_end(struct connection *connection)
{
    char byte;
    while (receive(connection, &byte, 1) > 0)
        ;
    return false;
}

static bool drip(struct connection *connection)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
    bool is_open = send_all(connection, head, strlen(head));
    while (is_open) {
        is_open = send_all(connection, " ", 1);
        sleep_ms(10);
    }
    return false;
}

static bool huge(struct connection *connection)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    char chunk[8 + 0x4000 + 2];
    memset(chunk, ' ', sizeof(chunk));
    memcpy(chunk, "004000\r\n", 8);
    memcpy(chunk + 8 + 0x4000, "\r\n", 2);
    bool is_open = send_all(connection, head, strlen(head));
    while (is_open)
        is_open = send_all(connection, chunk, sizeof(chunk));
    return false;
}

static bool redirect(struct connection *connection, const char *to)
{
    char *headers = to != NULL ? test_format("Location: %s\r\n", to) : test_format("%s", "");
    bool is_open = respond_text(connection, "302 Found", headers, "");
    free(headers);
    return is_open;
}

static bool chain(struct connection *connection, long left)
{
    char *next = left > 1 ? test_format("/chain?n=%ld", left - 1) : test_format("/ok");
    bool is_open = redirect(connection, next);
    free(next);
    return is_open;
}

static bool conditional(struct connection *connection, const char *head, const char *condition,
                        const char *validator, const char *body)
{
    char *headers = test_format("%s\r\n", validator);
    bool is_known = strstr(head, condition) != NULL;
    bool is_open = is_known ? respond_text(connection, "304 Not Modified", headers, "")
                            : respond_text(connection, "200 OK", headers, body);
    free(headers);
    return is_open;
}

static bool status(struct connection *connection, long code, long retry_s)
{
    char *line = test_format("%ld Some Words", code),
         *headers =
             retry_s > 0 ? test_format("Retry-After: %ld\r\n", retry_s) : test_format("%s", "");
    bool has_body = code != 204 && code != 304;
    bool is_open = respond_text(connection, line, headers, has_body ? "no" : "");
    free(line);
    free(headers);
    return is_open;
}

static bool status_head(struct connection *connection, long code, long retry_s, long bytes)
{
    char *head = test_format("HTTP/1.1 %ld Some Words\r\nRetry-After: %ld\r\n"
                             "Content-Length: %ld\r\n\r\n",
                             code, retry_s, bytes);
    bool is_open = send_all(connection, head, strlen(head));
    free(head);
    return is_open;
}

static bool large_status(struct connection *connection, long code, long retry_s)
{
    static const char bytes[1 << 16];
    bool is_open = status_head(connection, code, retry_s, 2 << 20);
    for (size_t sent = 0; is_open && sent < 2 << 20; sent += sizeof(bytes))
        is_open = send_all(connection, bytes, sizeof(bytes));
    return is_open;
}

/* The number behind NAME= in the query, or 0. */
static long parameter(const char *target, const char *name)
{
    const char *found = strstr(target, name);
    return found != NULL ? strtol(found + strlen(name), NULL, 10) : 0;
}

static bool answer(struct connection *connection, const char *head)
{
    static const char weather[] =
        "{\"utc_offset_seconds\":0,\"current_units\":{\"temperature_2m\":\"°C\","
        "\"relative_humidity_2m\":\"%\",\"weather_code\":\"wmo "
        "code\",\"wind_speed_10m\":\"km/h\"},\"current\":{"
        "\"time\":\"2026-01-31T12:00\",\"temperature_2m\":11.5,\"relative_humidity_2m\":81,"
        "\"weather_code\":3,\"wind_speed_10m\":14.8}}";
    struct endpoint *endpoint = connection->endpoint;
    char target[2048] = "";
    sscanf(head, "GET %2047s", target);
    size_t length = strcspn(target, "?");
#define IS(path) (length == strlen(path) && strncmp(target, path, length) == 0)
    if (IS("/slow"))
        sleep_ms(parameter(target, "ms="));
    if (IS("/together"))
        wait_for_others(endpoint, parameter(target, "n="));
    if (IS("/ok") || IS("/slow") || IS("/together"))
        return respond_text(connection, "200 OK", "", "fine");
    if (IS("/hang"))
        return wait_for_end(connection);
    if (IS("/tagged-drip")) {
        static const char head_and_part[] =
            "HTTP/1.1 200 OK\r\nETag: \"t2\"\r\nContent-Length: 900\r\n\r\n{";
        return send_all(connection, head_and_part, strlen(head_and_part)) &&
               wait_for_end(connection);
    }
    if (IS("/drip"))
        return drip(connection);
    if (IS("/cut")) {
        static const char cut[] = "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{";
        return send_all(connection, cut, strlen(cut)) && false;
    }
    if (IS("/close"))
        return false;
    if (IS("/garbage"))
        return send_all(connection, "SSH-2.0-OpenSSH\r\n\r\n", 19) && false;
    if (IS("/gzip"))
        return respond_gzip(connection, 5000);
    if (IS("/bomb"))
        return respond_gzip(connection, 8 << 20);
    if (IS("/huge"))
        return huge(connection);
    if (IS("/long")) {
        static const char promise[] = "HTTP/1.1 200 OK\r\nContent-Length: 2097152\r\n\r\n";
        return send_all(connection, promise, strlen(promise)) && wait_for_end(connection);
    }
    if (IS("/status") && strstr(target, "large=1") != NULL)
        return large_status(connection, parameter(target, "code="), parameter(target, "retry="));
    if (IS("/status") && strstr(target, "cut=1") != NULL)
        return status_head(connection, parameter(target, "code="), parameter(target, "retry="),
                           900) &&
               false;
    if (IS("/status"))
        return status(connection, parameter(target, "code="), parameter(target, "retry="));
    if (IS("/chain"))
        return chain(connection, parameter(target, "n="));
    if (IS("/to"))
        return redirect(connection, strstr(target, "url=") + strlen("url="));
    if (IS("/nowhere"))
        return redirect(connection, NULL);
    if (IS("/tagged"))
        return conditional(connection, head, "If-None-Match: \"t1\"", "ETag: \"t1\"", "fine");
    if (IS("/dated"))
        return conditional(connection, head, "If-Modified-Since: Sat, 31 Jan 2026 12:00:00 GMT",
                           "Last-Modified: Sat, 31 Jan 2026 12:00:00 GMT", "fine");
    if (IS("/weather"))
        return respond_text(connection, "200 OK", "", weather);
    if (IS("/weather-tagged"))
        return conditional(connection, head, "If-None-Match: \"t1\"", "ETag: \"t1\"", weather);
    if (IS("/failing")) {
        pthread_mutex_lock(&endpoint->lock);
        bool is_failing = endpoint->is_failing;
        long retry_after_s = endpoint->retry_after_s;
        pthread_mutex_unlock(&endpoint->lock);
        return is_failing ? status(connection, retry_after_s > 0 ? 503 : 500, retry_after_s)
                          : respond_text(connection, "200 OK", "", weather);
    }
    return status(connection, 404, 0);
}
