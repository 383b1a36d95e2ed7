/* tests/support/http.h - a small blocking HTTP/1.1 client.
 *
 * |
 *
 * Errors: any failure of the connection is an answer with status 0; only misuse aborts. Threads:
 * any, but each connection on one. */
#ifndef BROADSHEET_TESTS_SUPPORT_HTTP_H
#define BROADSHEET_TESTS_SUPPORT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct test_server;

enum { HTTP_MAX_FIELDS = 32 };

struct http_answer {
    int status;               /* 0: no whole answer came in time */
    uint64_t took_ms;         /* since the request was sent */
    char *body;               /* NUL-terminated; "" for none */
    size_t length;            /* of the body, in bytes */
    struct json_object *json; /* the body, when it is strict JSON in valid UTF-8; otherwise NULL */

    char *_head;
    size_t _nfields;
    struct {
        const char *name, *value;
    } _fields[HTTP_MAX_FIELDS];
};

/* One request on a connection of its own. `fields`, when not NULL, are whole header lines, each
 * with CRLF; `body` may be NULL. The caller frees the answer with http_answer_finish. */
struct http_answer http_get(const struct test_server *server, const char *path);
struct http_answer http_request(const struct test_server *server, const char *method,
                                const char *path, const char *fields, const char *body);
void http_answer_finish(struct http_answer *answer);

/* The value of a header field, NULL when the answer does not have it; borrowed from the answer. */
const char *http_field(const struct http_answer *answer, const char *name);

/* The same step by step, on a connection that stays open. */
struct http_connection {
    int fd; /* -1: the connection was refused */
    uint64_t sent_ms;
};
struct http_connection http_open(const struct test_server *server);
bool http_send(struct http_connection *c, const char *method, const char *path, const char *fields,
               const char *body);
bool http_send_raw(struct http_connection *c, const char *bytes, size_t length);
struct http_answer http_receive(struct http_connection *c, bool is_answer_to_head);
void http_close(struct http_connection *c);
void http_reset(struct http_connection *c); /* closes with RST instead of FIN */

/* True when the server closes the connection within the time and sends no more bytes. */
bool http_is_closed(struct http_connection *c, unsigned timeout_ms);

#endif
