/* GET /articles/{id}/related?explain=1 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lists/worker.h"
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

static void open_site(void)
{
    static const char *const env[] = {"BROADSHEET_DEADLINE_MS=1500", NULL};

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

static void close_site(void)
{
    test_site_close(&site);
}

TestSuite(explanations, .init = open_site, .fini = close_site, .timeout = 60);

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

/* The session that makes lists. */
static pid_t lists_backend(void)
{
    return (pid_t)test_sql_number(
        site.url,
        "select pid from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and query ~ 'work_marks|related_take|related_slow|from tags'"
        " order by backend_start limit 1");
}

Test(explanations, end_in_time_when_the_database_hangs_and_only_a_few_wait)
{
    enum { MORE = LISTS_MAX_QUESTIONS + 4 };
    struct http_connection clients[MORE];
    int late = 0, refused = 0;
    pid_t backend = lists_backend();

    kill(backend, SIGSTOP);
    for (int i = 0; i < MORE; i++) {
        clients[i] = http_open(site.server);
        cr_assert(http_send(&clients[i], "GET", "/articles/3/related?explain=1", NULL, NULL));
    }
    for (int i = 0; i < MORE; i++) {
        struct http_answer a = http_receive(&clients[i], false);
        expect_problem(&a, 503, "an explanation");
        late += strstr(a.body, "explanation-late") != NULL;
        refused += strstr(a.body, "too-many-explanations") != NULL;
        http_answer_finish(&a);
        http_close(&clients[i]);
    }
    cr_expect_eq(late + refused, MORE);
    cr_expect_geq(late, LISTS_MAX_QUESTIONS);
    cr_expect_leq(late, LISTS_MAX_QUESTIONS + 1, "one may be asked of the database already");
    cr_expect(is_served(site.server, 5), "an article waits");
    kill(backend, SIGCONT);
    cr_expect(WAIT_UNTIL(READY_MS, is_explained("/articles/4/related?explain=1")));
}

Test(explanations, of_clients_that_left_are_dropped)
{
    pid_t backend = lists_backend();

    kill(backend, SIGSTOP);
    for (int i = 0; i < 3; i++) {
        struct http_connection client = http_open(site.server);
        cr_assert(http_send(&client, "GET", "/articles/3/related?explain=1", NULL, NULL));
        http_close(&client);
    }
    cr_expect(is_served(site.server, 5));
    kill(backend, SIGCONT);
    cr_expect(WAIT_UNTIL(READY_MS, is_explained("/articles/4/related?explain=1")));
}

Test(explanations, that_wait_are_answered_when_the_server_stops)
{
    pid_t backend = lists_backend();
    struct http_connection client = http_open(site.server);

    kill(backend, SIGSTOP);
    cr_assert(http_send(&client, "GET", "/articles/3/related?explain=1", NULL, NULL));
    cr_expect(is_served(site.server, 5), "the request was read after this one");
    test_server_signal(site.server, SIGTERM);
    struct http_answer a = http_receive(&client, false);
    expect_problem(&a, 503, "an explanation");
    http_answer_finish(&a);
    http_close(&client);
    kill(backend, SIGCONT);
}
