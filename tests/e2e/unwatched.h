/* tests/e2e/unwatched.h - the program with a log that nobody reads, or that fails to start. */
#ifndef TESTS_E2E_UNWATCHED_H
#define TESTS_E2E_UNWATCHED_H

#include "tests/support/process.h"

struct unwatched {
    pid_t pid;
    int log; /* the end of the pipe that is behind its stderr */
    unsigned port;
};

/* Starts it on a free port. settings: as in test_server_start; pipe_bytes: the size of the pipe. */
void unwatched_start(struct unwatched *server, const char *url, const char *const settings[],
                     int pipe_bytes);

/* Can a client connect? It need not be served yet. */
bool unwatched_listens(const struct unwatched *server);

/* The status of a GET; 0 where there is no answer. */
int unwatched_status(const struct unwatched *server, const char *path);

#endif
