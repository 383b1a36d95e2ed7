/* lists/session.h - a connection of one thread, whose statements block the thread and never the process.
 *
 * It has an event loop of its own, on which db/conn.h connects, again and again where it must, to the server that is
 * followed. Other threads may wake it, stop it, and say which server that is.
 *
 *     lists_session_init --> lists_session_wait_up --> lists_session_run ... --> lists_session_finish
 *                                        ^                   | lost
 *                                        +-------------------+                                        */
#ifndef LISTS_SESSION_H
#define LISTS_SESSION_H

#include <h2o.h>
#include <stdbool.h>

#include "base/loop.h"
#include "db/conn.h"
#include "db/reporter.h"
#include "lists/statements.h"

enum { LISTS_ERROR_SIZE = 256 };

struct lists_session_config {
    const struct db_conninfo *conninfo; /* outlives the session */
    unsigned deadline_ms;               /* of each statement; 0: 10,000 */
    struct counter *states;             /* as in struct db_conn_env */
    db_event_fn *on_event;              /* on the session's thread; may be NULL */
};

/* Zeroed, and never moved. All is private. Its memory stays until the process ends: the resolver may still send it a
 * message. */
struct lists_session {
    struct lists_session_config _config;
    struct loop _loop;
    h2o_multithread_receiver_t _messages, _resolver;
    struct db_conn_env _env;
    struct db_conn _conn;
    struct db_reporter _reporter;
    struct timer _alarm;
    PGresult *_answer;
    char _error[LISTS_ERROR_SIZE], _sqlstate[6];
    bool _is_stopping, _is_woken, _has_rung;
};

/* On the thread of the session. Connecting begins with the next call. */
void lists_session_init(struct lists_session *session, const struct lists_session_config *config);
void lists_session_finish(struct lists_session *session);

/* From any thread, between init and finish. */
void lists_session_stop(struct lists_session *session);
void lists_session_wake(struct lists_session *session);
void lists_session_follow(struct lists_session *session,
                          const char *identity); /* NULL: any server */

/* The following: on the thread of the session. */

bool lists_session_is_stopping(const struct lists_session *session);

/* Blocks until the connection is up. False: the session is stopping, or so many milliseconds have passed (0: no
 * limit). */
bool lists_session_wait_up(struct lists_session *session, unsigned limit_ms);

/* Blocks until so many milliseconds have passed, the session is stopping, or the connection is lost; also until
 * somebody wakes it, where `ends_when_woken`. A wake-up counts since the last call of this function. */
void lists_session_sleep(struct lists_session *session, unsigned ms, bool ends_when_woken);

/* Runs a statement, and blocks until its answer is there. params: as many as it has. The caller clears the result.
 * NULL: the server has answered with an error, or the connection was lost, or the session is stopping. */
PGresult *lists_session_run(struct lists_session *session, enum lists_statement statement,
                            const struct db_param *params);

/* Rolls back, if the connection is there. The error stays. */
void lists_session_roll_back(struct lists_session *session);

/* After NULL. */
bool lists_session_is_lost(const struct lists_session *session);         /* there was no answer */
const char *lists_session_error(const struct lists_session *session);    /* in words; one line */
const char *lists_session_sqlstate(const struct lists_session *session); /* "" where it is lost */

/* Reports a problem to on_event, unless it was reported lately (db/reporter.h). */
void lists_session_report(struct lists_session *session, enum db_event event, const char *why);

/* Drops the connection: another one is made. */
void lists_session_drop(struct lists_session *session, const char *why);

#endif
