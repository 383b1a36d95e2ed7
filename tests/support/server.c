/* The real program, run by a test.
 *
 *     test_server_start --> process --> "event":"listening" --> port
 *                             |
 *                             +-- stderr --> read_log (a thread) --> log, until the process ends */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/fail.h"
#include "tests/support/process.h"
#include "tests/support/server.h"
#include "tests/support/wait.h"

enum { START_TIMEOUT_MS = 10000, STOP_TIMEOUT_MS = 10000, MAX_SETTINGS = 32 };

struct test_server {
    pid_t pid;
    unsigned port;
    int log_fd;
    bool is_shown, is_told_to_end;
    pthread_t reader;
    pthread_mutex_t lock; /* the reader thread uses the following fields too */
    char *log;
    size_t log_length;
    bool is_log_complete;
};

static pid_t start_process(const char *url, const char *const env[], const char *const args[],
                           int log_fd);
static void *read_log(void *server);
static void append(struct test_server *server, const char *text, size_t length);
static bool has_ended(struct test_server *server);
static unsigned listening_port(struct test_server *server);
static unsigned port_of(const char *address);
static bool is_taken_away(struct test_server *server, int *ret_status);

const char *test_program(void)
{
    const char *program = getenv("BROADSHEET_TEST_PROGRAM");
    return program != NULL ? program : BROADSHEET_TEST_PROGRAM;
}

struct test_server *test_server_start(const char *url, const char *const env[],
                                      const char *const args[])
{
    int ends[2];
    struct test_server *server = calloc(1, sizeof(*server));
    if (server == NULL || pipe2(ends, O_CLOEXEC) != 0)
        test_fail("cannot start the server: %s", strerror(errno));
    pthread_mutex_init(&server->lock, NULL);
    server->is_shown = getenv("BROADSHEET_TEST_LOG") != NULL;
    server->log_fd = ends[0];
    server->log = strdup("");
    server->pid = start_process(url, env, args, ends[1]);
    close(ends[1]);
    if (pthread_create(&server->reader, NULL, read_log, server) != 0)
        test_fail("cannot read the log of the server: %s", strerror(errno));

    bool is_known = WAIT_UNTIL(START_TIMEOUT_MS,
                               (server->port = listening_port(server)) != 0 || has_ended(server));
    if (!is_known || server->port == 0)
        test_fail("the server %s: %s", is_known ? "ended at once" : "does not listen", server->log);
    return server;
}

static pid_t start_process(const char *url, const char *const env[], const char *const args[],
                           int log_fd)
{
    const char *argv[MAX_SETTINGS] = {test_program()}, *settings[MAX_SETTINGS];
    char *database = test_format("DATABASE_URL=%s", url);
    size_t n = 0;
    settings[n++] = database;
    settings[n++] = "BROADSHEET_LISTEN=127.0.0.1:0";
    while (env != NULL && *env != NULL && n < MAX_SETTINGS - 1)
        settings[n++] = *env++;
    settings[n] = NULL;
    for (n = 1; args != NULL && *args != NULL && n < MAX_SETTINGS - 1;)
        argv[n++] = *args++;
    argv[n] = NULL;
    pid_t pid = test_process_start(
        &(struct test_process_spec){.argv = argv, .env = settings, .err = log_fd});
    free(database);
    return pid;
}

static void *read_log(void *p)
{
    struct test_server *server = p;
    char text[4096];
    for (ssize_t n; (n = read(server->log_fd, text, sizeof(text))) > 0;) {
        append(server, text, (size_t)n);
        if (server->is_shown && write(2, text, (size_t)n) < 0)
            break;
    }
    pthread_mutex_lock(&server->lock);
    server->is_log_complete = true;
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

static void append(struct test_server *server, const char *text, size_t length)
{
    pthread_mutex_lock(&server->lock);
    server->log = realloc(server->log, server->log_length + length + 1);
    if (server->log == NULL)
        abort();
    memcpy(server->log + server->log_length, text, length);
    server->log_length += length;
    server->log[server->log_length] = '\0';
    pthread_mutex_unlock(&server->lock);
}

static bool has_ended(struct test_server *server)
{
    pthread_mutex_lock(&server->lock);
    bool is_complete = server->is_log_complete;
    pthread_mutex_unlock(&server->lock);
    return is_complete;
}

/* 0 until it listens. */
static unsigned listening_port(struct test_server *server)
{
    unsigned port = 0;
    char *log = test_server_log(server), *rest = log;
    for (char *end; port == 0 && (end = strchr(rest, '\n')) != NULL; rest = end + 1) {
        *end = '\0';
        struct json_object *row = json_tokener_parse(rest), *event, *address;
        if (json_object_object_get_ex(row, "event", &event) &&
            strcmp(json_object_get_string(event), "listening") == 0 &&
            json_object_object_get_ex(row, "address", &address))
            port = port_of(json_object_get_string(address));
        json_object_put(row);
    }
    free(log);
    return port;
}

static unsigned port_of(const char *address)
{
    const char *colon = strrchr(address, ':');
    return colon != NULL ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
}

unsigned test_server_port(const struct test_server *server)
{
    return server->port;
}

pid_t test_server_pid(const struct test_server *server)
{
    return server->pid;
}

unsigned test_server_descriptors(const struct test_server *server)
{
    char path[64];
    unsigned n = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)server->pid);
    DIR *dir = opendir(path);
    if (dir == NULL)
        test_fail("the server is not there any more: %s", server->log);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

char *test_server_log(struct test_server *server)
{
    pthread_mutex_lock(&server->lock);
    char *copy = strdup(server->log);
    pthread_mutex_unlock(&server->lock);
    return copy;
}

bool test_server_has_logged(struct test_server *server, const char *text)
{
    pthread_mutex_lock(&server->lock);
    bool has = strstr(server->log, text) != NULL;
    pthread_mutex_unlock(&server->lock);
    return has;
}

void test_server_signal(struct test_server *server, int signal_number)
{
    kill(server->pid, signal_number);
    server->is_told_to_end = true;
}

int test_server_stop(struct test_server *server)
{
    int status;
    if (!server->is_told_to_end)
        test_server_signal(server, SIGTERM);
    if (!is_taken_away(server, &status))
        test_fail("the server did not end within %d s of SIGTERM: %s", STOP_TIMEOUT_MS / 1000,
                  server->log);
    close(server->log_fd);
    if (strstr(server->log, "Sanitizer:") != NULL || strstr(server->log, "runtime error:") != NULL)
        test_fail("a sanitizer has found a fault in the server: %s", server->log);
    if (status > 128)
        test_fail("the server died of signal %d: %s", status - 128, server->log);
    pthread_mutex_destroy(&server->lock);
    free(server->log);
    free(server);
    return status;
}

/* Waits for the end of the program, and of its log. */
static bool is_taken_away(struct test_server *server, int *ret_status)
{
    if (!test_process_wait(server->pid, STOP_TIMEOUT_MS, ret_status))
        return false;
    pthread_join(server->reader, NULL);
    return true;
}
