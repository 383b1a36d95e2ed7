#include "tests/db/feed_recorder.h"
#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct recorder recorder;

static db_change_feed_news_fn on_news;
static db_change_feed_lost_fn on_lost;
static db_event_fn on_event;

void recorder_fill(const char *url)
{
    test_sql(url, "insert into sections (slug, name) values ('city', 'City');"
                  "insert into articles (id, slug, section_id, published_at, title, body)"
                  " select i, 'article-' || i, (select id from sections), now(), 'Title', 'Body'"
                  " from generate_series(1, 500) i");
}

void recorder_start(const char *url, struct db_change_feed_config config)
{
    char *error = NULL;
    recorder.conninfo = db_conninfo_create(url, &error);
    cr_assert_not_null(recorder.conninfo, "%s", error);
    config.loop = test_loop();
    config.conninfo = recorder.conninfo;
    config.on_news = on_news;
    config.on_lost = on_lost;
    config.on_event = on_event;
    config.stats = &recorder.stats;
    db_change_feed_init(&recorder.feed, &config);
}

void recorder_start_up(const char *url, unsigned max_stale_ms)
{
    recorder_start(url, (struct db_change_feed_config){.max_stale_ms = max_stale_ms});
    cr_assert(RUN_UNTIL(ALL_MS, recorder.news > 0), "%s", recorder.why);
}

void recorder_stop(void)
{
    db_change_feed_finish(&recorder.feed);
    db_conninfo_destroy(recorder.conninfo);
    unsigned news = recorder.news;
    test_loop_turn(0);
    cr_assert_eq(recorder.news, news, "called back after its end");
    memset(&recorder, 0, sizeof(recorder));
}

static void on_news(struct db_change_feed *feed, const struct db_change_feed_news *news)
{
    cr_assert_eq(feed, &recorder.feed);
    cr_assert(!news->everything || news->n == 0);
    cr_assert_geq(news->confirmed_at_us, recorder.confirmed_at_us);
    cr_assert_leq(news->confirmed_at_us, clock_us());
    recorder.news++;
    recorder.everything += news->everything;
    recorder.confirmed_at_us = news->confirmed_at_us;
    recorder.unreliable += news->unreliable != NULL;
    snprintf(recorder.unreliable_why, sizeof(recorder.unreliable_why), "%s",
             news->unreliable != NULL ? news->unreliable : "");
    snprintf(recorder.server, sizeof(recorder.server), "%s", news->server);
    for (size_t i = 0; i < news->n; i++) {
        uint64_t id = news->keys[i] / 16;
        cr_assert(news->keys[i] % 16 != ARTICLE || (id >= 1 && id <= RECORDER_MAX_ID));
        if (news->keys[i] % 16 == ARTICLE)
            recorder.reported[id]++;
    }
}

static void on_lost(struct db_change_feed *feed)
{
    cr_assert_eq(feed, &recorder.feed);
    recorder.lost++;
}

static void on_event(enum db_event event, const char *why)
{
    recorder.events[event]++;
    if (event != DB_EVENT_UP)
        snprintf(recorder.why, sizeof(recorder.why), "%s", why);
}

void recorder_touch(PGconn *session, int id)
{
    test_session_sql(session, "update articles set version = version + 1 where id = %d", id);
}

void recorder_wait_until_confirmed(void)
{
    uint64_t now_us = clock_us();
    cr_assert(RUN_UNTIL(ALL_MS, recorder_is_confirmed(now_us)));
}

long recorder_backend(PGconn *session)
{
    PGresult *rows =
        test_session_rows(session, "select coalesce(max(pid), 0) from pg_stat_activity"
                                   " where datname = current_database() and pid <> pg_backend_pid()"
                                   " and query ~ 'change_log_since|broadsheet_changes'");
    long pid = strtol(PQgetvalue(rows, 0, 0), NULL, 10);
    PQclear(rows);
    return pid;
}

void recorder_kill_backend(PGconn *session)
{
    long pid = recorder_backend(session);
    cr_assert_neq(pid, 0);
    test_session_sql(session, "select pg_terminate_backend(%ld)", pid);
}
