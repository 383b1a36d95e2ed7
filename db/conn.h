/* db/conn.h - one connection to PostgreSQL on the loop.
 *
 * It connects without blocking (db/connect.h), asks which server it is on, prepares its statements but the
 * optional ones, and runs one command at a time. Where it is lost, it connects again, for ever.
 *
 *     DOWN --> RESOLVING --> CONNECTING --> PREPARING --> IDLE <--> BUSY
 *      ^           |             |              |           |         |
 *      +-----------+-------------+--------------+-----------+---------+   on_down
 *
 * Every connection leads to a known server before it is used: see `identity`. An environment may follow
 * one server: then connections to other servers are dropped.
 *
 * A command may take the deadline. The server itself ends it at nine tenths of that (statement_timeout).
 * So a connection that is silent for longer is dead, and is replaced. */
#ifndef DB_CONN_H
#define DB_CONN_H

#include <h2o.h>
#include <libpq-fe.h>

#include "base/counter.h"
#include "base/timer.h"
#include "db/connect.h"
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

enum { DB_IDENTITY_BYTES = 80 };

/* Called from the loop, and never from within a db_conn_ function but db_conn_reset, db_conn_drop and
 * db_conn_follow. They may send on the connection, but not finish it. */
typedef void db_conn_up_fn(struct db_conn *conn);
/* One row of a streamed statement. result: this row; lent. The callback may not drop the connection. */
typedef void db_conn_row_fn(struct db_conn *conn, const PGresult *result);
/* The command is over, and the connection is idle again. result: rows or an error; lent. */
typedef void db_conn_answer_fn(struct db_conn *conn, const PGresult *result);
/* An attempt failed, or the connection was lost and with it the command that it ran. was: the state
 * before. conn->why says why. */
typedef void db_conn_down_fn(struct db_conn *conn, enum db_conn_state was);
/* A notification arrived. One that arrived together with an answer is given after that. payload: lent. */
typedef void db_conn_notify_fn(struct db_conn *conn, const char *payload);

/* Shared by connections, and outlives them. */
struct db_conn_env {
    struct loop *loop;
    const struct db_conninfo *info;
    struct db_statement_set statements;
    unsigned deadline_ms;
    struct counter *states; /* DB_CONN_NSTATES of them: how many connections are in each state */
    db_conn_up_fn *on_up;
    db_conn_row_fn *on_row; /* NULL where no statement is streamed */
    db_conn_answer_fn *on_answer;
    db_conn_down_fn *on_down;
    db_conn_notify_fn *on_notify;     /* NULL: notifications are ignored */
    char followed[DB_IDENTITY_BYTES]; /* "": any server will do. See db_conn_env_follow() */
};

struct db_conn {
    /* Read only. */
    enum db_conn_state state;
    char why[256];        /* why it went down last: one line, in words */
    bool is_next_at_once; /* for on_down: another address is tried without a pause */
    char identity
        [DB_IDENTITY_BYTES]; /* of the server, once up: 'SYSTEM/TIMELINE/DATABASE/primary' */
    int allowed;             /* connections that this user may have in this database, once up */

    const struct db_conn_env *_env;
    struct db_connect _connect;
    PGconn *_pg; /* NULL before the connection is open */
    h2o_socket_t *_sock;
    PGresult *_result;        /* of the command under way, once it has arrived */
    PGresult *_answer;        /* while on_answer runs: its result */
    uint32_t _missing;        /* a bit for each statement that is not prepared */
    int _preparing;           /* the statement whose preparation is under way, or -1 */
    uint64_t _prepared_at_us; /* when that was tried last */
    struct timer _timer;      /* the deadline of a command, or the pause in DOWN */
    struct timer _read_more;  /* reads more of the bytes that OpenSSL has decrypted already */
    uint64_t _up_since_us;
};

/* conn: never moved. The first attempt begins in the next turn of the loop. */
void db_conn_init(struct db_conn *conn, const struct db_conn_env *env);
void db_conn_finish(struct db_conn *conn); /* calls nobody back; not from a callback of conn */

/* IDLE -> BUSY, and on_answer or on_down later. Results are binary. statement: an index of the set.
 * params: borrowed for the call; as many as the statement has. */
void db_conn_send(struct db_conn *conn, unsigned statement, const struct db_param *params);

/* In on_answer: its result becomes the caller's, who clears it. Once. */
PGresult *db_conn_keep_answer(struct db_conn *conn);

/* Is it prepared on this connection, which is up? */
bool db_conn_has(const struct db_conn *conn, unsigned statement);

/* Tries to prepare an optional statement: IDLE -> BUSY, and on_answer or on_down later. False: that was
 * tried within the last second, and the connection is still IDLE. */
bool db_conn_prepare(struct db_conn *conn, unsigned statement);

/* Drops a connection that is up, and connects anew. These two call on_down before they return, and may be
 * called from on_answer and on_notify. reset: the prepared statements no longer fit the database. drop:
 * any other reason. */
void db_conn_reset(struct db_conn *conn);
void db_conn_drop(struct db_conn *conn, const char *why);

/* Which server the connections of env should be on: NULL is any. True: it has changed, and every
 * connection must be given to db_conn_follow(), which drops a connection to another server and ends the
 * pause of one that is DOWN. It may call on_down. */
bool db_conn_env_follow(struct db_conn_env *env, const char *identity);
void db_conn_follow(struct db_conn *conn);

static inline bool db_conn_state_is_up(enum db_conn_state state)
{
    return state == DB_CONN_IDLE || state == DB_CONN_BUSY;
}

static inline bool db_conn_is_up(const struct db_conn *conn)
{
    return db_conn_state_is_up(conn->state);
}

#endif
