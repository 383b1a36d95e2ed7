/* tests/support/process.h - programs that a test runs.
 *
 * Each program that is started here dies with the test that started it, however the test ends. */
#ifndef BROADSHEET_TESTS_SUPPORT_PROCESS_H
#define BROADSHEET_TESTS_SUPPORT_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct test_process_spec {
    const char *const *argv; /* NULL at the end; PATH is searched for argv[0] */
    const char *const *env;  /* NULL, or "NAME=VALUE" to set and "NAME" to unset, NULL at the end */
    int in, out, err;        /* descriptors that the program gets; 0 stands for /dev/null */
};

pid_t test_process_start(const struct test_process_spec *spec);

/* True when the program has ended within the time; *ret_status is its exit status, or 128 + the
 * signal that ended it. The caller then owns no process any more. */
bool test_process_wait(pid_t pid, unsigned timeout_ms, int *ret_status);

/* Ends it at once and reaps it. */
void test_process_kill(pid_t pid);

/* Runs a program to its end. Aborts when it takes longer than 30 s. */
struct test_run {
    int status;
    char *out, *err; /* its output, NUL-terminated; test_run_finish frees both */
};

/* `input`, when not NULL, is the standard input of the program. */
void test_run(struct test_run *ret_run, const char *const argv[], const char *const env[],
              const char *input);
void test_run_finish(struct test_run *run);

/* The standard output of a program that must exit 0, without the newline at the end. Aborts and
 * prints the program's output when the status is not 0. The caller frees it. */
char *test_output_of(const char *const argv[]);

#endif
