/* Programs run by tests.
 *
 *     test_run: files for its output --> test_process_start --> test_process_wait --> read the files
 *
 * Files and not pipes take the output, so that a program can write any amount while nobody reads. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/fail.h"
#include "tests/support/process.h"

enum { RUN_TIMEOUT_MS = 30000 };

extern char **environ;

static void exec_in_child(const struct test_process_spec *spec, char **environment, pid_t parent);
static char **environment_with(const char *const *changes);
static int file_with(const char *input);
static char *contents_of(int fd);

void test_run(struct test_run *ret_run, const char *const argv[], const char *const env[],
              const char *input)
{
    struct test_process_spec spec = {
        .argv = argv, .env = env, .out = file_with(""), .err = file_with("")};
    if (input != NULL)
        spec.in = file_with(input);
    pid_t pid = test_process_start(&spec);
    if (!test_process_wait(pid, RUN_TIMEOUT_MS, &ret_run->status)) {
        test_process_kill(pid);
        test_fail("%s did not end within %d s: %s", argv[0], RUN_TIMEOUT_MS / 1000,
                  contents_of(spec.err));
    }
    ret_run->out = contents_of(spec.out);
    ret_run->err = contents_of(spec.err);
    if (input != NULL)
        close(spec.in);
}

void test_run_finish(struct test_run *run)
{
    free(run->out);
    free(run->err);
    *run = (struct test_run){0};
}

char *test_output_of(const char *const argv[])
{
    struct test_run run;
    test_run(&run, argv, NULL, NULL);
    if (run.status != 0)
        test_fail("%s ended with %d: %s%s", argv[0], run.status, run.out, run.err);
    char *out = run.out;
    size_t length = strlen(out);
    while (length > 0 && out[length - 1] == '\n')
        out[--length] = '\0';
    run.out = NULL;
    test_run_finish(&run);
    return out;
}

pid_t test_process_start(const struct test_process_spec *spec)
{
    char **environment = environment_with(spec->env);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        test_fail("cannot start %s: %s", spec->argv[0], strerror(errno));
    if (pid == 0)
        exec_in_child(spec, environment, parent);
    free(environment);
    return pid;
}

bool test_process_wait(pid_t pid, unsigned timeout_ms, int *ret_status)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        test_fail("cannot wait for process %d: %s", (int)pid, strerror(errno));
    struct pollfd ended = {.fd = fd, .events = POLLIN};
    int n = poll(&ended, 1, (int)timeout_ms);
    close(fd);
    if (n != 1)
        return false;
    int status;
    if (waitpid(pid, &status, 0) != pid)
        test_fail("process %d is not ours: %s", (int)pid, strerror(errno));
    *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
}

void test_process_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void exec_in_child(const struct test_process_spec *spec, char **environment, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    int nothing = open("/dev/null", O_RDWR);
    dup2(spec->in > 0 ? spec->in : nothing, 0);
    dup2(spec->out > 0 ? spec->out : nothing, 1);
    dup2(spec->err > 0 ? spec->err : nothing, 2);
    close_range(3, ~0U, 0);
    execvpe(spec->argv[0], (char *const *)spec->argv, environment);
    dprintf(2, "cannot run %s: %s\n", spec->argv[0], strerror(errno));
    _exit(127);
}

/* One array; the strings in it are those of `environ` and of `changes`. */
static char **environment_with(const char *const *changes)
{
    size_t n = 0, nchanges = 0;
    while (environ[n] != NULL)
        n++;
    while (changes != NULL && changes[nchanges] != NULL)
        nchanges++;
    char **all = calloc(n + nchanges + 1, sizeof(*all));
    if (all == NULL)
        abort();
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool is_changed = false;
        for (size_t c = 0; c < nchanges; c++) {
            size_t name = strcspn(changes[c], "=");
            is_changed |= strncmp(environ[i], changes[c], name) == 0 && environ[i][name] == '=';
        }
        if (!is_changed)
            all[kept++] = environ[i];
    }
    for (size_t c = 0; c < nchanges; c++)
        if (strchr(changes[c], '=') != NULL)
            all[kept++] = (char *)changes[c];
    return all;
}

static int file_with(const char *input)
{
    int fd = (int)syscall(SYS_memfd_create, "test", 1U /* MFD_CLOEXEC */);
    size_t length = strlen(input);
    if (fd < 0 || write(fd, input, length) != (ssize_t)length || lseek(fd, 0, SEEK_SET) != 0)
        test_fail("cannot make a file in memory: %s", strerror(errno));
    return fd;
}

/* Closes the file too. */
static char *contents_of(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    if (size < 0 || text == NULL || pread(fd, text, (size_t)size, 0) != (ssize_t)size)
        test_fail("cannot read the output of a program: %s", strerror(errno));
    close(fd);
    return text;
}
