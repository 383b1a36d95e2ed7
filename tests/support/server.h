/* tests/support/server.h - the real program, as a user runs it.
 *
 * It listens on a free port of 127.0.0.1, its log is collected, and it dies with the test that
 * started it. Sanitizer reports in its log fail the test when it is stopped.
 * Errors: everything here aborts the test and reports why. Threads: start and stop on the test's
 * first thread, the other calls on any. BROADSHEET_TEST_LOG in the environment shows the log at
 * once. */
#ifndef BROADSHEET_TESTS_SUPPORT_SERVER_H
#define BROADSHEET_TESTS_SUPPORT_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct test_server;

/* The path of the program under test. */
const char *test_program(void);

/* Returns after the program has logged that it listens. `url` is its DATABASE_URL. `env`, when not
 * NULL, holds more settings, as "NAME=VALUE", NULL at the end; `args` holds its arguments in the
 * same way. */
struct test_server *test_server_start(const char *url, const char *const env[],
                                      const char *const args[]);

unsigned test_server_port(const struct test_server *server);
pid_t test_server_pid(const struct test_server *server);
unsigned test_server_descriptors(const struct test_server *server); /* the number of open
                                                                     * descriptors */

/* Its whole log so far; the caller frees it. */
char *test_server_log(struct test_server *server);
bool test_server_has_logged(struct test_server *server, const char *text);

/* Asks it to end. A second call makes it end at once. */
void test_server_signal(struct test_server *server, int signal_number);

/* Sends SIGTERM, unless test_server_signal has sent a signal; waits for the end, which must come
 * within 10 s; frees the server; returns its exit status. */
int test_server_stop(struct test_server *server);

#endif
