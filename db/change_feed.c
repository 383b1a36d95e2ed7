/* Only the poll begins a read; a notification makes the poll run out earlier. A command that becomes due while
 * another one is under way is sent after the answer to that:
 *
 *     on_notify --> read_soon --> [the poll] on_poll --> go_on --> on_answer --> give_news --> go_on ... */
#include "db/change_feed.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/container_of.h"
#include "db/db_sql.h"
#include "db/row.h"
#include "db/types.h"

enum {
    LEAST_DEADLINE_MS = 1000, /* a server that is only slow is not replaced */
    MOST_DEADLINE_MS = 5000,
    READ_GAP_US = 5000, /* between two reads: many commits do not cause as many reads */
    NOTIFY_TEST_MS = 5000,
    NOTIFY_TEST_LIMIT_MS = 2000,
    NOTIFY_TEST_READS = 3, /* the limit counts only after so many reads: the machine may be slow */
};

enum { LISTEN, CHANGES_SINCE, NOTIFY_TEST, NSTATEMENTS };

static const struct db_statement_info statements[NSTATEMENTS] = {
    [LISTEN] = {.name = "listen", .sql = db_sql_listen},
    [CHANGES_SINCE] = {.name = "changes_since",
                       .sql = db_sql_changes_since,
                       .param_types = {DB_TYPE_TEXT}},
    [NOTIFY_TEST] = {.name = "notify_test",
                     .sql = db_sql_notify_test,
                     .param_types = {DB_TYPE_TEXT}},
};

/* The payload of every server's notify tests begins with this word. */
static const char notify_test_word[] = "notify_test ";

static db_conn_up_fn on_up;
static void run(struct db_change_feed *feed, unsigned statement, const char *param);
static void go_on(struct db_change_feed *feed);
static db_conn_answer_fn on_answer;
static void on_read(struct db_change_feed *feed, const PGresult *result);
static void give_news(struct db_change_feed *feed, bool everything, struct db_keys changed,
                      const char *unreliable);
static db_conn_notify_fn on_notify;
static void read_soon(struct db_change_feed *feed);
static timer_fn on_poll, on_notify_test_timer;
static db_conn_down_fn on_down;

static unsigned clamp(unsigned n, unsigned least, unsigned most)
{
    return n < least ? least : n > most ? most : n;
}

void db_change_feed_init(struct db_change_feed *feed, const struct db_change_feed_config *config)
{
    *feed = (struct db_change_feed){._config = *config};
    feed->_env = (struct db_conn_env){
        .loop = config->loop,
        .info = config->conninfo,
        .statements = {statements, NSTATEMENTS},
        .deadline_ms = clamp(config->max_stale_ms, LEAST_DEADLINE_MS, MOST_DEADLINE_MS),
        .states = config->stats->connections,
        .on_up = on_up,
        .on_answer = on_answer,
        .on_down = on_down,
        .on_notify = on_notify,
    };
    feed->_position = strdup("");
    assert(feed->_position != NULL);
    snprintf(feed->_token, sizeof(feed->_token), "%s%08x%08x", notify_test_word, arc4random(),
             arc4random());
    timer_init(&feed->_poll, config->loop, on_poll);
    timer_init(&feed->_notify_test_timer, config->loop, on_notify_test_timer);
    db_conn_init(&feed->_conn, &feed->_env);
}

void db_change_feed_finish(struct db_change_feed *feed)
{
    db_conn_finish(&feed->_conn);
    timer_finish(&feed->_notify_test_timer);
    timer_finish(&feed->_poll);
    free(feed->_position);
    counter_set(&feed->_config.stats->is_up, 0);
}

static void on_up(struct db_conn *conn)
{
    struct db_change_feed *feed = container_of(conn, struct db_change_feed, _conn);
    feed->_is_read_due = true;
    feed->_notify_test = DB_NOTIFY_TEST_IS_DUE;
    run(feed, LISTEN, NULL);
}

static void run(struct db_change_feed *feed, unsigned statement, const char *param)
{
    feed->_running = statement;
    db_conn_send(&feed->_conn, statement, &(struct db_param){.value = param});
}

static unsigned test_limit_ms(const struct db_change_feed *feed)
{
    unsigned every_ms = feed->_config.notify_test_ms;
    return every_ms != 0 ? every_ms / 2 : NOTIFY_TEST_LIMIT_MS;
}

/* The next command, if one is due and none is under way. */
static void go_on(struct db_change_feed *feed)
{
    if (feed->_conn.state != DB_CONN_IDLE)
        return;
    if (feed->_is_read_due) {
        feed->_is_read_due = false;
        feed->_read_at_us = clock_us();
        timer_start(&feed->_poll, feed->_config.max_stale_ms / 4);
        run(feed, CHANGES_SINCE, feed->_position);
    } else if (feed->_notify_test == DB_NOTIFY_TEST_IS_DUE) {
        feed->_notify_test = DB_NOTIFY_TEST_IS_OUT;
        feed->_reads_since_test = 0;
        timer_start(&feed->_notify_test_timer, test_limit_ms(feed));
        run(feed, NOTIFY_TEST, feed->_token);
    }
}

/* Somebody has locked the log: the next poll asks again. */
static bool is_locked(const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return sqlstate != NULL && strcmp(sqlstate, "55P03") == 0;
}

/* After any other error a new connection helps at least as well as another attempt on this one. */
static void on_answer(struct db_conn *conn, const PGresult *result)
{
    struct db_change_feed *feed = container_of(conn, struct db_change_feed, _conn);
    ExecStatusType status = PQresultStatus(result);

    bool is_ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!is_ok && !is_locked(result)) {
        db_conn_drop(conn, PQresultErrorMessage(result));
        return;
    }
    if (is_ok && feed->_running == CHANGES_SINCE)
        on_read(feed, result);
    go_on(feed);
}

static void report(struct db_change_feed *feed, enum db_event event, const char *why)
{
    if (feed->_config.on_event != NULL)
        feed->_config.on_event(event, why);
}

static void on_read(struct db_change_feed *feed, const PGresult *result)
{
    assert(PQntuples(result) == 1);
    struct db_text position = db_row_text(result, 0, 0);
    assert(position.base != NULL);
    free(feed->_position);
    feed->_position = strndup(position.base, (size_t)position.length);
    assert(feed->_position != NULL);
    feed->_reads_since_test++;
    give_news(feed, db_row_int32(result, 0, 1) == 1, db_row_keys(result, 0, 2),
              db_row_text(result, 0, 3).base);
}

static void give_news(struct db_change_feed *feed, bool everything, struct db_keys changed,
                      const char *unreliable)
{
    struct db_change_feed_stats *stats = feed->_config.stats;
    size_t n = everything ? 0 : changed.n;
    uint64_t *keys = calloc(n + 1, sizeof(*keys));
    assert(keys != NULL);
    for (size_t i = 0; i < n; i++)
        keys[i] = db_keys_at(changed, i);
    counter_set(&stats->is_up, 1);
    counter_set(&stats->is_unreliable, unreliable != NULL);
    counter_set(&stats->confirmed_at_us, feed->_read_at_us);
    counter_add(&stats->reads, 1);
    counter_add(&stats->changes, n);
    counter_add(&stats->everything, everything);
    if (db_reporter_up(&feed->_reporter))
        report(feed, DB_EVENT_UP, "");
    feed->_config.on_news(feed, &(struct db_change_feed_news){.everything = everything,
                                                              .keys = keys,
                                                              .n = n,
                                                              .confirmed_at_us = feed->_read_at_us,
                                                              .server = feed->_conn.identity,
                                                              .unreliable = unreliable});
    free(keys);
}

static void on_notify(struct db_conn *conn, const char *payload)
{
    struct db_change_feed *feed = container_of(conn, struct db_change_feed, _conn);
    unsigned every_ms = feed->_config.notify_test_ms;

    if (strncmp(payload, notify_test_word, strlen(notify_test_word)) != 0) {
        read_soon(feed);
    } else if (strcmp(payload, feed->_token) == 0) {
        feed->_notify_test = DB_NOTIFY_TEST_PAUSES;
        timer_start(&feed->_notify_test_timer, every_ms != 0 ? every_ms : NOTIFY_TEST_MS);
    }
}

/* A read that is under way may have missed the change: another one follows it. */
static void read_soon(struct db_change_feed *feed)
{
    uint64_t since_us = clock_us() - feed->_read_at_us;
    timer_start(&feed->_poll, since_us < READ_GAP_US ? (READ_GAP_US - since_us + 999) / 1000 : 0);
}

static void on_poll(struct timer *timer)
{
    struct db_change_feed *feed = container_of(timer, struct db_change_feed, _poll);
    feed->_is_read_due = true;
    go_on(feed);
}

static void on_notify_test_timer(struct timer *timer)
{
    struct db_change_feed *feed = container_of(timer, struct db_change_feed, _notify_test_timer);
    if (feed->_notify_test == DB_NOTIFY_TEST_IS_OUT) {
        if (feed->_reads_since_test < NOTIFY_TEST_READS)
            timer_start(timer, test_limit_ms(feed));
        else
            db_conn_drop(&feed->_conn, "no notifications arrive, though the server answers");
        return;
    }
    feed->_notify_test = DB_NOTIFY_TEST_IS_DUE;
    go_on(feed);
}

static void on_down(struct db_conn *conn, enum db_conn_state was)
{
    struct db_change_feed *feed = container_of(conn, struct db_change_feed, _conn);
    enum db_event event = db_conn_state_is_up(was) ? DB_EVENT_LOST : DB_EVENT_NO_CONNECT;
    bool had_news = counter_get(&feed->_config.stats->is_up) == 1;
    timer_stop(&feed->_poll);
    timer_stop(&feed->_notify_test_timer);
    counter_set(&feed->_config.stats->is_up, 0);
    if (db_reporter_problem(&feed->_reporter, event, conn->why))
        report(feed, event, conn->why);
    if (had_news && feed->_config.on_lost != NULL)
        feed->_config.on_lost(feed);
}
