#include "server/log.h"

#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"

enum { MAX_REPEATS_A_SECOND = 10 };

const char *const log_level_names[LOG_NLEVELS] = {
    [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};

static enum log_level least_urgent = LOG_INFO;

void log_init(enum log_level least)
{
    least_urgent = least;
}

/* libpq, the resolver and clients give us bytes; a log line must be UTF-8 whatever they are. */
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

static void write_line(json_object *line);

void log_write(enum log_level level, const char *event, const struct log_field fields[16])
{
    if (level > least_urgent)
        return;
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
    write_line(line);
    json_object_put(line);
}

/* In one write, so that the lines of threads and of processes that share stderr stay whole. What can't
 * be written is lost: there is nowhere to say so. */
static void write_line(json_object *line)
{
    size_t length;
    const char *text = json_object_to_json_string_length(
        line, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    char *copy = malloc(length + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, text, length);
    copy[length] = '\n';
    ssize_t written = write(STDERR_FILENO, copy, length + 1);
    (void)written;
    free(copy);
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
