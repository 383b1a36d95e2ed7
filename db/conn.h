/* db/conn.h - one connection to PostgreSQL on the loop.
 *
 * It connects without blocking, prepares every statement of its crew (db/statements.h) but the
 * optional ones, runs one command at a time, and where it is lost it connects again, for ever: the
 * first try at once, then with growing pauses (50 ms doubled up to 1 s, less a random part of up to
 * a half).
 *
 *     DOWN --> RESOLVING --> CONNECTING --> PREPARING --> IDLE <--> BUSY
 *      ^           |             |              |           |         |
 *      +-----------+-------------+--------------+-----------+---------+   on_down
 *
 * RESOLVING may take 15 s, CONNECTING and PREPARING 3 s together. A command may take the deadline; the
 * server itself gives up at nine tenths of it (statement_timeout), so a connection that is silent for
 * longer is taken for dead and replaced. */
#ifndef DB_CONN_H
#define DB_CONN_H

#include <h2o.h>
#include <libpq-fe.h>

#include "base/counter.h"
#include "base/timer.h"
#include "db/resolve.h"
#include "db/statements.h"

struct db_conn;

enum db_conn_state {
    DB_CONN_DOWN,
    DB_CONN_RESOLVING,
    DB_CONN_CONNECTING,
    DB_CONN_PREPARING,
    DB_CONN_IDLE,
    DB_CONN_BUSY,
    DB_CONN_NSTATES,
};

/* Called from the loop, and never from within a db_conn_ function but db_conn_reset and
 * db_conn_drop. They may send on the connection, but not finish it. */
typedef void db_conn_up_fn(struct db_conn *conn);
/* The command is over and the connection idle again. result: lent; rows or an error. */
typedef void db_conn_answer_fn(struct db_conn *conn, const PGresult *result);
/* An attempt failed (from below IDLE), or the connection was lost and with it the command that it ran
 * (from IDLE or BUSY, which is in `was`). conn->why says why. */
typedef void db_conn_down_fn(struct db_conn *conn, enum db_conn_state was);
/* A notification came, in IDLE or BUSY; one that came together with an answer is told after that.
 * payload: lent. */
typedef void db_conn_notify_fn(struct db_conn *conn, const char *payload);

/* What connections share; outlives them. */
struct db_conn_env {
    struct loop *loop;
    const struct db_conninfo *info;
    enum db_crew crew;
    unsigned deadline_ms;
    struct counter *states; /* DB_CONN_NSTATES of them: how many connections are in each state */
    db_conn_up_fn *on_up;
    db_conn_answer_fn *on_answer;
    db_conn_down_fn *on_down;
    db_conn_notify_fn *on_notify; /* NULL where nobody listens */
};

struct db_conn {
    enum db_conn_state state; /* read only */
    char why[256];            /* why it went down last: words, one line; read only */

    const struct db_conn_env *_env;
    PGconn *_pg;         /* NULL in DOWN and RESOLVING */
    h2o_socket_t *_sock; /* a duplicate of libpq's descriptor, which libpq may close any time */
    PGresult *_result;   /* of the command under way, once it has come */
    unsigned _missing;   /* a bit for each statement that is not prepared */
    int _preparing;      /* the statement whose preparation is under way, or -1 */
    uint64_t _prepared_at_us; /* when that was tried last */
    struct db_resolve _resolve;
    struct timer _timer; /* the deadline of this state, or the pause in DOWN */
    unsigned _failures;  /* in a row: how long to pause */
    uint64_t _up_since_us;
};

/* conn: zeroed, and never moved. The first attempt begins in the next turn of the loop. */
void db_conn_init(struct db_conn *conn, const struct db_conn_env *env);
void db_conn_finish(struct db_conn *conn); /* calls nobody back; not from a callback of conn's */

/* One parameter in the wire's form, borrowed for the call; value NULL: the statement has none. */
struct db_conn_param {
    const char *value;
    int length; /* bytes, of a binary one */
    bool is_binary;
};

/* IDLE -> BUSY, and on_answer or on_down later. Results are binary. */
void db_conn_send(struct db_conn *conn, enum db_statement statement, struct db_conn_param param);

/* Is it prepared on this connection, which is up? */
bool db_conn_has(const struct db_conn *conn, enum db_statement statement);

/* Tries to prepare an optional statement: IDLE -> BUSY, and on_answer or on_down later. False: one was
 * tried within the last second, and the connection is still IDLE. */
bool db_conn_prepare(struct db_conn *conn, enum db_statement statement);

/* Drops a connection that is up and connects anew. These two call on_down before they return; fine
 * from on_answer and on_notify. reset: an IDLE one whose statements no longer fit the database.
 * drop: for any other reason. */
void db_conn_reset(struct db_conn *conn);
void db_conn_drop(struct db_conn *conn, const char *why);

static inline bool db_conn_is_up(const struct db_conn *conn)
{
    return conn->state == DB_CONN_IDLE || conn->state == DB_CONN_BUSY;
}

#endif
