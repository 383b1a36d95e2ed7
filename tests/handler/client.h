/* tests/handler/client.h - a client of the route table, on a real loop of libh2o and a socket pair.
 *
 * One thread plays both ends: what the client writes is read by the loop in client_turn(), and what
 * the handlers answer is read by client_answer(). */
#ifndef TESTS_HANDLER_CLIENT_H
#define TESTS_HANDLER_CLIENT_H

#include "server/worker.h"

struct client;

/* The loop, with a worker that has no database and no listener: see fake_db.h. Its answers
 * keeps answers, but shows none of them, since nobody has vouched for them so far: see scene.h. */
struct worker *client_worker(void);

struct client *client_connect(void);
void client_leave(struct client *client); /* closes the socket; NULL is fine */

/* Writes a request, such as "GET /healthz"; headers: each ended by CRLF, or "". Then turns the
 * loop. */
void client_send(struct client *client, const char *request, const char *headers);

/* Lets the loop do what there is to do now. */
void client_turn(void);

enum { NO_LENGTH = 1 << 30 };

/* One whole answer: reads until its end. Aborts the test where none comes within 2 s. */
struct reply {
    int status;
    char head[2048]; /* status line and headers, in lower case */
    char etag[32];   /* "" for none */
    size_t length;   /* as the header has it, or NO_LENGTH; a 304 has no body whatever it says */
    char body[16384];
};
struct reply client_answer(struct client *client);

/* For HEAD, whose answer has no body whatever its length says. */
struct reply client_answer_head(struct client *client);

bool client_has_answer(struct client *client); /* some of one has arrived */

#endif
