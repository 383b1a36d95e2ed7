#include "db/reporter.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

enum { QUIET_US = 600000000 };

static void tell_misfortune(struct db_reporter *reporter, enum db_event event, const char *why);

void db_reporter_init(struct db_reporter *reporter, db_event_fn *on_event)
{
    *reporter = (struct db_reporter){._on_event = on_event, ._told = DB_EVENT_NO_CONNECT};
}

void db_reporter_up(struct db_reporter *reporter)
{
    if (reporter->_told == DB_EVENT_UP)
        return;
    reporter->_told = DB_EVENT_UP;
    if (reporter->_on_event != NULL)
        reporter->_on_event(DB_EVENT_UP, "");
}

void db_reporter_down(struct db_reporter *reporter, const struct db_conn *conn,
                      enum db_conn_state was)
{
    bool was_up = was == DB_CONN_IDLE || was == DB_CONN_BUSY;
    tell_misfortune(reporter, was_up ? DB_EVENT_LOST : DB_EVENT_NO_CONNECT, conn->why);
}

void db_reporter_failed(struct db_reporter *reporter, const PGresult *result)
{
    const char *why = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    tell_misfortune(reporter, DB_EVENT_FAILED, why != NULL ? why : "");
}

static void tell_misfortune(struct db_reporter *reporter, enum db_event event, const char *why)
{
    uint64_t now_us = clock_us();
    char *known = reporter->_last[event].why;
    uint64_t *known_at_us = &reporter->_last[event].at_us;
    if (*known_at_us != 0 && now_us - *known_at_us < QUIET_US && strcmp(known, why) == 0)
        return;
    snprintf(known, sizeof(reporter->_last[event].why), "%s", why);
    *known_at_us = now_us;
    reporter->_told = event;
    if (reporter->_on_event != NULL)
        reporter->_on_event(event, why);
}
