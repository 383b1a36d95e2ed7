/* db/reporter.h - decides which problems of a connection are worth a line in the log: each one once.
 *
 * The same problem is not reported again within ten minutes, unless the connection was up for a minute
 * in between. A connection that tries several addresses in turn has several problems at the same time,
 * so the reporter remembers more than the last one. It calls nobody: the caller reports. */
#ifndef DB_REPORTER_H
#define DB_REPORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum db_event {
    DB_EVENT_UP,   /* the connection is up, at the start or after a problem that was reported */
    DB_EVENT_LOST, /* the connection was up and went down */
    DB_EVENT_NO_CONNECT, /* an attempt to connect failed */
    DB_EVENT_FAILED,     /* the server answered a statement with an error */
};

/* why: one line in words, "" for DB_EVENT_UP; lent. */
typedef void db_event_fn(enum db_event event, const char *why);

enum { DB_REPORTER_PROBLEMS = 24 };

/* Zeroed at the start; all is private. */
struct db_reporter {
    bool _is_up_reported;
    uint64_t _up_since_us; /* 0: the connection is not up */
    struct {
        uint64_t hash, at_us; /* at_us 0: this place is free */
    } _reported[DB_REPORTER_PROBLEMS];
};

/* True: report DB_EVENT_UP. */
bool db_reporter_up(struct db_reporter *reporter);

/* True: report this problem, which is any event but DB_EVENT_UP. */
bool db_reporter_problem(struct db_reporter *reporter, enum db_event event, const char *why);

#endif
