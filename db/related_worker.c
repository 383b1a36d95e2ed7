#include "db/related_worker.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/container_of.h"
#include "db/db_sql.h"
#include "db/row.h"
#include "db/types.h"

enum {
    DEADLINE_MS = 10000, /* long, since a call that is given up has done its work for nothing */
    MOST_ARTICLES = 8,   /* of a call */
    CALL_MS = 40,
    LOOK_AGAIN_MS = 1000,
    FIRST_FAILURE_PAUSE_MS = 1000,
    LONGEST_FAILURE_PAUSE_MS = 30000,
    LONGEST_PAUSE_MS = 250,
    TRIM_MS = 60000,
};

enum { RELATED_WORK, CHANGE_LOG_TRIM, NSTATEMENTS };

static const struct db_statement_info statements[NSTATEMENTS] = {
    [RELATED_WORK] = {.name = "related_work",
                      .sql = db_sql_related_work,
                      .param_types = {DB_TYPE_INTEGER}},
    [CHANGE_LOG_TRIM] = {.name = "change_log_trim",
                         .sql = db_sql_change_log_trim,
                         .param_types = {DB_TYPE_TEXT}},
};

static db_conn_up_fn on_up;
static void go_on(struct db_related_worker *worker);
static void run(struct db_related_worker *worker, unsigned statement, const char *param);
static db_conn_answer_fn on_answer;
static void on_worked(struct db_related_worker *worker, const PGresult *result);
static void report_articles(struct db_related_worker *worker, const PGresult *result);
static void size_batch(struct db_related_worker *worker, int narticles, uint64_t took_ms);
static void on_failure(struct db_related_worker *worker, const PGresult *result);
static bool needs_new_connection(const PGresult *result);
static void pause_for(struct db_related_worker *worker, uint64_t ms);
static timer_fn on_work_timer, on_trim_timer;
static db_conn_down_fn on_down;
static void report_problem(struct db_related_worker *worker, enum db_event event, const char *why);

void db_related_worker_init(struct db_related_worker *worker,
                            const struct db_related_worker_config *config)
{
    *worker = (struct db_related_worker){._config = *config, ._batch = MOST_ARTICLES};
    worker->_env = (struct db_conn_env){
        .loop = config->loop,
        .info = config->conninfo,
        .statements = {statements, NSTATEMENTS},
        .deadline_ms = DEADLINE_MS,
        .states = config->stats->connections,
        .on_up = on_up,
        .on_answer = on_answer,
        .on_down = on_down,
    };
    if (worker->_config.trim_ms == 0)
        worker->_config.trim_ms = TRIM_MS;
    if (worker->_config.call_ms == 0)
        worker->_config.call_ms = CALL_MS;
    if (worker->_config.keep == NULL)
        worker->_config.keep = "10 minutes";
    timer_init(&worker->_work_timer, config->loop, on_work_timer);
    timer_init(&worker->_trim_timer, config->loop, on_trim_timer);
    timer_start(&worker->_trim_timer, worker->_config.trim_ms);
    db_conn_init(&worker->_conn, &worker->_env);
}

void db_related_worker_finish(struct db_related_worker *worker)
{
    db_conn_finish(&worker->_conn);
    timer_finish(&worker->_trim_timer);
    timer_finish(&worker->_work_timer);
}

static void on_up(struct db_conn *conn)
{
    struct db_related_worker *worker = container_of(conn, struct db_related_worker, _conn);
    if (db_reporter_up(&worker->_reporter) && worker->_config.on_event != NULL)
        worker->_config.on_event(DB_EVENT_UP, "");
    worker->_work = DB_WORK_IS_DUE;
    if (worker->_nfailures > 0)
        pause_for(worker, db_related_worker_pause_ms(worker->_nfailures));
    go_on(worker);
}

/* The next command, if one is due and none is under way. Trimming goes first: a backlog may last. */
static void go_on(struct db_related_worker *worker)
{
    if (worker->_conn.state != DB_CONN_IDLE)
        return;
    if (worker->_is_trim_due) {
        worker->_is_trim_due = false;
        run(worker, CHANGE_LOG_TRIM, worker->_config.keep);
    } else if (worker->_work == DB_WORK_IS_DUE) {
        char batch[16];
        snprintf(batch, sizeof(batch), "%d", worker->_batch);
        worker->_is_woken = false;
        run(worker, RELATED_WORK, batch);
    }
}

static void run(struct db_related_worker *worker, unsigned statement, const char *param)
{
    worker->_running = statement;
    worker->_sent_at_us = clock_us();
    counter_add(&worker->_config.stats->calls, 1);
    db_conn_send(&worker->_conn, statement, &(struct db_param){.value = param});
}

static void on_answer(struct db_conn *conn, const PGresult *result)
{
    struct db_related_worker *worker = container_of(conn, struct db_related_worker, _conn);

    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        on_failure(worker, result);
    else if (worker->_running == RELATED_WORK)
        on_worked(worker, result);
    else
        counter_add(&worker->_config.stats->trimmed, (uint64_t)db_row_int64(result, 0, 0));
    go_on(worker);
}

static void on_worked(struct db_related_worker *worker, const PGresult *result)
{
    uint64_t took_ms = (clock_us() - worker->_sent_at_us) / 1000;
    int ndone = db_row_int32(result, 0, 0);
    int narticles = ndone + (int)db_row_keys(result, 0, 1).n;
    worker->_nfailures = 0;
    counter_add(&worker->_config.stats->articles, (uint64_t)ndone);
    report_articles(worker, result);
    size_batch(worker, narticles, took_ms);
    if (narticles == 0 && !worker->_is_woken) {
        worker->_work = DB_WORK_WAITS;
        timer_start(&worker->_work_timer, LOOK_AGAIN_MS);
        return;
    }
    pause_for(worker, took_ms / 2 < LONGEST_PAUSE_MS ? took_ms / 2 : LONGEST_PAUSE_MS);
}

/* The articles of this call that made PostgreSQL fail. */
static void report_articles(struct db_related_worker *worker, const PGresult *result)
{
    struct db_keys failed = db_row_keys(result, 0, 1);
    const char *reason = db_row_text(result, 0, 2).base;
    counter_add(&worker->_config.stats->failed_articles, failed.n);
    for (size_t i = 0; worker->_config.on_failed != NULL && i < failed.n; i++)
        worker->_config.on_failed(db_keys_at(failed, i), reason != NULL ? reason : "");
}

/* Half as many where the call took longer than it should. Twice as many where that would still take no
 * longer; but not where the call found fewer articles than it might have taken. */
static void size_batch(struct db_related_worker *worker, int narticles, uint64_t took_ms)
{
    if (took_ms > worker->_config.call_ms && worker->_batch > 1)
        worker->_batch /= 2;
    else if (took_ms * 2 <= worker->_config.call_ms && narticles >= worker->_batch &&
             worker->_batch < MOST_ARTICLES)
        worker->_batch *= 2;
}

static void on_failure(struct db_related_worker *worker, const PGresult *result)
{
    const char *why = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    why = why != NULL ? why : "";
    counter_add(&worker->_config.stats->failures, 1);
    report_problem(worker, DB_EVENT_FAILED, why);
    if (worker->_running == RELATED_WORK) {
        worker->_batch = 1;
        worker->_nfailures++;
        pause_for(worker, db_related_worker_pause_ms(worker->_nfailures));
    }
    if (needs_new_connection(result))
        db_conn_drop(&worker->_conn, why);
}

unsigned db_related_worker_pause_ms(unsigned nfailures)
{
    assert(nfailures >= 1);
    unsigned pause_ms =
        nfailures < 6 ? FIRST_FAILURE_PAUSE_MS << (nfailures - 1) : LONGEST_FAILURE_PAUSE_MS;
    return pause_ms < LONGEST_FAILURE_PAUSE_MS ? pause_ms : LONGEST_FAILURE_PAUSE_MS;
}

/* The session is read-only or the server is a standby, or the prepared statements no longer fit. */
static bool needs_new_connection(const PGresult *result)
{
    static const char *const sqlstates[] = {"25006", "0A000", "26000"};
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    for (size_t i = 0; sqlstate != NULL && i < sizeof(sqlstates) / sizeof(sqlstates[0]); i++) {
        if (strcmp(sqlstate, sqlstates[i]) == 0)
            return true;
    }
    return false;
}

static void pause_for(struct db_related_worker *worker, uint64_t ms)
{
    worker->_work = DB_WORK_PAUSES;
    timer_start(&worker->_work_timer, ms);
}

void db_related_worker_wake(struct db_related_worker *worker)
{
    worker->_is_woken = true;
    if (worker->_work == DB_WORK_WAITS)
        timer_start(&worker->_work_timer, 0);
}

static void on_work_timer(struct timer *timer)
{
    struct db_related_worker *worker = container_of(timer, struct db_related_worker, _work_timer);
    worker->_work = DB_WORK_IS_DUE;
    go_on(worker);
}

static void on_trim_timer(struct timer *timer)
{
    struct db_related_worker *worker = container_of(timer, struct db_related_worker, _trim_timer);
    timer_start(timer, worker->_config.trim_ms);
    worker->_is_trim_due = true;
    go_on(worker);
}

void db_related_worker_follow(struct db_related_worker *worker, const char *identity)
{
    if (db_conn_env_follow(&worker->_env, identity))
        db_conn_follow(&worker->_conn);
}

static void on_down(struct db_conn *conn, enum db_conn_state was)
{
    struct db_related_worker *worker = container_of(conn, struct db_related_worker, _conn);
    timer_stop(&worker->_work_timer);
    report_problem(worker, db_conn_state_is_up(was) ? DB_EVENT_LOST : DB_EVENT_NO_CONNECT,
                   conn->why);
}

static void report_problem(struct db_related_worker *worker, enum db_event event, const char *why)
{
    if (db_reporter_problem(&worker->_reporter, event, why) && worker->_config.on_event != NULL)
        worker->_config.on_event(event, why);
}
