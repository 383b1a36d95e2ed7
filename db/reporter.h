/* db/reporter.h - what an operator should know about a connection that stands alone (a pool tells of
 * its own), and once: the same misfortune again is not told within ten minutes. */
#ifndef DB_REPORTER_H
#define DB_REPORTER_H

#include <libpq-fe.h>

#include "db/conn.h"

enum db_event {
    DB_EVENT_UP,         /* after a start, or after a misfortune that was told */
    DB_EVENT_LOST,       /* it was up */
    DB_EVENT_NO_CONNECT, /* an attempt failed */
    DB_EVENT_FAILED,     /* the server answered a statement with an error */
};

/* why: words, one line; lent; "" for DB_EVENT_UP. */
typedef void db_event_fn(enum db_event event, const char *why);

struct db_reporter {
    db_event_fn *_on_event; /* may be NULL */
    enum db_event _told;    /* last */
    struct {
        char why[256];
        uint64_t at_us;           /* 0: never */
    } _last[DB_EVENT_FAILED + 1]; /* misfortune of each kind that was told */
};

/* reporter: zeroed. */
void db_reporter_init(struct db_reporter *reporter, db_event_fn *on_event);

void db_reporter_up(struct db_reporter *reporter);
void db_reporter_down(struct db_reporter *reporter, const struct db_conn *conn,
                      enum db_conn_state was);
void db_reporter_failed(struct db_reporter *reporter, const PGresult *result);

#endif
