/* server/log.h - a log of one JSON object per line on stderr.
 *
 *     log_event(LOG_INFO, "listening", {"address", address});
 *     {"time":"2026-01-31T12:00:00.000Z","level":"info","event":"listening","address":"[::1]:8080"}
 *
 * Logging never blocks its caller: lines go into a ring buffer in memory, and a thread of the log
 * writes them. When nobody reads stderr, the buffer becomes full, and further lines are lost. They are
 * counted, and a line of the event "log_lines_lost" says how many they were when there is room again.
 *
 * Any thread may log. Never put a password, a token or a body into a field. */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_NLEVELS };

extern const char *const log_level_names[LOG_NLEVELS];

/* Call it before other threads run. Lines that are less urgent than `least` are not written. */
void log_init(enum log_level least);

/* Starts the thread that writes. Before that, and after a log_stop() that returned true, a line is
 * written by its caller, who may wait for the reader. SIGPIPE must be ignored. */
void log_start(void);

/* Writes the lines in the buffer, for half a second at most, and ends the thread. False: the reader took
 * too long; the rest is lost, and so are all later lines. */
bool log_stop(void);

/* The lines that were lost since the start of the process. */
uint64_t log_lines_lost(void);

struct log_field {
    const char *key;
    const char *text; /* any bytes; bytes that are not UTF-8 are replaced; NULL: not written */
};

/* event: a short name in snake_case that an operator can search for. Up to 15 fields. */
#define log_event(level, event, ...) \
    log_write(level, event, (const struct log_field[16]){__VA_ARGS__})
void log_write(enum log_level level, const char *event, const struct log_field fields[16]);

/* A limit for lines that a flood of requests may repeat. Use one per kind of line and thread; zeroed. */
struct log_limit {
    long _second;
    unsigned _asked;
};

/* True ten times a second. The first call in a second says how many calls returned false in the last
 * second with calls. */
bool log_may_repeat(struct log_limit *limit, unsigned *ret_left_out);

#endif
