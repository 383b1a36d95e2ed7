/* How the program starts, and how it ends when it cannot start. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2e/bare_server.h"
#include "tests/support/process.h"
#include "tests/support/server.h"
#include "tests/support/wait.h"

enum { ALL_MS = 20000, PIPE_BYTES = 65536 };

TestSuite(start, .timeout = 60);

/* A port of 127.0.0.1 that accepts connections and never sends a byte; or one whose queue is
 * full. */
static unsigned silent_port(bool is_full)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(fd, is_full ? 0 : 100), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    for (int i = 0; is_full && i < 3; i++) {
        int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(client, (struct sockaddr *)&address, length);
    }
    return ntohs(address.sin_port);
}

static void expect_one_line(const char *listen_address)
{
    char listen_setting[64];
    snprintf(listen_setting, sizeof(listen_setting), "BROADSHEET_LISTEN=%s", listen_address);
    struct test_run run;
    test_run(&run, (const char *const[]){test_program(), NULL},
             (const char *const[]){listen_setting, "DATABASE_URL=postgres://127.0.0.1:1/x", NULL},
             NULL);
    cr_expect_eq(run.status, 1, "%s: %d", listen_address, run.status);
    cr_expect_not_null(strstr(run.err, "can't listen on"), "%s", run.err);
    cr_expect_eq(strchr(run.err, '\n'), run.err + strlen(run.err) - 1, "one line: %s", run.err);
    test_run_finish(&run);
}

Test(start, ends_with_status_1_and_one_line_when_another_program_has_the_port)
{
    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%u", silent_port(false));
    expect_one_line(address);
}

Test(start, ends_with_status_1_and_one_line_when_the_address_belongs_to_another_machine)
{
    expect_one_line("192.0.2.1:8080");
}

static void expect_to_end(unsigned database_port)
{
    char url[64];
    struct bare_server server;
    int status;
    snprintf(url, sizeof(url), "postgres://127.0.0.1:%u/x?connect_timeout=30", database_port);
    bare_server_start(&server, url, (const char *const[]){NULL}, PIPE_BYTES);
    cr_assert(WAIT_UNTIL(ALL_MS, bare_server_listens(&server)));
    kill(server.pid, SIGTERM);
    uint64_t start_ms = test_now_ms();
    cr_assert(test_process_wait(server.pid, ALL_MS, &status), "it does not end");
    cr_expect_eq(status, 0);
    cr_expect_lt(test_now_ms() - start_ms, 10000, "it waits for the database");
    close(server.log);
}

Test(start, is_ended_by_sigterm_while_the_database_is_silent)
{
    expect_to_end(silent_port(false));
}

Test(start, is_ended_by_sigterm_while_the_database_does_not_accept)
{
    expect_to_end(silent_port(true));
}

Test(start, is_ended_by_sigterm_without_a_database)
{
    expect_to_end(1);
}

static bool leads_to(pid_t pid, const char *link, const char *want)
{
    char path[64], target[4096];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, link);
    ssize_t n = readlink(path, target, sizeof(target) - 1);
    target[n > 0 ? n : 0] = '\0';
    return want != NULL ? strcmp(target, want) == 0 : n > 0;
}

/* A socket must not get the number of stderr: the log would be written into it. */
Test(start, opens_its_standard_descriptors_where_they_are_closed)
{
    const char *const argv[] = {"sh", "-c", "exec \"$0\" <&- >&- 2>&-", test_program(), NULL};
    const char *const env[] = {"BROADSHEET_LISTEN=127.0.0.1:0",
                               "DATABASE_URL=postgres://127.0.0.1:1/x", NULL};
    pid_t pid = test_process_start(&(struct test_process_spec){.argv = argv, .env = env});
    char *program = realpath(test_program(), NULL);
    cr_assert(WAIT_UNTIL(ALL_MS, leads_to(pid, "exe", program) && leads_to(pid, "fd/8", NULL)));
    free(program);
    cr_expect(leads_to(pid, "fd/0", "/dev/null"));
    cr_expect(leads_to(pid, "fd/1", "/dev/null"));
    cr_expect(leads_to(pid, "fd/2", "/dev/null"));
    test_process_kill(pid);
}
