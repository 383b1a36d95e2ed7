#include "db/teller.h"

#include <stdio.h>
#include <string.h>

enum { QUIET_US = 600000000 };

static void tell_misfortune(struct db_teller *teller, enum db_event event, const char *why);

void db_teller_init(struct db_teller *teller, db_event_fn *on_event)
{
    *teller = (struct db_teller){._on_event = on_event, ._told = DB_EVENT_NO_CONNECT};
}

void db_teller_up(struct db_teller *teller)
{
    if (teller->_told == DB_EVENT_UP)
        return;
    teller->_told = DB_EVENT_UP;
    if (teller->_on_event != NULL)
        teller->_on_event(DB_EVENT_UP, "");
}

void db_teller_down(struct db_teller *teller, const struct db_conn *conn, enum db_conn_state was)
{
    bool was_up = was == DB_CONN_IDLE || was == DB_CONN_BUSY;
    tell_misfortune(teller, was_up ? DB_EVENT_LOST : DB_EVENT_NO_CONNECT, conn->why);
}

void db_teller_failed(struct db_teller *teller, const PGresult *result)
{
    const char *why = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    tell_misfortune(teller, DB_EVENT_FAILED, why != NULL ? why : "");
}

static void tell_misfortune(struct db_teller *teller, enum db_event event, const char *why)
{
    uint64_t now_us = monotonic_us();
    char *known = teller->_last[event].why;
    uint64_t *known_at_us = &teller->_last[event].at_us;
    if (*known_at_us != 0 && now_us - *known_at_us < QUIET_US && strcmp(known, why) == 0)
        return;
    snprintf(known, sizeof(teller->_last[event].why), "%s", why);
    *known_at_us = now_us;
    teller->_told = event;
    if (teller->_on_event != NULL)
        teller->_on_event(event, why);
}
