/* The migrations, run by the tool that users run.
 *
 * A schema is compared as the text that pg_dump writes of it: whatever a step leaves behind or forgets
 * to bring back is a difference in this text. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/database.h"
#include "tests/support/process.h"
#include "tests/support/site.h"

TestSuite(migrations, .timeout = 60);

static char *schema_of(const char *url);
static char *objects_of(const char *url);
static void expect_same_schema(const char *schema, const char *expected);

Test(migrations, come_up_go_down_and_come_up_again)
{
    char *url = test_database_create_empty();

    test_database_migrate(url, "up");
    char *first = schema_of(url);
    cr_assert(strstr(first, "CREATE TABLE public.articles") != NULL, "no table articles: %s",
              first);

    test_database_migrate(url, "down");
    char *left = objects_of(url);
    cr_expect_str_eq(left, "", "left behind by the steps down: %s", left);

    test_database_migrate(url, "up");
    char *second = schema_of(url);
    expect_same_schema(second, first);

    free(second);
    free(left);
    free(first);
    free(url);
}

/* What readers get of all articles, whatever the tables of the read model are. */
static char *read_model_of(const char *url)
{
    return test_sql_value(url, "select md5(string_agg(v::text, ' ' order by v.article_id)) || ' '"
                               " || (select md5(string_agg(r::text, ' ' order by r.article_id))"
                               "     from related_views r) from article_views v");
}

static void step_down(const char *url)
{
    free(test_output_of(
        (const char *[]){BROADSHEET_SOURCE_DIR "/tools/migrate", url, "down", NULL}));
}

Test(migrations, make_the_read_model_of_the_articles_that_are_there)
{
    char *url = test_database_create();
    test_articles_insert(url);
    test_sql(url, "update articles set status = 'withdrawn' where id = 5;"
                  "delete from article_related where article_id in (7, 8);"
                  "select related_views_refresh(1000)");
    char *before = read_model_of(url);

    while (test_sql_number(
        url, "select count(*) from to_regclass('related_views') r where r is not null"))
        step_down(url);
    cr_expect_eq(test_sql_number(url, "select count(*) from article_views where tail is not null"),
                 SITE_ARTICLES);
    test_database_migrate(url, "up");

    char *after = read_model_of(url);
    cr_expect_str_eq(after, before);
    cr_expect_eq(test_sql_number(url, "select count(*) from related_views"), SITE_ARTICLES - 2);
    cr_expect_eq(test_sql_number(url, "select count(*) from related_stale"), 0);
    free(after);
    free(before);
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

/* Without the lines that newer pg_dumps put around it, with a key that is another one each time. */
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

/* All that is in the schema public, but for the table in which the migration tool keeps its own. Types
 * of tables and indexes of constraints go with what they belong to. */
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
