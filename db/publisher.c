#include "db/publisher.h"

#include <assert.h>
#include <stdio.h>

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
static void go_on(struct db_publisher *publisher);
static void run(struct db_publisher *publisher, enum db_statement statement, const char *param);
static db_conn_answer_fn on_answer;
static void on_refreshed(struct db_publisher *publisher, int narticles);
static void size_batch(struct db_publisher *publisher, int narticles, uint64_t took_ms);
static void rest(struct db_publisher *publisher, uint64_t ms);
static timer_fn on_refresh_timer, on_trim_timer;
static db_conn_down_fn on_down;

void db_publisher_init(struct db_publisher *publisher, const struct db_publisher_config *config)
{
    *publisher = (struct db_publisher){._config = *config, ._batch = MOST_ARTICLES};
    publisher->_env = (struct db_conn_env){
        .loop = config->loop,
        .resolver = config->resolver,
        .info = config->conninfo,
        .crew = DB_CREW_PUBLISHER,
        .deadline_ms = DEADLINE_MS,
        .states = config->stats->connections,
        .on_up = on_up,
        .on_answer = on_answer,
        .on_down = on_down,
    };
    if (publisher->_config.trim_ms == 0)
        publisher->_config.trim_ms = TRIM_MS;
    if (publisher->_config.call_ms == 0)
        publisher->_config.call_ms = CALL_MS;
    if (publisher->_config.keep == NULL)
        publisher->_config.keep = "10 minutes";
    db_teller_init(&publisher->_teller, config->on_event);
    timer_init(&publisher->_refresh_timer, config->loop, on_refresh_timer);
    timer_init(&publisher->_trim_timer, config->loop, on_trim_timer);
    timer_start(&publisher->_trim_timer, publisher->_config.trim_ms);
    db_conn_init(&publisher->_conn, &publisher->_env);
}

void db_publisher_finish(struct db_publisher *publisher)
{
    db_conn_finish(&publisher->_conn);
    timer_finish(&publisher->_trim_timer);
    timer_finish(&publisher->_refresh_timer);
}

static void on_up(struct db_conn *conn)
{
    struct db_publisher *publisher = container_of(conn, struct db_publisher, _conn);
    db_teller_up(&publisher->_teller);
    publisher->_refresh = DB_REFRESH_IS_DUE;
    go_on(publisher);
}

/* The next command, if one is due and none is under way. Trimming first: a backlog may last. */
static void go_on(struct db_publisher *publisher)
{
    if (publisher->_conn.state != DB_CONN_IDLE)
        return;
    if (publisher->_is_trim_due) {
        publisher->_is_trim_due = false;
        run(publisher, DB_CHANGE_LOG_TRIM, publisher->_config.keep);
    } else if (publisher->_refresh == DB_REFRESH_IS_DUE) {
        char batch[16];
        snprintf(batch, sizeof(batch), "%d", publisher->_batch);
        publisher->_is_poked = false;
        run(publisher, DB_RELATED_REFRESH, batch);
    }
}

static void run(struct db_publisher *publisher, enum db_statement statement, const char *param)
{
    publisher->_running = statement;
    publisher->_sent_at_us = monotonic_us();
    counter_add(&publisher->_config.stats->calls, 1);
    db_conn_send(&publisher->_conn, statement, (struct db_conn_param){.value = param});
}

static void on_answer(struct db_conn *conn, const PGresult *result)
{
    struct db_publisher *publisher = container_of(conn, struct db_publisher, _conn);
    bool is_ok = PQresultStatus(result) == PGRES_TUPLES_OK;

    if (!is_ok) {
        counter_add(&publisher->_config.stats->failures, 1);
        db_teller_failed(&publisher->_teller, result);
    }
    if (publisher->_running == DB_CHANGE_LOG_TRIM) {
        if (is_ok)
            counter_add(&publisher->_config.stats->trimmed, (uint64_t)db_row_int64(result, 0, 0));
    } else if (is_ok) {
        on_refreshed(publisher, db_row_int32(result, 0, 0));
    } else {
        publisher->_batch = 1;
        rest(publisher, AFTER_FAILURE_MS);
    }
    go_on(publisher);
}

static void on_refreshed(struct db_publisher *publisher, int narticles)
{
    uint64_t took_ms = (monotonic_us() - publisher->_sent_at_us) / 1000;
    counter_add(&publisher->_config.stats->articles, (uint64_t)narticles);
    size_batch(publisher, narticles, took_ms);
    if (narticles == 0 && !publisher->_is_poked) {
        publisher->_refresh = DB_REFRESH_WAITS;
        timer_start(&publisher->_refresh_timer, LOOK_AGAIN_MS);
        return;
    }
    rest(publisher, took_ms / 2 < LONGEST_REST_MS ? took_ms / 2 : LONGEST_REST_MS);
}

/* Half where the call took longer than it should, double where twice the articles would still be
 * within that; not where the call found less to do than it might have done. */
static void size_batch(struct db_publisher *publisher, int narticles, uint64_t took_ms)
{
    if (took_ms > publisher->_config.call_ms && publisher->_batch > 1)
        publisher->_batch /= 2;
    else if (took_ms * 2 <= publisher->_config.call_ms && narticles >= publisher->_batch &&
             publisher->_batch < MOST_ARTICLES)
        publisher->_batch *= 2;
}

static void rest(struct db_publisher *publisher, uint64_t ms)
{
    publisher->_refresh = DB_REFRESH_RESTS;
    timer_start(&publisher->_refresh_timer, ms);
}

void db_publisher_poke(struct db_publisher *publisher)
{
    publisher->_is_poked = true;
    if (publisher->_refresh == DB_REFRESH_WAITS)
        timer_start(&publisher->_refresh_timer, 0);
}

static void on_refresh_timer(struct timer *timer)
{
    struct db_publisher *publisher = container_of(timer, struct db_publisher, _refresh_timer);
    publisher->_refresh = DB_REFRESH_IS_DUE;
    go_on(publisher);
}

static void on_trim_timer(struct timer *timer)
{
    struct db_publisher *publisher = container_of(timer, struct db_publisher, _trim_timer);
    timer_start(timer, publisher->_config.trim_ms);
    publisher->_is_trim_due = true;
    go_on(publisher);
}

static void on_down(struct db_conn *conn, enum db_conn_state was)
{
    struct db_publisher *publisher = container_of(conn, struct db_publisher, _conn);
    timer_stop(&publisher->_refresh_timer);
    db_teller_down(&publisher->_teller, conn, was);
}
