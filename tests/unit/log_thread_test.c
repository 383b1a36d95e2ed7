/* The thread that writes the log. A pipe of one page replaces stderr. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/log.h"
#include "tests/support/wait.h"

enum { PAGE = 4096, TEXT = 400, FAR_TOO_MANY = 10000 };

static int reader, old_stderr;
static char text[TEXT + 1];

static void put_a_pipe(void)
{
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_eq(fcntl(ends[1], F_SETPIPE_SZ, PAGE), PAGE);
    reader = ends[0];
    old_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    memset(text, 'x', TEXT);
    log_start();
}

static void give_stderr_back(void)
{
    log_stop();
    dup2(old_stderr, STDERR_FILENO);
    close(old_stderr);
    if (reader >= 0)
        close(reader);
}

TestSuite(log_thread, .init = put_a_pipe, .fini = give_stderr_back, .timeout = 60);

static void log_many(int n)
{
    for (int i = 0; i < n; i++)
        log_event(LOG_ERROR, "many", {"text", text});
}

/* Reads until this text has come. */
static void read_until(const char *want)
{
    size_t n = 0, room = 64 << 20;
    char *all = calloc(1, room);
    do {
        ssize_t got = read(reader, all + n, room - n - 1);
        cr_assert_gt(got, 0);
        n += (size_t)got;
    } while (memmem(all, n, want, strlen(want)) == NULL);
    free(all);
}

Test(log_thread, writes_all_lines_in_their_order)
{
    log_event(LOG_ERROR, "first");
    log_event(LOG_ERROR, "second");
    cr_assert(log_stop());
    char got[PAGE] = "";
    cr_assert_gt(read(reader, got, sizeof(got) - 1), 0);
    const char *first = strstr(got, "\"first\"}\n"), *second = strstr(got, "\"second\"}\n");
    cr_expect(first != NULL && second != NULL && first < second, "%s", got);
    cr_expect_eq(log_lines_lost(), 0);
}

Test(log_thread, never_blocks_its_callers_when_nobody_reads)
{
    log_many(FAR_TOO_MANY);
    cr_expect_gt(log_lines_lost(), 0);
    cr_expect_lt(log_lines_lost(), FAR_TOO_MANY);
    fprintf(stderr, "%s\n", text); /* as a library may write it */
}

Test(log_thread, reports_the_number_of_lost_lines_when_there_is_room_again)
{
    log_many(FAR_TOO_MANY);
    char report[96];
    snprintf(report, sizeof(report), "\"event\":\"log_lines_lost\",\"lines\":\"%llu\"",
             (unsigned long long)log_lines_lost());
    read_until(report);
    log_event(LOG_ERROR, "after");
    read_until("\"after\"}\n");
    cr_expect(log_stop());
}

Test(log_thread, ends_within_a_bound_when_nobody_reads)
{
    log_many(FAR_TOO_MANY);
    uint64_t start_ms = test_now_ms();
    cr_expect_not(log_stop());
    cr_expect_lt(test_now_ms() - start_ms, 10000, "it is half a second on an idle machine");
    log_event(LOG_ERROR, "this line is lost");
}

Test(log_thread, goes_on_when_the_reader_has_left)
{
    close(reader);
    reader = -1;
    log_many(10);
    cr_expect(log_stop());
    cr_expect_eq(log_lines_lost(), 10);
}

Test(log_thread, may_be_started_again)
{
    for (int i = 0; i < 3; i++) {
        log_event(LOG_ERROR, "line");
        cr_assert(log_stop());
        log_start();
    }
    cr_assert(log_stop());
    char got[PAGE] = "";
    cr_assert_gt(read(reader, got, sizeof(got) - 1), 0);
}
