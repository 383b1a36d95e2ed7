/*     log_write --> format --> emit --> [log_start] the ring --> [thread] write_lines --> write_all --> stderr
 *                                   \-> [before it] write_all
 *
 * Libraries print to stderr too (libh2o names each path that it can't normalize). log_start() puts a
 * stream in the place of stdio's stderr that drops such text when it can't be written at once. */
#include "server/log.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "server/log_ring.h"

enum {
    MAX_REPEATS_A_SECOND = 10,
    RING_BYTES = 1 << 20,
    WRITE_BYTES = 4096, /* of one write(2): PIPE_BUF, so that it is atomic on a pipe */
    STOP_MS = 500,
    WAIT_MS = 2, /* between two looks at the ring in log_stop() */
};

static json_object *format(enum log_level level, const char *event,
                           const struct log_field fields[16]);
static void emit(json_object *line);
static void *write_lines(void *unused);
static bool write_all(const char *bytes, size_t length);
static log_ring_report_fn report_lost;
static FILE *stream_that_drops(void);

const char *const log_level_names[LOG_NLEVELS] = {
    [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};

static enum log_level least_urgent = LOG_INFO;

static _Atomic enum { DIRECT, BUFFERED, GIVEN_UP } state;
static struct log_ring ring;
static pthread_t writer;
static _Atomic bool has_ended;       /* the writer */
static _Atomic uint64_t lost_before; /* by rings that are finished */
static FILE *stdio_stderr;

void log_init(enum log_level least)
{
    least_urgent = least;
}

/* Text from libpq, from the resolver and from clients may be any bytes; a log line must be UTF-8. */
static json_object *text_object(const char *text)
{
    char clean[512];
    size_t n = 0;
    for (size_t left = strlen(text); left > 0 && n < sizeof(clean) - 4;) {
        size_t length = utf8_sequence(text, left), taken = length > 0 ? length : 1;
        memcpy(&clean[n], length > 0 ? text : "?", taken);
        n += taken;
        text += taken;
        left -= taken;
    }
    return json_object_new_string_len(clean, (int)n);
}

void log_write(enum log_level level, const char *event, const struct log_field fields[16])
{
    assert(level < LOG_NLEVELS && event[0] != '\0');
    if (level > least_urgent)
        return;
    json_object *line = format(level, event, fields);
    emit(line);
    json_object_put(line);
}

static json_object *format(enum log_level level, const char *event,
                           const struct log_field fields[16])
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    char seconds[32], stamp[48];
    strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(stamp, sizeof(stamp), "%s.%03ldZ", seconds, now.tv_nsec / 1000000);

    json_object *line = json_object_new_object();
    json_object_object_add(line, "time", json_object_new_string(stamp));
    json_object_object_add(line, "level", json_object_new_string(log_level_names[level]));
    json_object_object_add(line, "event", json_object_new_string(event));
    for (size_t i = 0; i < 16 && fields[i].key != NULL; i++) {
        if (fields[i].text != NULL)
            json_object_object_add(line, fields[i].key, text_object(fields[i].text));
    }
    return line;
}

/* The text of a line with its newline; malloc'ed. */
static char *line_text(json_object *line, size_t *ret_length)
{
    size_t length;
    const char *text = json_object_to_json_string_length(
        line, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    char *copy = malloc(length + 1);
    assert(copy != NULL);
    memcpy(copy, text, length);
    copy[length] = '\n';
    *ret_length = length + 1;
    return copy;
}

static void emit(json_object *line)
{
    size_t length;
    char *text = line_text(line, &length);
    switch (atomic_load(&state)) {
    case DIRECT:
        write_all(text, length);
        break;
    case BUFFERED:
    case GIVEN_UP:
        log_ring_add(&ring, text, length);
        break;
    }
    free(text);
}

/* ---- the thread that writes */

void log_start(void)
{
    assert(atomic_load(&state) == DIRECT);
    log_ring_init(&ring, RING_BYTES, report_lost);
    atomic_store(&has_ended, false);
    atomic_store(&state, BUFFERED);

    sigset_t all, before; /* signals are for the main thread */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&writer, NULL, write_lines, NULL);
    assert(!failed);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    fflush(stderr);
    stdio_stderr = stderr;
    stderr = stream_that_drops();
}

/* A thread that is held in write(2) can't be joined: it ends when the reader goes on, or with the process. */
bool log_stop(void)
{
    if (atomic_load(&state) != BUFFERED)
        return atomic_load(&state) == DIRECT;
    log_ring_close(&ring);
    for (int ms = 0; ms < STOP_MS && !atomic_load(&has_ended); ms += WAIT_MS)
        nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000}, NULL);
    if (!atomic_load(&has_ended)) {
        atomic_store(&state, GIVEN_UP);
        pthread_detach(writer);
        return false;
    }
    pthread_join(writer, NULL);
    fclose(stderr);
    stderr = stdio_stderr;
    lost_before += log_ring_lost(&ring);
    atomic_store(&state, DIRECT);
    log_ring_finish(&ring);
    return true;
}

uint64_t log_lines_lost(void)
{
    return lost_before + (atomic_load(&state) != DIRECT ? log_ring_lost(&ring) : 0);
}

static void *write_lines(void *unused)
{
    (void)unused;
    char *bytes = NULL;
    for (size_t length; (length = log_ring_take(&ring, &bytes, WRITE_BYTES)) > 0;) {
        if (!write_all(bytes, length))
            log_ring_count_lost(&ring, bytes, length);
    }
    free(bytes);
    atomic_store(&has_ended, true);
    return NULL;
}

/* Whole lines in one write(2), so that the lines of several processes that share stderr stay whole. Waits
 * for the reader. False: stderr takes nothing any more. */
static bool write_all(const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(STDERR_FILENO, bytes, length);
        if (n < 0 && errno == EAGAIN) /* another process has made stderr non-blocking */
            poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, -1);
        else if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            bytes += n;
            length -= (size_t)n;
        }
    }
    return true;
}

static size_t report_lost(char *to, size_t room, uint64_t lost)
{
    char number[24];
    snprintf(number, sizeof(number), "%llu", (unsigned long long)lost);
    json_object *line = format(
        LOG_WARN, "log_lines_lost",
        (const struct log_field[16]){
            {"lines", number},
            {"message", "the reader of the log was too slow; these lines stood before this one"}});
    size_t length;
    char *text = line_text(line, &length);
    assert(length <= room);
    memcpy(to, text, length);
    free(text);
    json_object_put(line);
    return length;
}

/* ---- the text that libraries print */

static ssize_t write_or_drop(void *unused, const char *bytes, size_t length)
{
    (void)unused;
    struct iovec part = {(char *)bytes, length};
    struct pollfd writable = {.fd = STDERR_FILENO, .events = POLLOUT};
    ssize_t n = pwritev2(STDERR_FILENO, &part, 1, -1, RWF_NOWAIT);
    if (n == -1 && errno == EOPNOTSUPP && poll(&writable, 1, 0) == 1)
        n = write(STDERR_FILENO, bytes, length);
    (void)n; /* the rest is dropped */
    return (ssize_t)length;
}

static FILE *stream_that_drops(void)
{
    FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_or_drop});
    assert(stream != NULL);
    setvbuf(stream, NULL, _IOLBF, 0);
    return stream;
}

bool log_may_repeat(struct log_limit *limit, unsigned *ret_left_out)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    *ret_left_out = 0;
    if (now.tv_sec != limit->_second) {
        *ret_left_out =
            limit->_asked > MAX_REPEATS_A_SECOND ? limit->_asked - MAX_REPEATS_A_SECOND : 0;
        *limit = (struct log_limit){._second = now.tv_sec};
    }
    return ++limit->_asked <= MAX_REPEATS_A_SECOND;
}
