/* tests/db/race.h - statements of one session that may have to wait for another session.
 *
 * observer: an idle session outside any transaction. */
#ifndef TESTS_DB_RACE_H
#define TESTS_DB_RACE_H

#include <libpq-fe.h>
#include <stdbool.h>

/* Returns when the statements have ended, or wait for a lock. */
void race_start(PGconn *session, PGconn *observer, const char *sql);

bool race_is_waiting(PGconn *session, PGconn *observer);

/* Waits for the end of the statements. Returns the SQLSTATE of the first error, "" for none. */
void race_end(PGconn *session, char ret_state[6]);

#endif
