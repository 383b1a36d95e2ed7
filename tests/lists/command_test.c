/* broadsheet relate: the program makes related lists without a server. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "import/relate_command.h"
#include "tests/support/database.h"
#include "tests/support/process.h"

static char *url;

static void begin(void)
{
    url = test_database_create();
    test_sql(url,
             "insert into sections (name) values ('News');"
             "insert into articles (id, slug, section_id, published_at, title, body)"
             " select i, 'a-' || i, 1, now() - i * interval '1 day', 'Heron ' || i, 'Pond ' || i"
             " from generate_series(1, 120) i");
}

static void end(void)
{
    free(url);
}

TestSuite(relate_command, .init = begin, .fini = end, .timeout = 120);

static long lists(void)
{
    return test_sql_number(url, "select count(distinct article_id) from article_related");
}

Test(relate_command, works_until_the_queue_is_empty)
{
    cr_expect_eq(relate_command(url, 50, false), 0);
    cr_expect_eq(test_sql_number(url, "select count(*) from related_queue"), 0);
    cr_expect_eq(lists(), 120);
    cr_expect_eq(relate_command(url, 50, false), 0, "there is nothing to do");
}

Test(relate_command, makes_every_list_again_where_it_is_asked_to)
{
    cr_expect_eq(relate_command(url, 50, false), 0);
    test_sql(url, "update related_made set made_at = '2000-01-01Z'");
    cr_expect_eq(relate_command(url, 50, false), 0);
    const char *old = "select count(*) from related_made where made_at = '2000-01-01Z'";
    cr_expect_eq(test_sql_number(url, old), 120);
    cr_expect_eq(relate_command(url, 50, true), 0);
    cr_expect_eq(test_sql_number(url, old), 0);
    cr_expect_eq(test_sql_number(url, "select narticles from related_languages"), 120,
                 "each article is counted once");
}

Test(relate_command, fails_where_there_is_no_database)
{
    cr_expect_eq(relate_command("postgresql://127.0.0.1:1/none", 50, false), 1);
    cr_expect_eq(relate_command("postgresql://[", 50, false), 1);
}

Test(relate_command, goes_on_where_it_was_interrupted)
{
    const char *program = getenv("BROADSHEET_TEST_PROGRAM");
    cr_assert_not_null(program);
    for (int i = 0; i < 20 && test_sql_number(url, "select count(*) from related_queue") > 0; i++) {
        const char *const argv[] = {program, "relate", "--database-url", url, "--import-chunk",
                                    "1",     NULL};
        pid_t pid = test_process_start(&(struct test_process_spec){.argv = argv});
        while (test_sql_number(url, "select count(*) from article_terms") < 6 * (i + 1) &&
               test_sql_number(url, "select count(*) from related_queue") > 0)
            ;
        test_process_kill(pid);
    }
    cr_expect_eq(relate_command(url, 50, false), 0);
    cr_expect_eq(lists(), 120);
    cr_expect_eq(test_sql_number(url, "select narticles from related_languages"), 120);
}
