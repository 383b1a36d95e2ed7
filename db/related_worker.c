#include "db/related_worker.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/container_of.h"
#include "db/row.h"

enum {
    DEADLINE_MS = 10000, /* long: what is given up in the middle has cost its work and done none */
    MOST_ARTICLES = 8,   /* a call */
    CALL_MS = 40,        /* of a call, as a goal: what is published meanwhile waits for it */
    LOOK_AGAIN_MS = 1000,
    AFTER_FAILURE_MS = 1000,
    LONGEST_REST_MS = 250,
    TRIM_MS = 60000,
};

static db_conn_up_fn on_up;
static void go_on(struct db_related_worker *related_worker);
static void run(struct db_related_worker *related_worker, enum db_statement statement,
                const char *param);
static db_conn_answer_fn on_answer;
static void on_refreshed(struct db_related_worker *related_worker, int narticles);
static void size_batch(struct db_related_worker *related_worker, int narticles, uint64_t took_ms);
static void rest(struct db_related_worker *related_worker, uint64_t ms);
static timer_fn on_refresh_timer, on_trim_timer;
static db_conn_down_fn on_down;

void db_related_worker_init(struct db_related_worker *related_worker,
                            const struct db_related_worker_config *config)
{
    *related_worker = (struct db_related_worker){._config = *config, ._batch = MOST_ARTICLES};
    related_worker->_env = (struct db_conn_env){
        .loop = config->loop,
        .info = config->conninfo,
        .crew = DB_CREW_RELATED_WORKER,
        .deadline_ms = DEADLINE_MS,
        .states = config->stats->connections,
        .on_up = on_up,
        .on_answer = on_answer,
        .on_down = on_down,
    };
    if (related_worker->_config.trim_ms == 0)
        related_worker->_config.trim_ms = TRIM_MS;
    if (related_worker->_config.call_ms == 0)
        related_worker->_config.call_ms = CALL_MS;
    if (related_worker->_config.keep == NULL)
        related_worker->_config.keep = "10 minutes";
    db_reporter_init(&related_worker->_teller, config->on_event);
    timer_init(&related_worker->_refresh_timer, config->loop, on_refresh_timer);
    timer_init(&related_worker->_trim_timer, config->loop, on_trim_timer);
    timer_start(&related_worker->_trim_timer, related_worker->_config.trim_ms);
    db_conn_init(&related_worker->_conn, &related_worker->_env);
}

void db_related_worker_finish(struct db_related_worker *related_worker)
{
    db_conn_finish(&related_worker->_conn);
    timer_finish(&related_worker->_trim_timer);
    timer_finish(&related_worker->_refresh_timer);
}

static void on_up(struct db_conn *conn)
{
    struct db_related_worker *related_worker = container_of(conn, struct db_related_worker, _conn);
    db_reporter_up(&related_worker->_teller);
    related_worker->_refresh = DB_REFRESH_IS_DUE;
    go_on(related_worker);
}

/* The next command, if one is due and none is under way. Trimming first: a backlog may last. */
static void go_on(struct db_related_worker *related_worker)
{
    if (related_worker->_conn.state != DB_CONN_IDLE)
        return;
    if (related_worker->_is_trim_due) {
        related_worker->_is_trim_due = false;
        run(related_worker, DB_CHANGE_LOG_TRIM, related_worker->_config.keep);
    } else if (related_worker->_refresh == DB_REFRESH_IS_DUE) {
        char batch[16];
        snprintf(batch, sizeof(batch), "%d", related_worker->_batch);
        related_worker->_is_woken = false;
        run(related_worker, DB_RELATED_REFRESH, batch);
    }
}

static void run(struct db_related_worker *related_worker, enum db_statement statement,
                const char *param)
{
    related_worker->_running = statement;
    related_worker->_sent_at_us = clock_us();
    counter_add(&related_worker->_config.stats->calls, 1);
    db_conn_send(&related_worker->_conn, statement, (struct db_conn_param){.value = param});
}

static void on_answer(struct db_conn *conn, const PGresult *result)
{
    struct db_related_worker *related_worker = container_of(conn, struct db_related_worker, _conn);
    bool is_ok = PQresultStatus(result) == PGRES_TUPLES_OK;

    if (!is_ok) {
        counter_add(&related_worker->_config.stats->failures, 1);
        db_reporter_failed(&related_worker->_teller, result);
    }
    if (related_worker->_running == DB_CHANGE_LOG_TRIM) {
        if (is_ok)
            counter_add(&related_worker->_config.stats->trimmed,
                        (uint64_t)db_row_int64(result, 0, 0));
    } else if (is_ok) {
        on_refreshed(related_worker, db_row_int32(result, 0, 0));
    } else {
        related_worker->_batch = 1;
        rest(related_worker, AFTER_FAILURE_MS);
    }
    go_on(related_worker);
}

static void on_refreshed(struct db_related_worker *related_worker, int narticles)
{
    uint64_t took_ms = (clock_us() - related_worker->_sent_at_us) / 1000;
    counter_add(&related_worker->_config.stats->articles, (uint64_t)narticles);
    size_batch(related_worker, narticles, took_ms);
    if (narticles == 0 && !related_worker->_is_woken) {
        related_worker->_refresh = DB_REFRESH_WAITS;
        timer_start(&related_worker->_refresh_timer, LOOK_AGAIN_MS);
        return;
    }
    rest(related_worker, took_ms / 2 < LONGEST_REST_MS ? took_ms / 2 : LONGEST_REST_MS);
}

/* Half where the call took longer than it should, double where twice the articles would still be
 * within that; not where the call found less to do than it might have done. */
static void size_batch(struct db_related_worker *related_worker, int narticles, uint64_t took_ms)
{
    if (took_ms > related_worker->_config.call_ms && related_worker->_batch > 1)
        related_worker->_batch /= 2;
    else if (took_ms * 2 <= related_worker->_config.call_ms &&
             narticles >= related_worker->_batch && related_worker->_batch < MOST_ARTICLES)
        related_worker->_batch *= 2;
}

static void rest(struct db_related_worker *related_worker, uint64_t ms)
{
    related_worker->_refresh = DB_REFRESH_RESTS;
    timer_start(&related_worker->_refresh_timer, ms);
}

void db_related_worker_wake(struct db_related_worker *related_worker)
{
    related_worker->_is_woken = true;
    if (related_worker->_refresh == DB_REFRESH_WAITS)
        timer_start(&related_worker->_refresh_timer, 0);
}

static void on_refresh_timer(struct timer *timer)
{
    struct db_related_worker *related_worker =
        container_of(timer, struct db_related_worker, _refresh_timer);
    related_worker->_refresh = DB_REFRESH_IS_DUE;
    go_on(related_worker);
}

static void on_trim_timer(struct timer *timer)
{
    struct db_related_worker *related_worker =
        container_of(timer, struct db_related_worker, _trim_timer);
    timer_start(timer, related_worker->_config.trim_ms);
    related_worker->_is_trim_due = true;
    go_on(related_worker);
}

static void on_down(struct db_conn *conn, enum db_conn_state was)
{
    struct db_related_worker *related_worker = container_of(conn, struct db_related_worker, _conn);
    timer_stop(&related_worker->_refresh_timer);
    db_reporter_down(&related_worker->_teller, conn, was);
}
