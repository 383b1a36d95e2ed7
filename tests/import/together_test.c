/* Several imports at the same time, and imports that are killed. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/import/run.h"
#include "tests/support/database.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

static char *url;

static void begin(void)
{
    url = test_database_create();
}

static void end(void)
{
    free(url);
}

TestSuite(together, .init = begin, .fini = end, .timeout = 120);

enum { PATIENCE_MS = 60000 };

static void expect_whole_articles(void)
{
    cr_expect_eq(
        test_sql_number(url,
                        "select count(*) from articles a where (select count(*) from article_tags t"
                        " where t.article_id = a.id and t.published_at = a.published_at) <> 3"),
        0);
    cr_expect_eq(test_sql_number(
                     url,
                     "select count(*) from articles a where (select count(*) from article_authors t"
                     " where t.article_id = a.id) <> 1"),
                 0);
}

static void expect_success(const pid_t *pids, int n)
{
    for (int i = 0; i < n; i++) {
        int status = -1;
        cr_assert(test_process_wait(pids[i], PATIENCE_MS, &status));
        cr_expect_eq(status, 0, "import %d: %d", i, status);
    }
}

Test(together, four_imports_of_the_same_file_make_each_article_once)
{
    const char *name = import_file_of("x", 70, "t");
    pid_t pids[4];

    for (int i = 0; i < 4; i++)
        pids[i] = import_start(url, name);
    expect_success(pids, 4);
    cr_expect_eq(test_sql_number(url, "select count(*) from articles"), 70);
    cr_expect_eq(test_sql_number(url, "select max(version) from articles"), 1);
    cr_expect_eq(test_sql_number(url, "select count(*) from related_queue"), 0);
    cr_expect_eq(test_sql_number(url, "select count(*) from (select from article_related group by "
                                      "article_id having count(*) >= 3) f"),
                 70);
    cr_expect_eq(test_sql_number(url, "select count(*) from tags"), 50 + 40 + 30);
    expect_whole_articles();
}

Test(together, four_updates_by_the_same_file_make_one_version)
{
    const char *before = import_file_of("x", 70, "t"), *after = import_file_of("x", 70, "T");
    pid_t pids[4];

    cr_assert_eq(import_of_file(url, before, NULL), 0);
    for (int i = 0; i < 4; i++)
        pids[i] = import_start(url, after);
    expect_success(pids, 4);
    cr_expect_eq(
        test_sql_number(url, "select count(*) from articles where version = 2 and title = 'T'"),
        70);
    expect_whole_articles();
}

/* The same articles in both orders: the imports wait for each other's locks in the middle. */
Test(together, imports_in_opposite_order_both_end_well)
{
    enum { ARTICLES = 300 };
    import_chunk = 250;
    const char *forward = import_file_of("x", ARTICLES, "one"), *backward = import_file_with("");
    FILE *file = fopen(backward, "we");
    pid_t pids[4];

    for (int i = ARTICLES - 1; i >= 0; i--)
        fprintf(file,
                "{\"slug\":\"x-%d\",\"title\":\"two\",\"body\":\"b\",\"section\":\"S "
                "%d\",\"tags\":[\"a %d\",\"z %d\",\"y %d\"],"
                "\"authors\":[\"A %d\"],\"published_at\":\"2023-01-01T00:00:00Z\"}\n",
                i, i % 5, i % 50, i % 40, i % 30, i % 9);
    fclose(file);
    for (int i = 0; i < 4; i++)
        pids[i] = import_start(url, i % 2 == 0 ? forward : backward);
    expect_success(pids, 4);
    cr_expect_eq(test_sql_number(url, "select count(*) from articles"), ARTICLES);
    expect_whole_articles();
}

Test(together, an_import_killed_at_any_moment_leaves_whole_articles_and_the_next_one_completes)
{
    const char *name = import_file_of("x", 210, "t");

    for (long articles = 0; articles < 210; articles += 60) {
        pid_t pid = import_start(url, name);
        cr_assert(WAIT_UNTIL(PATIENCE_MS,
                             test_sql_number(url, "select count(*) from articles") > articles));
        kill(pid, SIGKILL);
        cr_assert_eq(waitpid(pid, NULL, 0), pid);
        expect_whole_articles();
    }
    cr_assert_eq(import_of_file(url, name, NULL), 0);
    cr_expect_eq(test_sql_number(url, "select count(*) from articles where version = 1"), 210);
    cr_expect_eq(test_sql_number(url, "select count(*) from related_queue"), 0);
    cr_expect_eq(test_sql_number(url, "select count(distinct article_id) from article_related"),
                 210);
}

Test(together, an_import_killed_while_it_makes_lists_loses_nothing_of_the_queue)
{
    const char *name = import_file_of("x", 160, "t");

    pid_t pid = import_start(url, name);
    cr_assert(
        WAIT_UNTIL(PATIENCE_MS, test_sql_number(url, "select count(*) from article_related") > 0));
    kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    cr_assert_eq(import_of_text(url, "", NULL), 0);
    cr_expect_eq(test_sql_number(url, "select count(*) from related_queue"), 0);
    cr_expect_eq(test_sql_number(url, "select count(distinct article_id) from article_related"),
                 160);
}

Test(together, a_lost_database_ends_the_import_with_status_1)
{
    pid_t pid = import_start(url, import_file_of("x", 8000, "t"));
    int status = -1;

    cr_assert(WAIT_UNTIL(PATIENCE_MS, test_sql_number(url, "select count(*) from articles") > 0));
    test_sql(url, "select pg_terminate_backend(pid) from pg_stat_activity"
                  " where application_name = 'broadsheet import' and datname = current_database()");
    cr_assert(test_process_wait(pid, PATIENCE_MS, &status));
    cr_expect_eq(status, 1);
    expect_whole_articles();
}
