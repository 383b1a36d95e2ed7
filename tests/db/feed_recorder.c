#include "tests/db/feed_recorder.h"
#include "base/clock.h"
#include "base/entity.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct heard heard;

static db_change_feed_news_fn on_news;
static db_event_fn on_event;

void heard_fill(const char *url)
{
    test_sql(url, "insert into sections (slug, name) values ('city', 'City');"
                  "insert into articles (id, slug, section_id, published_at, title, body)"
                  " select i, 'article-' || i, (select id from sections), now(), 'Title', 'Body'"
                  " from generate_series(1, 500) i");
}

void heard_start(const char *url, struct db_change_feed_config config)
{
    char *error = NULL;
    heard.conninfo = db_conninfo_create(url, &error);
    cr_assert_not_null(heard.conninfo, "%s", error);
    config.loop = test_loop();
    config.conninfo = heard.conninfo;
    config.on_news = on_news;
    config.on_event = on_event;
    config.stats = &heard.stats;
    db_change_feed_init(&heard.feed, &config);
}

void heard_start_up(const char *url, unsigned max_stale_ms)
{
    heard_start(url, (struct db_change_feed_config){.max_stale_ms = max_stale_ms});
    cr_assert(RUN_UNTIL(ALL_MS, heard.news > 0), "%s", heard.why);
}

void heard_stop(void)
{
    db_change_feed_finish(&heard.feed);
    db_conninfo_destroy(heard.conninfo);
    unsigned news = heard.news;
    test_loop_turn(0);
    cr_assert_eq(heard.news, news, "called back after its end");
    memset(&heard, 0, sizeof(heard));
}

static void on_news(struct db_change_feed *feed, const struct db_change_feed_news *news)
{
    cr_assert_eq(feed, &heard.feed);
    cr_assert(!news->everything || news->n == 0);
    cr_assert_geq(news->confirmed_at_us, heard.confirmed_at_us);
    cr_assert_leq(news->confirmed_at_us, clock_us());
    heard.news++;
    heard.everything += news->everything;
    heard.confirmed_at_us = news->confirmed_at_us;
    for (size_t i = 0; i < news->n; i++) {
        cr_assert_eq(entity_kind_of(news->keys[i]), ENTITY_ARTICLE);
        cr_assert(news->keys[i] / 16 >= 1 && news->keys[i] / 16 <= HEARD_MAX_ID);
        heard.told[news->keys[i] / 16]++;
    }
}

static void on_event(enum db_event event, const char *why)
{
    heard.events[event]++;
    if (event != DB_EVENT_UP)
        snprintf(heard.why, sizeof(heard.why), "%s", why);
}

void heard_touch(PGconn *session, int id)
{
    test_session_sql(session, "update articles set version = version + 1 where id = %d", id);
}

void heard_wait_for_vouch(void)
{
    uint64_t now_us = clock_us();
    cr_assert(RUN_UNTIL(ALL_MS, heard_is_vouched_for(now_us)));
}

long heard_backend(PGconn *session)
{
    PGresult *rows =
        test_session_rows(session, "select coalesce(max(pid), 0) from pg_stat_activity"
                                   " where datname = current_database() and pid <> pg_backend_pid()"
                                   " and query ~ 'position of the last read|broadsheet_changes'");
    long pid = strtol(PQgetvalue(rows, 0, 0), NULL, 10);
    PQclear(rows);
    return pid;
}

void heard_kill_backend(PGconn *session)
{
    long pid = heard_backend(session);
    cr_assert_neq(pid, 0);
    test_session_sql(session, "select pg_terminate_backend(%ld)", pid);
}
