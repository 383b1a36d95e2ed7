/* tests/handler/client.h - a client of the route table, on a real loop of libh2o and a socket pair.
 *
 * One thread has both ends: the loop reads the client's requests in client_turn(), and client_answer()
 * reads the answers of the handlers. */
#ifndef TESTS_HANDLER_CLIENT_H
#define TESTS_HANDLER_CLIENT_H

#include "server/service.h"

struct client;

/* The loop, with a service that has no database and no listener: see fake_db.h. It keeps answers,
 * but shows none of them, because no news has confirmed them so far: see scene.h. */
struct service *client_service(void);

struct client *client_connect(void);
void client_leave(struct client *client); /* closes the socket; NULL is fine */

/* Writes a request, such as "GET /healthz". headers: each ends with CRLF; "" for none. Then turns
 * the loop. */
void client_send(struct client *client, const char *request, const char *headers);

/* Turns the loop until nothing more can be done now. */
void client_turn(void);

enum { NO_LENGTH = 1 << 30 };

/* One whole answer. Reads until its end, and turns the loop meanwhile. Aborts the test when none
 * comes within 20 s. */
struct reply {
    int status;
    char head[2048]; /* status line and headers, in lower case */
    char etag[32];   /* "" for none */
    size_t length;   /* from the header, or NO_LENGTH; a 304 never has a body */
    char body[16384];
};
struct reply client_answer(struct client *client);

/* For HEAD: the answer has no body, with any length in its header. */
struct reply client_answer_head(struct client *client);

bool client_has_answer(struct client *client); /* a part of one has arrived */

/* The head of an answer, and its body of any length; the caller frees it. */
char *client_long_answer(struct client *client, struct reply *ret_head);

#endif
