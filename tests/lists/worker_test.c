/* The thread of a server that makes lists: when it works, when it rests, and what it does about failures. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "db/conninfo.h"
#include "lists/worker.h"
#include "tests/support/database.h"
#include "tests/support/wait.h"

enum { ALL_MS = 20000, N = 60 };

/* Up to two workers. */
static struct worked {
    struct lists_worker worker;
    struct lists_stats stats;
    struct db_conninfo *conninfo;
    struct worked *next; /* of those that have stopped: the memory stays */
} * worked[2], *stopped;

/* Written by the threads of the workers. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
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

TestSuite(lists_worker, .init = make_queue, .fini = free_url, .timeout = 60);

static void on_event(enum db_event event, const char *reason)
{
    pthread_mutex_lock(&lock);
    events[event]++;
    if (event != DB_EVENT_UP)
        snprintf(why, sizeof(why), "%s", reason);
    if (event == DB_EVENT_LOST)
        snprintf(lost_why, sizeof(lost_why), "%s", reason);
    pthread_mutex_unlock(&lock);
}

static unsigned seen(enum db_event event)
{
    pthread_mutex_lock(&lock);
    unsigned n = events[event];
    pthread_mutex_unlock(&lock);
    return n;
}

static void start(int i, struct lists_worker_config config)
{
    char *error = NULL;
    struct worked *w = worked[i] = calloc(1, sizeof(*w));
    w->conninfo = db_conninfo_create(url, &error);
    cr_assert_not_null(w->conninfo, "%s", error);
    config.conninfo = w->conninfo;
    config.on_event = on_event;
    config.stats = &w->stats;
    lists_worker_start(&w->worker, &config);
}

static void stop(int i)
{
    lists_worker_stop(&worked[i]->worker);
    db_conninfo_destroy(worked[i]->conninfo);
    worked[i]->next = stopped;
    stopped = worked[i];
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

/* A step of the test instead of the one that reads articles. It takes the given number of rows from the queue, notes each
 * call, and first runs `body`. There is nothing else to do then. */
static void replace_step(const char *body)
{
    test_sql(
        url,
        "create table calls (n serial, most integer, began timestamptz, ended timestamptz);"
        "create or replace function related_take(most integer, only_article bigint default null)"
        "  returns table (article_id bigint, turn smallint) language plpgsql as $$"
        "declare began timestamptz := clock_timestamp(); n integer;"
        "begin"
        "  %s"
        "  delete from related_queue q where q.id in"
        "    (select x.id from related_queue x order by x.id limit related_take.most"
        "     for update skip locked);"
        "  get diagnostics n = row_count;"
        "  if n > 0 then"
        "    insert into calls (most, began, ended) values (most, began, clock_timestamp());"
        "    return query" /* no article has such an id */
        "      select -i::bigint, 2::smallint from generate_series(1, n) i;"
        "  end if;"
        "end $$",
        body);
}

/* The number of articles in each of the first calls. */
static void expect_first_calls(const char *sizes)
{
    char *all = test_sql_value(url, "select string_agg(most::text, ' ' order by n) from calls");
    cr_expect(strncmp(all, sizes, strlen(sizes)) == 0, "%s, not %s", all, sizes);
    free(all);
}

Test(lists_worker, gives_queued_articles_their_lists)
{
    cr_assert_eq(without_list(), N);
    start(0, (struct lists_worker_config){0});
    cr_assert(WAIT_UNTIL(ALL_MS, queued() == 0));
    cr_expect_eq(without_list(), 0);
    cr_assert(WAIT_UNTIL(ALL_MS, counter_get(&worked[0]->stats.articles) >= N));
    cr_expect_eq(seen(DB_EVENT_UP), 1);
    stop(0);
}

Test(lists_worker, does_the_work_once_when_there_are_two_workers)
{
    test_sql(url, "create table writes (article_id bigint);"
                  "create function note() returns trigger language plpgsql as $$ begin"
                  "  insert into writes values (new.article_id); return null; end $$;"
                  "create trigger note after insert on article_related"
                  " for each row execute function note()");
    start(0, (struct lists_worker_config){0});
    start(1, (struct lists_worker_config){0});
    cr_assert(WAIT_UNTIL(ALL_MS, queued() == 0));
    cr_expect_eq(without_list(), 0);
    cr_expect_eq(test_sql_number(url, "select count(*) from writes"),
                 test_sql_number(url, "select count(*) from article_related"));
    stop(0);
    stop(1);
}

Test(lists_worker, reads_the_queue_at_once_when_it_is_woken)
{
    enum { ROUNDS = 10, LOOK_AGAIN_US = 1000000 };
    uint64_t took_us = 0;
    start(0, (struct lists_worker_config){0});
    cr_assert(WAIT_UNTIL(ALL_MS, queued() == 0));
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t woken_us = clock_us(), calls = counter_get(&worked[0]->stats.calls);
        lists_worker_wake(&worked[0]->worker);
        cr_assert(WAIT_UNTIL(ALL_MS, counter_get(&worked[0]->stats.calls) >= calls + 3));
        took_us += clock_us() - woken_us;
    }
    cr_expect_lt(took_us, ROUNDS * LOOK_AGAIN_US * 3 / 4);
    stop(0);
}

Test(lists_worker, finds_queued_articles_when_nobody_has_woken_it)
{
    start(0, (struct lists_worker_config){0});
    cr_assert(WAIT_UNTIL(ALL_MS, queued() == 0));
    test_sql(url, "insert into related_queue (article_id, needs_reading) values (1, false)");
    cr_assert(WAIT_UNTIL(ALL_MS, queued() == 0));
    stop(0);
}

Test(lists_worker, rests_between_calls_while_there_is_a_backlog)
{
    replace_step("perform pg_sleep(0.05); most := 3;");
    start(0, (struct lists_worker_config){0});
    cr_assert(WAIT_UNTIL(ALL_MS, queued() == 0));
    long percent =
        test_sql_number(url, "select (100 * sum(extract(epoch from next - ended))"
                             " / sum(extract(epoch from ended - began)))::integer"
                             " from (select *, lead(began) over (order by n) as next from calls) c"
                             " where next is not null");
    cr_expect_geq(percent, 45, "it rests for %ld %% of the time that it works", percent);
    stop(0);
}

Test(lists_worker, tries_again_with_one_article_after_a_failure)
{
    test_sql(url, "create sequence attempts");
    replace_step("if nextval('attempts') <= 2 then"
                 "  raise exception 'canceling statement due to lock timeout'"
                 "    using errcode = '55P03';"
                 "end if;");
    start(0, (struct lists_worker_config){.round_ms = ALL_MS});
    cr_assert(WAIT_UNTIL(ALL_MS, queued() == 0));
    cr_expect_eq(counter_get(&worked[0]->stats.failures), 2);
    cr_expect_eq(seen(DB_EVENT_FAILED), 1, "the same failure is reported once");
    cr_expect_str_eq(why, "canceling statement due to lock timeout");
    cr_expect_eq(seen(DB_EVENT_LOST), 0);
    expect_first_calls("1 2 4 8 8 8");
    stop(0);
}

Test(lists_worker, drops_a_connection_that_cannot_write)
{
    test_sql(url, "create sequence attempts");
    replace_step("if nextval('attempts') = 1 then"
                 "  raise exception 'cannot execute DELETE in a read-only transaction'"
                 "    using errcode = '25006';"
                 "end if;");
    start(0, (struct lists_worker_config){0});
    cr_assert(WAIT_UNTIL(ALL_MS, queued() == 0));
    cr_expect_eq(seen(DB_EVENT_LOST), 1);
    cr_expect_str_eq(lost_why, "cannot execute DELETE in a read-only transaction");
    cr_expect_eq(seen(DB_EVENT_UP), 2);
    stop(0);
}

Test(lists_worker, follows_the_server_of_the_change_feed)
{
    start(0, (struct lists_worker_config){0});
    cr_assert(WAIT_UNTIL(ALL_MS, queued() == 0));
    lists_worker_follow(&worked[0]->worker, "7/00000001/5/primary");
    cr_assert(WAIT_UNTIL(ALL_MS, seen(DB_EVENT_LOST) == 1));
    cr_assert(WAIT_UNTIL(ALL_MS, seen(DB_EVENT_NO_CONNECT) == 1));
    cr_expect(strstr(why, "7/00000001/5/primary") != NULL, "%s", why);
    lists_worker_follow(&worked[0]->worker, NULL);
    cr_assert(WAIT_UNTIL(ALL_MS, seen(DB_EVENT_UP) == 2));
    stop(0);
}

Test(lists_worker, takes_fewer_articles_in_a_call_when_calls_are_long)
{
    replace_step("perform pg_sleep(0.03 * most);");
    start(0, (struct lists_worker_config){.round_ms = 100});
    cr_assert(WAIT_UNTIL(ALL_MS, queued() == 0));
    expect_first_calls("8 4 2");
    cr_expect_leq(test_sql_number(url, "select max(most) from calls where n > 2"), 2);
    stop(0);
}

Test(lists_worker, loses_no_work_when_its_backend_is_killed_during_a_call)
{
    enum { LOCK = 4711 };
    replace_step("perform pg_advisory_xact_lock(4711);");
    PGconn *holder = test_session_open(url);
    test_session_sql(holder, "select pg_advisory_lock(%d)", LOCK);
    start(0, (struct lists_worker_config){0});
    const char *waiting = "select coalesce(max(pid), 0) from pg_stat_activity"
                          " where datname = current_database() and wait_event_type = 'Lock'";
    cr_assert(WAIT_UNTIL(ALL_MS, test_sql_number(url, waiting) != 0));
    test_session_sql(holder, "select pg_terminate_backend(%ld)", test_sql_number(url, waiting));
    cr_assert(WAIT_UNTIL(ALL_MS, seen(DB_EVENT_LOST) == 1));
    cr_expect_eq(queued(), N);
    test_session_sql(holder, "select pg_advisory_unlock(%d)", LOCK);
    cr_assert(WAIT_UNTIL(ALL_MS, queued() == 0));
    cr_assert(WAIT_UNTIL(ALL_MS, counter_get(&worked[0]->stats.articles) == N));
    cr_expect_eq(seen(DB_EVENT_UP), 2);
    PQfinish(holder);
    stop(0);
}

Test(lists_worker, keeps_the_change_log_short)
{
    enum { ROUNDS = 20, ROWS = 100 };
    start(0, (struct lists_worker_config){.trim_ms = 5, .keep = "0"});
    for (int i = 0; i < ROUNDS; i++) {
        test_sql(url, "select change_log_add(array_agg(i)) from generate_series(1, %d) i", ROWS);
        cr_assert(WAIT_UNTIL(ALL_MS,
                             test_sql_number(url, "select count(*) from change_log") <= 2 * ROWS));
    }
    cr_assert(WAIT_UNTIL(ALL_MS, counter_get(&worked[0]->stats.trimmed) >= (ROUNDS - 2) * ROWS));
    cr_expect_eq(seen(DB_EVENT_FAILED), 0, "%s", why);
    stop(0);
}

Test(lists_worker, may_be_stopped_at_any_moment)
{
    for (uint64_t calls = 0; calls < 30; calls++) {
        start(0, (struct lists_worker_config){.trim_ms = 2});
        cr_assert(WAIT_UNTIL(ALL_MS, counter_get(&worked[0]->stats.calls) >= calls));
        lists_worker_wake(&worked[0]->worker);
        stop(0);
    }
}

Test(lists_worker, makes_old_lists_again_while_there_is_nothing_else_to_do)
{
    start(0, (struct lists_worker_config){.older_than = "1 hour"});
    cr_assert(WAIT_UNTIL(ALL_MS, queued() == 0 && without_list() == 0));
    test_sql(url,
             "update related_made set made_at = now() - interval '2 hours' where article_id <= 20;"
             "update related_made set analysis = analysis - 1 where article_id between 31 and 40");
    lists_worker_wake(&worked[0]->worker);
    const char *old = "select count(*) from related_made where made_at < now() - interval '1 hour'"
                      " or analysis < (select max(analysis) from related_made)";
    cr_expect(WAIT_UNTIL(ALL_MS, test_sql_number(url, old) == 0));
    cr_expect_eq(test_sql_number(url, "select count(*) from related_made"), N);
    stop(0);
}

static void on_answered(struct lists_question *question)
{
    free(question->json);
    question->json = NULL;
    question->article = -question->article; /* the test's mark */
}

/* The worker has no connection, so it answers nothing. */
Test(lists_worker, keeps_a_few_questions_until_they_are_answered_or_forgotten)
{
    struct lists_question questions[LISTS_MAX_QUESTIONS + 1];

    free(url);
    url = strdup("postgresql://127.0.0.1:1/nowhere");
    start(0, (struct lists_worker_config){0});
    struct lists_worker *worker = &worked[0]->worker;
    for (int i = 0; i <= LISTS_MAX_QUESTIONS; i++) {
        questions[i] = (struct lists_question){.article = i + 1, .on_answered = on_answered};
        cr_expect_eq(lists_worker_ask(worker, &questions[i]), i < LISTS_MAX_QUESTIONS);
    }
    cr_expect(lists_worker_forget(worker, &questions[3]));
    cr_expect_not(lists_worker_forget(worker, &questions[3]), "it does not wait any more");
    cr_expect(lists_worker_ask(worker, &questions[LISTS_MAX_QUESTIONS]), "there is room again");
    lists_worker_stop(worker);
    for (int i = 0; i <= LISTS_MAX_QUESTIONS; i++) {
        cr_expect_eq(questions[i].article, i == 3 ? 4 : -(i + 1), "question %d", i);
        cr_expect(i == 3 || questions[i].explained == LISTS_EXPLAIN_FAILED);
    }
    cr_expect_not(lists_worker_ask(worker, &questions[3]), "it has stopped");
    db_conninfo_destroy(worked[0]->conninfo);
}
