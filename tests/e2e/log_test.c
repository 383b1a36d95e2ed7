/* The log of the program when nobody reads the log. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/e2e/bare_server.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"

enum { PAGE = 4096, ALL_MS = 20000 };

static const char *const settings[] = {"BROADSHEET_CACHE_MB=0", "BROADSHEET_THREADS=2",
                                       "BROADSHEET_DEADLINE_MS=1000", "BROADSHEET_LOG=debug", NULL};

static char *url;
static struct bare_server server;

static void start(void)
{
    url = test_database_create();
    test_articles_insert(url);
    bare_server_start(&server, url, settings, PAGE);
    cr_assert(WAIT_UNTIL(ALL_MS, bare_server_status(&server, "/articles/1") == 200));
}

TestSuite(log, .init = start, .timeout = 120);

static int bytes_in_pipe(void)
{
    int n = 0;
    ioctl(server.log, FIONREAD, &n);
    return n;
}

/* The log gets a line for each connection that is lost here. */
static void lose_connections(void)
{
    test_sql(url, "select pg_terminate_backend(pid) from pg_stat_activity"
                  " where datname = current_database() and pid <> pg_backend_pid()");
    cr_assert(WAIT_UNTIL(ALL_MS, bare_server_status(&server, "/articles/1") == 200));
}

/* Several lines are one write(2), which waits until the pipe has room for all of them. So the pipe is full when new lines
 * add nothing, and some bytes may still be free. */
static void fill_the_pipe(void)
{
    int unchanged = 0;
    for (int round = 0; round < 200 && unchanged < 3; round++) {
        int before = bytes_in_pipe();
        lose_connections();
        unchanged = before > 0 && bytes_in_pipe() == before ? unchanged + 1 : 0;
    }
    cr_assert_eq(unchanged, 3, "the pipe has %d bytes, and takes more", bytes_in_pipe());
}

Test(log, never_blocks_the_program_when_its_pipe_is_full)
{
    fill_the_pipe();
    for (int i = 0; i < 10; i++) /* more bytes than the pipe can hold */
        lose_connections();
    cr_expect_eq(bare_server_status(&server, "/healthz"), 200);
    int status;
    kill(server.pid, SIGTERM);
    cr_assert(test_process_wait(server.pid, ALL_MS, &status), "SIGTERM does not end it");
    cr_expect_eq(status, 0);
}

Test(log, does_not_end_the_program_when_its_reader_has_left)
{
    close(server.log);
    lose_connections();
    int status;
    kill(server.pid, SIGTERM);
    cr_assert(test_process_wait(server.pid, ALL_MS, &status));
    cr_expect_eq(status, 0);
}
