/* tests/db/race.h - statements of one session that may have to wait for another one's.
 *
 * observer: a session that is free, and in no transaction. */
#ifndef TESTS_DB_RACE_H
#define TESTS_DB_RACE_H

#include <libpq-fe.h>
#include <stdbool.h>

/* Returns once the statements have come to their end, or to a lock that they wait for. */
void race_start(PGconn *session, PGconn *observer, const char *sql);

bool race_is_waiting(PGconn *session, PGconn *observer);

/* Waits for what was started. The SQLSTATE of the first error, "" for none. */
void race_end(PGconn *session, char ret_state[6]);

#endif
