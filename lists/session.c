#include "lists/session.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container_of.h"
#include "db/reason.h"

enum { DEADLINE_MS = 10000 };

struct message {
    h2o_multithread_message_t base;
    enum { MESSAGE_STOP, MESSAGE_WAKE, MESSAGE_FOLLOW } kind;
    char identity[DB_IDENTITY_BYTES]; /* "": any */
};

static void on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages);
static timer_fn on_alarm;
static db_conn_up_fn on_up;
static db_conn_answer_fn on_answer;
static db_conn_down_fn on_down;
static void send_message(struct lists_session *session, int kind, const char *identity);
static void run_loop(struct lists_session *session);

void lists_session_init(struct lists_session *session, const struct lists_session_config *config)
{
    session->_config = *config;
    h2o_loop_t *loop = h2o_evloop_create();
    h2o_multithread_queue_t *queue = h2o_multithread_create_queue(loop);
    h2o_multithread_register_receiver(queue, &session->_messages, on_messages);
    h2o_multithread_register_receiver(queue, &session->_resolver, h2o_hostinfo_getaddr_receiver);
    loop_init(&session->_loop, loop, &session->_resolver);
    timer_init(&session->_alarm, &session->_loop, on_alarm);
    session->_env = (struct db_conn_env){
        .loop = &session->_loop,
        .info = config->conninfo,
        .statements = {lists_statements, LISTS_NSTATEMENTS},
        .deadline_ms = config->deadline_ms != 0 ? config->deadline_ms : DEADLINE_MS,
        .states = config->states,
        .on_up = on_up,
        .on_answer = on_answer,
        .on_down = on_down,
    };
    db_conn_init(&session->_conn, &session->_env);
}

void lists_session_finish(struct lists_session *session)
{
    PQclear(session->_answer);
    session->_answer = NULL;
    db_conn_finish(&session->_conn);
    timer_finish(&session->_alarm);
}

/* ---- messages from other threads */

void lists_session_stop(struct lists_session *session)
{
    send_message(session, MESSAGE_STOP, NULL);
}

void lists_session_wake(struct lists_session *session)
{
    send_message(session, MESSAGE_WAKE, NULL);
}

void lists_session_follow(struct lists_session *session, const char *identity)
{
    send_message(session, MESSAGE_FOLLOW, identity);
}

static void send_message(struct lists_session *session, int kind, const char *identity)
{
    struct message *message = h2o_mem_alloc(sizeof(*message));
    *message = (struct message){.kind = kind};
    snprintf(message->identity, sizeof(message->identity), "%s", identity != NULL ? identity : "");
    h2o_multithread_send_message(&session->_messages, &message->base);
}

static void on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct lists_session *session = container_of(receiver, struct lists_session, _messages);
    while (!h2o_linklist_is_empty(messages)) {
        struct message *message = container_of(messages->next, struct message, base.link);
        h2o_linklist_unlink(&message->base.link);
        session->_is_stopping |= message->kind == MESSAGE_STOP;
        session->_is_woken |= message->kind == MESSAGE_WAKE;
        if (message->kind == MESSAGE_FOLLOW &&
            db_conn_env_follow(&session->_env,
                               message->identity[0] != '\0' ? message->identity : NULL))
            db_conn_follow(&session->_conn);
        free(message);
    }
}

/* ---- waiting */

static void run_loop(struct lists_session *session)
{
    h2o_evloop_run(session->_loop.h2o, INT32_MAX);
}

static void on_alarm(struct timer *timer)
{
    container_of(timer, struct lists_session, _alarm)->_has_rung = true;
}

static void start_alarm(struct lists_session *session, unsigned ms)
{
    session->_has_rung = false;
    timer_start(&session->_alarm, ms);
}

bool lists_session_is_stopping(const struct lists_session *session)
{
    return session->_is_stopping;
}

bool lists_session_wait_up(struct lists_session *session, unsigned limit_ms)
{
    if (limit_ms > 0)
        start_alarm(session, limit_ms);
    while (!session->_is_stopping && !db_conn_is_up(&session->_conn) &&
           (limit_ms == 0 || !session->_has_rung))
        run_loop(session);
    timer_stop(&session->_alarm);
    return !session->_is_stopping && db_conn_is_up(&session->_conn);
}

void lists_session_sleep(struct lists_session *session, unsigned ms, bool ends_when_woken)
{
    start_alarm(session, ms);
    while (!session->_has_rung && !session->_is_stopping && db_conn_is_up(&session->_conn) &&
           !(ends_when_woken && session->_is_woken))
        run_loop(session);
    timer_stop(&session->_alarm);
    if (ends_when_woken)
        session->_is_woken = false;
}

/* ---- statements */

PGresult *lists_session_run(struct lists_session *session, enum lists_statement statement,
                            const struct db_param *params)
{
    session->_error[0] = session->_sqlstate[0] = '\0';
    if (session->_is_stopping || session->_conn.state != DB_CONN_IDLE)
        return NULL;
    db_conn_send(&session->_conn, statement, params);
    while (session->_conn.state == DB_CONN_BUSY && !session->_is_stopping)
        run_loop(session);
    PGresult *answer = session->_answer;
    session->_answer = NULL;
    ExecStatusType status = PQresultStatus(answer);
    if (answer == NULL || status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return answer;
    const char *sqlstate = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY);
    snprintf(session->_sqlstate, sizeof(session->_sqlstate), "%s",
             sqlstate != NULL ? sqlstate : "");
    db_reason_copy(session->_error, sizeof(session->_error), message != NULL ? message : "");
    PQclear(answer);
    return NULL;
}

void lists_session_roll_back(struct lists_session *session)
{
    char error[LISTS_ERROR_SIZE], sqlstate[sizeof(session->_sqlstate)];

    memcpy(error, session->_error, sizeof(error));
    memcpy(sqlstate, session->_sqlstate, sizeof(sqlstate));
    PQclear(lists_session_run(session, LISTS_ROLLBACK, NULL));
    memcpy(session->_error, error, sizeof(error));
    memcpy(session->_sqlstate, sqlstate, sizeof(sqlstate));
}

static void on_answer(struct db_conn *conn, const PGresult *result)
{
    struct lists_session *session = container_of(conn, struct lists_session, _conn);
    (void)result;
    session->_answer = db_conn_keep_answer(conn);
}

bool lists_session_is_lost(const struct lists_session *session)
{
    return session->_sqlstate[0] == '\0';
}

const char *lists_session_error(const struct lists_session *session)
{
    return lists_session_is_lost(session) ? session->_conn.why : session->_error;
}

const char *lists_session_sqlstate(const struct lists_session *session)
{
    return session->_sqlstate;
}

void lists_session_drop(struct lists_session *session, const char *why)
{
    if (db_conn_is_up(&session->_conn))
        db_conn_drop(&session->_conn, why);
}

/* ---- events */

static void on_up(struct db_conn *conn)
{
    struct lists_session *session = container_of(conn, struct lists_session, _conn);
    if (db_reporter_up(&session->_reporter) && session->_config.on_event != NULL)
        session->_config.on_event(DB_EVENT_UP, "");
}

static void on_down(struct db_conn *conn, enum db_conn_state was)
{
    struct lists_session *session = container_of(conn, struct lists_session, _conn);
    lists_session_report(session, db_conn_state_is_up(was) ? DB_EVENT_LOST : DB_EVENT_NO_CONNECT,
                         conn->why);
}

void lists_session_report(struct lists_session *session, enum db_event event, const char *why)
{
    if (db_reporter_problem(&session->_reporter, event, why) && session->_config.on_event != NULL)
        session->_config.on_event(event, why);
}
