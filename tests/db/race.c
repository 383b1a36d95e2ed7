#include "tests/db/race.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/db/model.h"
#include "tests/support/wait.h"

enum { ALL_MS = 20000 };

static bool has_begun(PGconn *session);
static bool is_idle(PGconn *session, PGconn *observer);

void race_start(PGconn *session, PGconn *observer, const char *sql)
{
    cr_assert(PQsendQuery(session, sql), "%s", PQerrorMessage(session));
    cr_assert(WAIT_UNTIL(ALL_MS, race_is_waiting(session, observer) ||
                                     (has_begun(session) && is_idle(session, observer))),
              "%s", sql);
}

static bool has_begun(PGconn *session)
{
    cr_assert(PQconsumeInput(session), "%s", PQerrorMessage(session));
    return !PQisBusy(session);
}

static bool is_idle(PGconn *session, PGconn *observer)
{
    return model_number(observer,
                        "select count(*) from pg_stat_activity where pid = %d and state ~ 'idle'",
                        PQbackendPID(session)) > 0;
}

bool race_is_waiting(PGconn *session, PGconn *observer)
{
    return model_number(observer, "select count(*) from pg_locks where pid = %d and not granted",
                        PQbackendPID(session)) > 0;
}

void race_end(PGconn *session, char ret_state[6])
{
    ret_state[0] = '\0';
    for (PGresult *result; (result = PQgetResult(session)) != NULL; PQclear(result)) {
        const char *failed = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        if (failed != NULL && ret_state[0] == '\0')
            strcpy(ret_state, failed);
    }
}
