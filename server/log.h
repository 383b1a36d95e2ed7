/* server/log.h - what happens, one JSON object a line on stderr.
 *
 *     log_event(LOG_INFO, "listening", {"address", address});
 *     {"time":"2026-01-31T12:00:00.000Z","level":"info","event":"listening","address":"[::1]:8080"}
 *
 * Any thread may log; a line is one write(2). Never put a password, a token or a body into a field. */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_NLEVELS };

extern const char *const log_level_names[LOG_NLEVELS];

/* Before there are threads. What is less urgent than `least` is not written. */
void log_init(enum log_level least);

struct log_field {
    const char *key;
    const char *text; /* any bytes; what is not UTF-8 is replaced; NULL: not written */
};

/* event: a short name in snake_case that an operator can search for. Up to 15 fields. */
#define log_event(level, event, ...) \
    log_write(level, event, (const struct log_field[16]){__VA_ARGS__})
void log_write(enum log_level level, const char *event, const struct log_field fields[16]);

/* For what a flood of requests may repeat. One a kind of line and thread; zeroed. */
struct log_limit {
    long _second;
    unsigned _asked;
};

/* True ten times a second. The first time in a second tells how many times it was false in the last
 * second in which anybody asked. */
bool log_may_repeat(struct log_limit *limit, unsigned *ret_left_out);

#endif
