/* A read is begun by the beat alone; a notification makes it come earlier. What is due while a
 * command is under way is sent after its answer:
 *
 *     on_notify --> read_soon --> [the beat] on_poll --> go_on --> on_answer --> tell --> go_on ... */
#include "db/change_feed.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/container_of.h"
#include "db/row.h"

enum {
    LEAST_DEADLINE_MS = 1000, /* a server that is slow is not replaced for that */
    MOST_DEADLINE_MS = 5000,
    READ_GAP_US =
        5000, /* between two reads, so that a storm of commits does not become one of reads */
    NOTIFY_TEST_MS = 5000,
    NOTIFY_TEST_PATIENCE_MS = 2000,
};

static const char notify_test_word[] =
    "notify_test "; /* begins the payload of every server's canaries */

static db_conn_up_fn on_up;
static void run(struct db_change_feed *feed, enum db_statement statement, const char *param);
static void go_on(struct db_change_feed *feed);
static db_conn_answer_fn on_answer;
static void on_read(struct db_change_feed *feed, const PGresult *result);
static void tell(struct db_change_feed *feed, bool everything, struct db_text ids);
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
        .crew = DB_CREW_CHANGE_FEED,
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
    db_reporter_init(&feed->_teller, config->on_event);
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
    run(feed, DB_LISTEN, NULL);
}

static void run(struct db_change_feed *feed, enum db_statement statement, const char *param)
{
    feed->_running = statement;
    db_conn_send(&feed->_conn, statement, (struct db_conn_param){.value = param});
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
        run(feed, DB_CHANGES_SINCE, feed->_position);
    } else if (feed->_notify_test == DB_NOTIFY_TEST_IS_DUE) {
        unsigned every_ms = feed->_config.notify_test_ms;
        feed->_notify_test = DB_NOTIFY_TEST_IS_OUT;
        timer_start(&feed->_notify_test_timer,
                    every_ms != 0 ? every_ms / 2 : NOTIFY_TEST_PATIENCE_MS);
        run(feed, DB_NOTIFY_TEST, feed->_token);
    }
}

/* The log is locked by somebody: it is asked again at the next beat. */
static bool is_locked(const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return sqlstate != NULL && strcmp(sqlstate, "55P03") == 0;
}

/* Whatever another error is, a new connection mends it at least as well as another try on this one. */
static void on_answer(struct db_conn *conn, const PGresult *result)
{
    struct db_change_feed *feed = container_of(conn, struct db_change_feed, _conn);
    ExecStatusType status = PQresultStatus(result);

    bool is_ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!is_ok && !is_locked(result)) {
        db_conn_drop(conn, PQresultErrorMessage(result));
        return;
    }
    if (is_ok && feed->_running == DB_CHANGES_SINCE)
        on_read(feed, result);
    go_on(feed);
}

static void on_read(struct db_change_feed *feed, const PGresult *result)
{
    assert(PQntuples(result) == 1);
    struct db_text position = db_row_text(result, 0, 0);
    assert(position.base != NULL);
    free(feed->_position);
    feed->_position = strndup(position.base, (size_t)position.length);
    assert(feed->_position != NULL);
    tell(feed, db_row_int32(result, 0, 1) == 1, db_row_text(result, 0, 2));
}

static void tell(struct db_change_feed *feed, bool everything, struct db_text array)
{
    struct db_change_feed_stats *stats = feed->_config.stats;
    struct db_text ids = {array.base + 20, array.length - 20};
    size_t n = everything || array.length < 20 ? 0 : (size_t)ids.length / 12;
    uint64_t *changed = calloc(n + 1, sizeof(*changed));
    assert(changed != NULL);
    for (size_t i = 0; i < n; i++) {
        uint64_t wire;
        memcpy(&wire, ids.base + 12 * i + 4, sizeof(wire));
        changed[i] = be64toh(wire);
    }
    counter_set(&stats->is_up, 1);
    counter_set(&stats->confirmed_at_us, feed->_read_at_us);
    counter_add(&stats->reads, 1);
    counter_add(&stats->changes, n);
    counter_add(&stats->everything, everything);
    db_reporter_up(&feed->_teller);
    feed->_config.on_news(feed, &(struct db_change_feed_news){.everything = everything,
                                                              .keys = changed,
                                                              .n = n,
                                                              .confirmed_at_us = feed->_read_at_us,
                                                              .server = ""});
    free(changed);
}

static void on_notify(struct db_conn *conn, const char *payload)
{
    struct db_change_feed *feed = container_of(conn, struct db_change_feed, _conn);
    unsigned every_ms = feed->_config.notify_test_ms;

    if (strncmp(payload, notify_test_word, strlen(notify_test_word)) != 0) {
        read_soon(feed);
    } else if (strcmp(payload, feed->_token) == 0) {
        feed->_notify_test = DB_NOTIFY_TEST_RESTS;
        timer_start(&feed->_notify_test_timer, every_ms != 0 ? every_ms : NOTIFY_TEST_MS);
    }
}

/* Whether a read that is under way sees the change is not known: another one follows it. */
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
        db_conn_drop(&feed->_conn, "it hears no notifications, though it answers");
        return;
    }
    feed->_notify_test = DB_NOTIFY_TEST_IS_DUE;
    go_on(feed);
}

static void on_down(struct db_conn *conn, enum db_conn_state was)
{
    struct db_change_feed *feed = container_of(conn, struct db_change_feed, _conn);
    timer_stop(&feed->_poll);
    timer_stop(&feed->_notify_test_timer);
    counter_set(&feed->_config.stats->is_up, 0);
    if (feed->_config.on_lost != NULL && (was == DB_CONN_IDLE || was == DB_CONN_BUSY))
        feed->_config.on_lost(feed);
    db_reporter_down(&feed->_teller, conn, was);
}
