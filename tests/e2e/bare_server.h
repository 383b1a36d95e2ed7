/* tests/e2e/bare_server.h - the program when nobody reads its log, or when it fails to start. */
#ifndef TESTS_E2E_BARE_SERVER_H
#define TESTS_E2E_BARE_SERVER_H

#include "tests/support/process.h"

struct bare_server {
    pid_t pid;
    int log; /* our end of the pipe that is its stderr */
    unsigned port;
};

/* Starts it on a free port. settings: as in test_server_start; pipe_bytes: the size of the pipe. */
void bare_server_start(struct bare_server *server, const char *url, const char *const settings[],
                       int pipe_bytes);

/* Can a client connect? A request need not be served yet. */
bool bare_server_listens(const struct bare_server *server);

/* The status of a GET; 0 when there is no answer. */
int bare_server_status(const struct bare_server *server, const char *path);

#endif
