#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "db/related_worker.h"
#include "tests/db/loop.h"
#include "tests/support/database.h"

enum { ALL_MS = 20000, N = 60 };

/* Up to two workers. */
static struct worked {
    struct db_related_worker related_worker;
    struct db_related_worker_stats stats;
    struct db_conninfo *conninfo;
} worked[2];
static unsigned events[DB_EVENT_FAILED + 1];
static char why[256], lost_why[256];

static char *url;

/* Articles with a common tag, all of them in the queue. */
static void make_queue(void)
{
    url = test_database_create();
    test_sql(url,
             "insert into sections (slug, name) values ('city', 'City');"
             "insert into tags (slug, name) values ('tram', 'Tram');"
             "insert into articles (id, slug, section_id, published_at, title, body)"
             " select i, 'article-' || i, (select id from sections), now() - i * interval '1 day',"
             " 'Tram ' || md5(i::text), 'On tram ' || md5((i * 7)::text)"
             " from generate_series(1, %d) i;"
             "insert into article_tags (article_id, tag_id, published_at)"
             " select a.id, t.id, a.published_at from articles a, tags t;"
             "insert into related_queue (article_id, needs_reading) select id, false from articles"
             " where not exists (select from related_queue)",
             N);
}

static void free_url(void)
{
    free(url);
}

TestSuite(related_worker, .init = make_queue, .fini = free_url, .timeout = 60);

static void on_event(enum db_event event, const char *reason)
{
    events[event]++;
    if (event != DB_EVENT_UP)
        snprintf(why, sizeof(why), "%s", reason);
    if (event == DB_EVENT_LOST)
        snprintf(lost_why, sizeof(lost_why), "%s", reason);
}

static void start(struct worked *w, struct db_related_worker_config config)
{
    char *error = NULL;
    w->conninfo = db_conninfo_create(url, &error);
    cr_assert_not_null(w->conninfo, "%s", error);
    config.loop = test_loop();
    config.conninfo = w->conninfo;
    config.on_event = on_event;
    config.stats = &w->stats;
    db_related_worker_init(&w->related_worker, &config);
}

static void stop(struct worked *w)
{
    db_related_worker_finish(&w->related_worker);
    db_conninfo_destroy(w->conninfo);
}

static long queued(void)
{
    return test_sql_number(url, "select count(*) from related_queue");
}

static long without_list(void)
{
    return test_sql_number(url, "select count(*) from articles a where not exists"
                                " (select from article_related where article_id = a.id)");
}

/* A related_work of the test. It takes the given number of rows from the queue, notes each call,
 * and first runs `body`. */
static void replace_refresh(const char *body)
{
    test_sql(url,
             "create table calls (n serial, max_articles integer, began timestamptz,"
             "  ended timestamptz);"
             "create or replace function related_work(max_articles integer, out done integer,"
             "  out failed bigint[], out reason text) language plpgsql as $$"
             "declare n integer; began timestamptz := clock_timestamp();"
             "begin"
             "  %s"
             "  with taken as (delete from related_queue where id in"
             "    (select id from related_queue order by id limit related_work.max_articles"
             "     for update skip locked) returning 1)"
             "  select count(*) into n from taken;"
             "  insert into calls (max_articles, began, ended)"
             "  values (max_articles, began, clock_timestamp());"
             "  done := n;"
             "end $$",
             body);
}

/* The number of articles in each of the first calls. */
static void expect_first_calls(const char *sizes)
{
    char *all =
        test_sql_value(url, "select string_agg(max_articles::text, ' ' order by n) from calls");
    cr_expect(strncmp(all, sizes, strlen(sizes)) == 0, "%s, not %s", all, sizes);
    free(all);
}

Test(related_worker, gives_queued_articles_their_lists)
{
    cr_assert_eq(without_list(), N);
    start(&worked[0], (struct db_related_worker_config){0});
    cr_assert(RUN_UNTIL(ALL_MS, queued() == 0));
    cr_expect_eq(without_list(), 0);
    cr_assert(RUN_UNTIL(ALL_MS, counter_get(&worked[0].stats.articles) >= N));
    cr_expect_eq(events[DB_EVENT_UP], 1);
    stop(&worked[0]);
}

Test(related_worker, does_the_work_once_when_there_are_two_workers)
{
    test_sql(url, "create table writes (article_id bigint);"
                  "create function note() returns trigger language plpgsql as $$ begin"
                  "  insert into writes values (new.article_id); return null; end $$;"
                  "create trigger note after insert on article_related"
                  " for each row execute function note()");
    start(&worked[0], (struct db_related_worker_config){0});
    start(&worked[1], (struct db_related_worker_config){0});
    cr_assert(RUN_UNTIL(ALL_MS, queued() == 0));
    cr_expect_eq(without_list(), 0);
    cr_expect_eq(test_sql_number(url, "select count(*) from writes"),
                 test_sql_number(url, "select count(*) from article_related"));
    stop(&worked[0]);
    stop(&worked[1]);
}

Test(related_worker, reads_the_queue_at_once_when_it_is_woken)
{
    enum { ROUNDS = 10, LOOK_AGAIN_US = 1000000 };
    uint64_t took_us = 0;
    start(&worked[0], (struct db_related_worker_config){0});
    for (int i = 0; i < ROUNDS; i++) {
        cr_assert(RUN_UNTIL(ALL_MS, worked[0].related_worker._work == DB_WORK_WAITS));
        uint64_t woken_us = clock_us(), calls = counter_get(&worked[0].stats.calls);
        db_related_worker_wake(&worked[0].related_worker);
        cr_assert(RUN_UNTIL(ALL_MS, counter_get(&worked[0].stats.calls) > calls));
        took_us += clock_us() - woken_us;
    }
    cr_expect_lt(took_us, ROUNDS * LOOK_AGAIN_US / 4);
    stop(&worked[0]);
}

Test(related_worker, finds_queued_articles_when_nobody_has_woken_it)
{
    start(&worked[0], (struct db_related_worker_config){0});
    cr_assert(RUN_UNTIL(ALL_MS, queued() == 0));
    test_sql(url, "insert into related_queue (article_id, needs_reading) values (1, false)");
    cr_assert(RUN_UNTIL(ALL_MS, queued() == 0));
    stop(&worked[0]);
}

Test(related_worker, rests_between_calls_while_there_is_a_backlog)
{
    replace_refresh("perform pg_sleep(0.05); max_articles := 3;");
    start(&worked[0], (struct db_related_worker_config){0});
    cr_assert(RUN_UNTIL(ALL_MS, queued() == 0));
    long percent =
        test_sql_number(url, "select (100 * sum(extract(epoch from next - ended))"
                             " / sum(extract(epoch from ended - began)))::integer"
                             " from (select *, lead(began) over (order by n) as next from calls) c"
                             " where next is not null");
    cr_expect_geq(percent, 45, "it rests for %ld %% of the time that it works", percent);
    stop(&worked[0]);
}

Test(related_worker, tries_again_with_one_article_after_a_failure)
{
    test_sql(url, "create sequence attempts");
    replace_refresh("if nextval('attempts') <= 2 then"
                    "  raise exception 'canceling statement due to lock timeout'"
                    "    using errcode = '55P03';"
                    "end if;");
    start(&worked[0], (struct db_related_worker_config){.call_ms = ALL_MS});
    cr_assert(RUN_UNTIL(ALL_MS, queued() == 0));
    cr_expect_eq(counter_get(&worked[0].stats.failures), 2);
    cr_expect_eq(events[DB_EVENT_FAILED], 1, "the same failure is reported once");
    cr_expect_str_eq(why, "canceling statement due to lock timeout");
    cr_expect_eq(events[DB_EVENT_LOST], 0);
    expect_first_calls("1 2 4 8 8 8");
    stop(&worked[0]);
}

Test(related_worker, drops_a_connection_that_cannot_write)
{
    test_sql(url, "create sequence attempts");
    replace_refresh("if nextval('attempts') = 1 then"
                    "  raise exception 'cannot execute DELETE in a read-only transaction'"
                    "    using errcode = '25006';"
                    "end if;");
    start(&worked[0], (struct db_related_worker_config){0});
    cr_assert(RUN_UNTIL(ALL_MS, queued() == 0));
    cr_expect_eq(events[DB_EVENT_LOST], 1);
    cr_expect_str_eq(lost_why, "cannot execute DELETE in a read-only transaction");
    cr_expect_eq(events[DB_EVENT_UP], 2);
    stop(&worked[0]);
}

Test(related_worker, follows_the_server_of_the_change_feed)
{
    start(&worked[0], (struct db_related_worker_config){0});
    cr_assert(RUN_UNTIL(ALL_MS, queued() == 0));
    db_related_worker_follow(&worked[0].related_worker, "7/00000001/5/primary");
    cr_expect_eq(events[DB_EVENT_LOST], 1);
    cr_assert(RUN_UNTIL(ALL_MS, events[DB_EVENT_NO_CONNECT] == 1));
    cr_expect(strstr(why, "7/00000001/5/primary") != NULL, "%s", why);
    db_related_worker_follow(&worked[0].related_worker, NULL);
    cr_assert(RUN_UNTIL(ALL_MS, events[DB_EVENT_UP] == 2));
    stop(&worked[0]);
}

Test(related_worker, takes_fewer_articles_in_a_call_when_calls_are_long)
{
    replace_refresh("perform pg_sleep(0.03 * max_articles);");
    start(&worked[0], (struct db_related_worker_config){.call_ms = 100});
    cr_assert(RUN_UNTIL(ALL_MS, queued() == 0));
    expect_first_calls("8 4 2");
    cr_expect_leq(test_sql_number(url, "select max(max_articles) from calls where n > 2"), 2);
    stop(&worked[0]);
}

Test(related_worker, loses_no_work_when_its_backend_is_killed_during_a_call)
{
    enum { LOCK = 4711 };
    replace_refresh("perform pg_advisory_xact_lock(4711);");
    PGconn *holder = test_session_open(url);
    test_session_sql(holder, "select pg_advisory_lock(%d)", LOCK);
    start(&worked[0], (struct db_related_worker_config){0});
    const char *waiting = "select coalesce(max(pid), 0) from pg_stat_activity"
                          " where datname = current_database() and wait_event_type = 'Lock'";
    cr_assert(RUN_UNTIL(ALL_MS, test_sql_number(url, waiting) != 0));
    test_session_sql(holder, "select pg_terminate_backend(%ld)", test_sql_number(url, waiting));
    cr_assert(RUN_UNTIL(ALL_MS, events[DB_EVENT_LOST] == 1));
    cr_expect_eq(queued(), N);
    test_session_sql(holder, "select pg_advisory_unlock(%d)", LOCK);
    cr_assert(RUN_UNTIL(ALL_MS, queued() == 0));
    cr_assert(RUN_UNTIL(ALL_MS, counter_get(&worked[0].stats.articles) == N));
    cr_expect_eq(events[DB_EVENT_UP], 2);
    PQfinish(holder);
    stop(&worked[0]);
}

Test(related_worker, keeps_the_change_log_short)
{
    enum { ROUNDS = 20, ROWS = 100 };
    start(&worked[0], (struct db_related_worker_config){.trim_ms = 5, .keep = "0"});
    for (int i = 0; i < ROUNDS; i++) {
        test_sql(url, "select change_log_add(array_agg(i)) from generate_series(1, %d) i", ROWS);
        cr_assert(
            RUN_UNTIL(ALL_MS, test_sql_number(url, "select count(*) from change_log") <= 2 * ROWS));
    }
    cr_assert(RUN_UNTIL(ALL_MS, counter_get(&worked[0].stats.trimmed) >= (ROUNDS - 2) * ROWS));
    cr_expect_eq(events[DB_EVENT_FAILED], 0, "%s", why);
    stop(&worked[0]);
}

Test(related_worker, may_be_finished_at_any_moment)
{
    for (int turns = 0; turns < 30; turns++) {
        start(&worked[0], (struct db_related_worker_config){.trim_ms = 2});
        for (int i = 0; i < turns; i++)
            test_loop_turn(2);
        db_related_worker_wake(&worked[0].related_worker);
        stop(&worked[0]);
        test_loop_turn(0);
        memset(worked, 0, sizeof(worked));
    }
}
