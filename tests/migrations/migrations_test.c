/* The migrations, run with the tool that users run.
 *
 * A test compares schemas as the text that pg_dump writes. So the text differs when a step
 * leaves something behind, or forgets to make it again. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/database.h"
#include "tests/support/process.h"
#include "tests/support/site.h"

TestSuite(migrations, .timeout = 120);

static char *schema_of(const char *url);
static char *objects_of(const char *url);
static void expect_same_schema(const char *schema, const char *expected);

Test(migrations, run_up_and_down_and_up_again)
{
    char *url = test_database_create_empty();

    test_database_migrate(url, "up");
    char *first = schema_of(url);
    cr_assert(strstr(first, "CREATE TABLE public.articles") != NULL, "no table articles: %s",
              first);

    test_database_migrate(url, "down");
    char *left = objects_of(url);
    cr_expect_str_eq(left, "", "left by the steps down: %s", left);

    test_database_migrate(url, "up");
    char *second = schema_of(url);
    expect_same_schema(second, first);

    free(second);
    free(left);
    free(first);
    free(url);
}

static long functions_row(const char *url)
{
    return test_sql_number(url, "select xmin::text::bigint from schema_functions");
}

Test(migrations, apply_functions_only_when_they_differ)
{
    char *url = test_database_create();
    char *before = schema_of(url);
    long row = functions_row(url);
    test_database_migrate(url, "up");
    cr_expect_eq(functions_row(url), row, "the same functions are not applied again");

    test_sql(url, "update schema_functions set hash = 'other';"
                  "create or replace function text_json(t text) returns text"
                  " language sql stable parallel safe return 'x';"
                  "alter table articles disable trigger articles_update;"
                  "drop trigger tags_update on tags");
    test_database_migrate(url, "up");
    char *after = schema_of(url);
    expect_same_schema(after, before);
    free(after);
    free(before);
    free(url);
}

Test(migrations, make_a_dropped_or_disabled_trigger_again)
{
    char *url = test_database_create();
    char *before = schema_of(url);
    test_sql(url, "drop trigger article_tags_delete on article_tags;"
                  "alter table articles disable trigger user");
    test_database_migrate(url, "up");
    char *after = schema_of(url);
    expect_same_schema(after, before);
    free(after);
    /* Those that report no changes too. */
    test_sql(url, "drop trigger related_insert on articles;"
                  "alter table tags disable trigger tags_name");
    test_database_migrate(url, "up");
    after = schema_of(url);
    expect_same_schema(after, before);
    char *why = test_sql_value(url, "select change_log_unreliable()");
    cr_expect_str_empty(why, "%s", why);
    free(why);
    free(after);
    free(before);
    free(url);
}

/* Each writer commits 80 small transactions on several tables. Its status is not 0 when one failed. */
static pid_t start_writer(const char *url, int number)
{
    const char *argv[] = {"psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", "-", NULL};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    struct test_process_spec spec = {.argv = argv, .in = ends[0], .err = 2};
    pid_t pid = test_process_start(&spec);
    close(ends[0]);
    FILE *script = fdopen(ends[1], "w");
    for (int i = 0; i < 80; i++)
        fprintf(script,
                "begin; insert into tags (name) values ('Tag %d %d');"
                "insert into articles (slug, section_id, published_at, title, body)"
                " values ('a-%d-%d', 1, now(), 'Title', 'Body');"
                "insert into article_tags select a.id, t.id, a.published_at from articles a, tags t"
                " where a.slug = 'a-%d-%d' and t.name = 'Tag %d %d';"
                "update authors set name = 'Author %d %d' where id = %d; commit;\n",
                number, i, number, i, number, i, number, i, number, i, number);
    fclose(script);
    return pid;
}

Test(migrations, apply_functions_while_writers_run_and_no_writer_fails)
{
    enum { WRITERS = 3 };
    char *url = test_database_create();
    pid_t writers[WRITERS];
    test_sql(url, "insert into sections (name) values ('News');"
                  "insert into authors (name) values ('A'), ('B'), ('C')");
    for (int i = 0; i < WRITERS; i++)
        writers[i] = start_writer(url, i + 1);
    for (int i = 0; i < 3; i++) {
        test_sql(url, "update schema_functions set hash = 'other'");
        test_database_migrate(url, "up");
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;
        cr_assert(test_process_wait(writers[i], 60000, &status));
        cr_expect_eq(status, 0, "writer %d failed", i);
    }
    cr_expect_eq(test_sql_number(url, "select count(*) from article_views v"
                                      " join article_tags t using (article_id)"),
                 WRITERS * 80);
    free(url);
}

/* Like data that was written while triggers did not fire. */
Test(migrations, rebuild_derives_everything_from_the_articles)
{
    char *url = test_database_create();
    test_articles_insert(url);
    test_sql(url, "set session_replication_role = replica;"
                  "update articles set title = 'New' where id = 3; update sections set name = "
                  "'Town' where id = 1;"
                  "delete from article_tags where article_id = 4; truncate change_log");
    test_database_tool(url,
                       (const char *[]){BROADSHEET_SOURCE_DIR "/tools/migrate", "rebuild", NULL});
    cr_expect_eq(
        test_sql_number(url, "select count(*) from (select * from article_views except"
                             " select * from article_views_of(array(select id from articles))) d"),
        0);
    cr_expect_eq(test_sql_number(
                     url, "select count(*) from article_views where document like '%%\"New\"%%'"),
                 1);
    cr_expect_eq(test_sql_number(url, "select count(*) from change_log where key = 0"), 1,
                 "everything is reported");
    cr_expect_eq(test_sql_number(url, "select count(distinct article_id) from related_queue"),
                 test_sql_number(url, "select count(*) from articles where status = 'published'"));
    free(url);
}

Test(migrations, do_nothing_when_there_is_nothing_to_do)
{
    char *url = test_database_create();
    char *before = schema_of(url);
    test_sql(url, "insert into sections (name) values ('News')");

    test_database_migrate(url, "up");

    char *after = schema_of(url);
    expect_same_schema(after, before);
    cr_expect_eq(test_sql_number(url, "select count(*) from sections"), 1);
    free(after);
    free(before);
    free(url);
}

/* Without the lines of newer pg_dumps that have another random key each time. */
static char *schema_of(const char *url)
{
    char *dump =
        test_output_of((const char *[]){"pg_dump", "--schema-only", "--no-owner", "-d", url, NULL});
    for (char *line = dump; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "\\restrict ", 10) == 0 || strncmp(line, "\\unrestrict ", 12) == 0)
            memset(line, '-', strcspn(line, "\n"));
    }
    return dump;
}

static void expect_same_schema(const char *schema, const char *expected)
{
    size_t same = 0;
    while (schema[same] == expected[same] && schema[same] != '\0')
        same++;
    if (schema[same] == expected[same])
        return;
    while (same > 0 && schema[same - 1] != '\n')
        same--;
    cr_expect_fail("the schema is %.200s where it was %.200s", schema + same, expected + same);
}

/* All that is in the schema public, without the migration tool's own table. Types of tables and
 * indexes of constraints belong to their table. */
static char *objects_of(const char *url)
{
    return test_sql_value(
        url,
        "select coalesce(string_agg(what, ', '), '') from ("
        "  select 'relation ' || relname from pg_class where relnamespace = 'public'::regnamespace"
        "    and relname not in ('schema_migrations', 'schema_migrations_pkey')"
        "  union all select 'function ' || proname from pg_proc where pronamespace = "
        "'public'::regnamespace"
        "  union all select 'type ' || typname from pg_type where typnamespace = "
        "'public'::regnamespace"
        "    and typrelid = 0 and typelem = 0"
        "  union all select 'extension ' || extname from pg_extension where extname <> 'plpgsql'"
        "  union all select 'schema ' || nspname from pg_namespace where nspname !~ '^pg_' "
        "    and nspname not in ('public', 'information_schema')"
        ") objects(what)");
}
