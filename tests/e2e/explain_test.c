/* GET /articles/{id}/related?explain=1 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lists/worker.h"
#include "tests/e2e/metric.h"
#include "tests/support/fail.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"

enum { READY_MS = 5000 };

static struct test_site site;

static struct http_answer get(const char *path)
{
    return http_get(site.server, path);
}

static bool is_explained(const char *path)
{
    struct http_answer a = get(path);
    bool is_explained = a.status == 200;
    http_answer_finish(&a);
    return is_explained;
}

static void open_with(const char *deadline)
{
    const char *const env[] = {deadline, NULL};

    site.url = test_database_create();
    test_sql(site.url,
             "insert into sections (name) values ('News');"
             "insert into articles (id, slug, title, section_id, body, published_at)"
             " select n, 'article-' || n, 'Article ' || n, 1, "
             " (array['pier quay', 'beach dune', 'cliff rock', 'marina yacht', 'mole wall',"
             "        'spit sand', 'jetty boat', 'lock gate', 'canal barge'])[n] || ' storm', now()"
             " from generate_series(1, 9) n");
    site.server = test_server_start(site.url, env, NULL);
    cr_assert(WAIT_UNTIL(READY_MS, is_explained("/articles/3/related?explain=1")));
}

static void open_site(void)
{
    open_with("BROADSHEET_DEADLINE_MS=1500");
}

static void open_patient_site(void)
{
    open_with("BROADSHEET_DEADLINE_MS=20000");
}

static void close_site(void)
{
    test_site_close(&site);
}

TestSuite(explanations, .init = open_site, .fini = close_site, .timeout = 60);
TestSuite(patient_explanations, .init = open_patient_site, .fini = close_site, .timeout = 60);

static void expect_status(const char *path, int status)
{
    struct http_answer a = get(path);
    expect_problem(&a, status, path);
    http_answer_finish(&a);
}

Test(explanations, are_given_and_never_kept)
{
    struct http_answer a = get("/articles/3/related?explain=1");

    cr_assert_eq(a.status, 200, "%s", a.body);
    cr_assert_not_null(a.json, "%s", a.body);
    cr_expect_str_eq(http_field(&a, "content-type"), "application/json");
    cr_expect_str_eq(http_field(&a, "cache-control"), "no-store");
    cr_expect_null(http_field(&a, "etag"));
    cr_expect_neq(answer_number(&a, "/related_articles/0/id"), -1);
    cr_expect_not_null(answer_text(&a, "/related_articles/0/explanation/score"));
    cr_expect_not_null(answer_text(&a, "/related_articles/0/explanation/parts/words"));
    cr_expect_not_null(answer_text(&a, "/left_out"));
    http_answer_finish(&a);
}

Test(explanations, have_the_errors_of_the_list)
{
    test_sql(site.url, "update articles set status = 'withdrawn' where id = 9");
    expect_status("/articles/999999/related?explain=1", 404);
    expect_status("/articles/9/related?explain=1", 410);
    expect_status("/articles/3/related?explain=0", 400);
    expect_status("/articles/3/related?explain=", 400);
    expect_status("/articles/3?explain=1", 400);
    expect_status("/articles/0/related?explain=1", 400);
    struct http_answer a = get("/articles/article-3/related?explain=1");
    cr_expect_eq(a.status, 302);
    cr_expect_str_eq(http_field(&a, "location"), "/articles/3/related?explain=1");
    http_answer_finish(&a);
}

/* From now on, while the table has a row, an explanation ends only by the timeout of its statement. */
static void make_slow(void)
{
    cr_assert(
        WAIT_UNTIL(READY_MS, test_sql_number(site.url, "select count(*) from related_queue") == 0),
        "the server still makes lists");
    test_sql(site.url,
             "create table slow (); insert into slow default values;"
             "create or replace function related_vectors(ids bigint[]) returns setof related_vector"
             "  language plpgsql security definer as $$ begin"
             "  if exists (select from slow) then perform pg_sleep(60); end if;"
             "  return query select * from related_vectors_of(ids); end $$");
}

static bool is_asleep(void)
{
    return test_sql_number(site.url, "select count(*) from pg_stat_activity where datname ="
                                     " current_database() and wait_event = 'PgSleep'") > 0;
}

static struct http_connection ask(void)
{
    struct http_connection client = http_open(site.server);
    cr_assert(http_send(&client, "GET", "/articles/3/related?explain=1", NULL, NULL));
    return client;
}

Test(explanations, end_by_the_deadline)
{
    enum { MORE = LISTS_MAX_QUESTIONS + 4 };
    struct http_connection clients[MORE];
    int late = 0, refused = 0;

    make_slow();
    clients[0] = ask();
    cr_assert(WAIT_UNTIL(READY_MS, is_asleep()));
    for (int i = 1; i < MORE; i++)
        clients[i] = ask();
    for (int i = 0; i < MORE; i++) {
        struct http_answer a = http_receive(&clients[i], false);
        bool is_late = a.status == 504;
        expect_problem(&a, is_late ? 504 : 503, "an explanation");
        late += is_late;
        refused += strstr(a.body, "explanation-refused") != NULL;
        http_answer_finish(&a);
        http_close(&clients[i]);
    }
    cr_expect_eq(late + refused, MORE);
    cr_expect_gt(late, LISTS_MAX_QUESTIONS, "a question is refused though there is room");
    test_sql(site.url, "delete from slow");
    cr_expect(WAIT_UNTIL(READY_MS, is_explained("/articles/4/related?explain=1")));
}

static double in_flight(void)
{
    return metric_of(site.server, "broadsheet_http_requests_in_flight", "");
}

/* Requests for lists that have reached the server, answered or not. The other one in flight is for /metrics. */
static double arrived(void)
{
    return metric_of(site.server, "broadsheet_http_requests_total",
                     "route=\"/articles/{id}/related\"") +
           in_flight() - 1;
}

Test(patient_explanations, of_clients_that_left_make_room_for_others)
{
    struct http_connection clients[LISTS_MAX_QUESTIONS + 1];

    make_slow();
    double before = arrived();
    for (int i = 0; i <= LISTS_MAX_QUESTIONS; i++)
        clients[i] = ask();
    cr_assert(WAIT_UNTIL(READY_MS, arrived() - before >= LISTS_MAX_QUESTIONS + 1));
    for (int i = 0; i <= LISTS_MAX_QUESTIONS; i++)
        http_close(&clients[i]);
    cr_assert(WAIT_UNTIL(READY_MS, in_flight() == 1));
    for (int i = 0; i < LISTS_MAX_QUESTIONS; i++)
        clients[i] = ask();
    test_sql(site.url, "delete from slow");
    for (int i = 0; i < LISTS_MAX_QUESTIONS; i++) {
        struct http_answer a = http_receive(&clients[i], false);
        cr_expect_eq(a.status, 200, "%d: %d %s", i, a.status, a.body);
        http_answer_finish(&a);
        http_close(&clients[i]);
    }
}

Test(patient_explanations, that_wait_are_answered_when_the_server_stops)
{
    make_slow();
    struct http_connection first = ask(), second;
    cr_assert(WAIT_UNTIL(READY_MS, is_asleep()));
    second = ask();
    cr_expect(is_explained("/articles/5"), "the second request was read before this one");
    test_server_signal(site.server, SIGTERM);
    struct http_answer a = http_receive(&first, false), b = http_receive(&second, false);
    cr_expect_not_null(strstr(a.body, "explanation-failed"), "%s", a.body);
    cr_expect_not_null(strstr(b.body, "explanation-failed"), "%s", b.body);
    http_answer_finish(&a);
    http_answer_finish(&b);
    http_close(&first);
    http_close(&second);
}

static int explain_status(void)
{
    struct http_answer a = http_get(site.server, "/articles/3/related?explain=1");
    int status = a.status;
    http_answer_finish(&a);
    return status;
}

Test(patient_explanations, are_refused_at_once_without_a_database)
{
    char *cluster = test_cluster_url(), *name = test_url_part(site.url, "dbname");

    test_sql(cluster, "alter database %s allow_connections false", name);
    test_sql(cluster, "select pg_terminate_backend(pid) from pg_stat_activity where datname = '%s'",
             name);
    cr_expect(WAIT_UNTIL(READY_MS, explain_status() == 503));
    expect_status("/articles/3/related?explain=1", 503);
    test_sql(cluster, "alter database %s allow_connections true", name);
    cr_expect(WAIT_UNTIL(READY_MS, is_explained("/articles/4/related?explain=1")));
    free(cluster);
    free(name);
}

Test(explanations, that_fail_are_logged)
{
    test_sql(site.url, "create or replace function related_vectors(ids bigint[]) returns setof"
                       " related_vector language plpgsql security definer as"
                       " $$ begin raise exception 'the disk is gone'; end $$");
    expect_status("/articles/3/related?explain=1", 503);
    cr_expect(WAIT_UNTIL(READY_MS, test_server_has_logged(site.server, "explanation_failed")));
    cr_expect(test_server_has_logged(site.server, "the disk is gone"));
}
