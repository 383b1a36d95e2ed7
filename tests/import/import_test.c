/* The import command with a real database: the rows that it writes, its messages, and the rows that it
 * leaves unchanged. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import/import.h"
#include "tests/import/run.h"
#include "tests/support/database.h"
#include "tests/support/fail.h"

static char *url;

static void begin(void)
{
    url = test_database_create();
}

static void end(void)
{
    free(url);
}

TestSuite(import, .init = begin, .fini = end, .timeout = 120);

#define REST "\"body\":\"b\",\"section\":\"s\",\"published_at\":\"2024-01-01T00:00:00Z\"}\n"

static void expect_value(const char *want, const char *sql)
{
    char *value = test_sql_value(url, "%s", sql);

    cr_expect_str_eq(value, want, "%s: %s", sql, value);
    free(value);
}

Test(import, every_field_is_stored_unchanged)
{
    const char line[] =
        "{\"id\":77,\"slug\":\"odd-1\",\"title\":\"He said \\\"no\\\\yes\\\" "
        "</script>\",\"summary\":null,"
        "\"body\":\"tab\\there\\nnew \\u0001\\u001f \xE2\x80\xA8 \xF0\x9F\x97\x9E \\\\. "
        "end\",\"section\":\"Ärger\","
        "\"tags\":[\"C\",\"{a,\\\"b\\\"}\",\"NULL\"],\"authors\":[\"李 雷\",\"Zoë Ångström\"],"
        "\"published_at\":\"2024-03-10T01:30:00.250-05:30\"}";

    cr_assert_eq(import_of_text(url, line, NULL), 0);
    expect_value("1", "select id from articles");
    expect_value("He said \"no\\yes\" </script>", "select title from articles");
    expect_value("t",
                 "select body = E'tab\\there\\nnew \\u0001\\u001f \\u2028 \\U0001F5DE \\\\. end'"
                 " and summary is null and version = 1 and status = 'published' from articles");
    expect_value("2024-03-10 07:00:00.25", "select published_at at time zone 'UTC' from articles");
    expect_value("Ärger", "select s.name from articles a join sections s on s.id = a.section_id");
    expect_value("C,NULL,{a,\"b\"}", "select string_agg(name, ',' order by name collate \"C\")"
                                     " from article_tags join tags on id = tag_id");
    expect_value("1 李 雷,2 Zoë Ångström",
                 "select string_agg(position || ' ' || name, ',' order by position)"
                 " from article_authors join authors on id = author_id");
    expect_value("t", "select bool_and(t.published_at = a.published_at)"
                      " from article_tags t join articles a on a.id = article_id");
}

#define ITEM(fields) "{\"slug\":\"a\",\"title\":\"t\"," fields "," REST

static void expect_optional(const char *image, const char *language, const char *corrections)
{
    expect_value(image, "select concat_ws('|', image_url, image_alt, image_credit, image_width,"
                        " image_height) from articles");
    expect_value(language, "select language from articles");
    expect_value(corrections, "select string_agg(c->>'text' || '@' || (c->>'at'), '|' order by n)"
                              " from articles, jsonb_array_elements(corrections)"
                              " with ordinality as x (c, n)");
}

Test(import, image_language_and_corrections_are_stored_and_removed_when_a_line_has_none)
{
    cr_assert_eq(
        import_of_text(url,
                       ITEM("\"image\":{\"url\":\"https://example.org/"
                            "a.jpg?b=\\u00e9\",\"alt\":\"A \\\"b\\\"\","
                            "\"credit\":\"\",\"width\":640,\"height\":480},\"language\":\"DE-ch\","
                            "\"corrections\":[{\"text\":\"b "
                            "\\\"\\\\\",\"at\":\"2024-03-10T01:30:00.25-05:30\"},"
                            "{\"text\":\"a\",\"at\":\"2024-01-01T00:00:00Z\"}]"),
                       NULL),
        0);
    expect_optional("https://example.org/a.jpg?b=é|A \"b\"||640|480", "de-CH",
                    "b \"\\@2024-03-10T07:00:00.250Z|a@2024-01-01T00:00:00Z");

    cr_assert_eq(import_of_text(url, ITEM("\"image\":{\"url\":\"http://a\"}"), NULL), 0);
    expect_optional("http://a", "", "");
    expect_value("t", "select image_alt is null and image_width is null and language is null"
                      " and corrections = '[]' from articles");
    cr_assert_eq(import_of_text(url, ITEM("\"more\":1"), NULL), 0);
    expect_value("t", "select image_url is null and version = 3 from articles");
}

Test(import, names_in_different_spellings_of_the_same_characters_are_one_name)
{
    static const char *const lines[] = {
        ITEM("\"tags\":[\" a\",\"Zoe\xCC\x88\"],\"authors\":[\"Zo\xC3\xAB\",\"Zoe\\u0308 \"]"),
        ITEM("\"tags\":[\"a\",\"Zo\xC3\xAB\"],\"authors\":[\"\\tZoe\xCC\x88\"]"),
        ITEM("\"tags\":[\"\\u3000a\",\"a\",\"Zo\xC3\xAB\\u00a0\"],\"authors\":[\"Zo\\u00eb\"]"),
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        cr_assert_eq(import_of_text(url, lines[i], NULL), 0);
    expect_value("Zo\xC3\xAB", "select string_agg(name, '|') from authors");
    expect_value("Zo\xC3\xAB|a", "select string_agg(name, '|' order by id) from tags");
    expect_value("1", "select version from articles");
}

Test(import, a_byte_order_mark_and_blank_lines_are_no_errors)
{
    char *said;

    cr_expect_eq(import_of_text(url,
                                "\xEF\xBB\xBF{\"slug\":\"a\",\"title\":\"t\"," REST " \t\r\n   \n\n"
                                "{\"slug\":\"b\",\"title\":\"t\"," REST "\t",
                                &said),
                 0);
    cr_expect_not_null(strstr(said, "imported 2 articles, 0 unchanged, 0 bad lines"), "%s", said);
    free(said);
    cr_expect_eq(import_of_text(url, "\xEF\xBB\xBF", NULL), 0);
}

Test(import, bad_lines_are_reported_and_good_ones_are_stored)
{
    const char *name = import_file_with("{\"slug\":\"a\",\"title\":\"t\"," REST "{not json\n"
                                        "\n\r\n"
                                        "{\"slug\":\"12\",\"title\":\"t\"," REST
                                        "{\"slug\":\"b\",\"title\":\"t\"," REST "[]");
    char *said, *want = test_format("%s:2: not JSON", name);

    cr_expect_eq(import_of_file(url, name, &said), 1);
    cr_expect(strstr(said, want) == said, "%s", said);
    free(want);
    want = test_format("\n%s:5: slug has no letter", name);
    cr_expect_not_null(strstr(said, want), "%s", said);
    free(want);
    want = test_format("\n%s:7: not a JSON object\nimported 2 articles, 0 unchanged, 3 bad lines",
                       name);
    cr_expect_not_null(strstr(said, want), "%s", said);
    free(want);
    free(said);
    expect_value("a b", "select string_agg(slug, ' ' order by id) from articles");
}

Test(import, a_line_beyond_16_mib_is_bad_and_the_next_one_good)
{
    const char *name = import_file_with("{\"slug\":\"a\",\"title\":\"t\",\"more\":\"");
    size_t bytes = 17 << 20;
    char *filler = malloc(bytes), *said;

    memset(filler, 'x', bytes);
    import_file_append(name, filler, bytes);
    import_file_append(name, "\"," REST, strlen("\"," REST));
    import_file_append(name, "{\"slug\":\"b\",\"title\":\"t\"," REST,
                       strlen("{\"slug\":\"b\",\"title\":\"t\"," REST));
    cr_expect_eq(import_of_file(url, name, &said), 1);
    cr_expect_not_null(strstr(said, ":1: the line has more than"), "%s", said);
    expect_value("b", "select string_agg(slug, ' ') from articles");
    free(said);
    free(filler);
}

Test(import, a_body_of_nearly_16_mib_is_stored)
{
    const char *name = import_file_with("{\"slug\":\"a\",\"title\":\"t\",\"section\":\"s\","
                                        "\"published_at\":\"2024-01-01T00:00:00Z\",\"body\":\"");
    size_t bytes = (16 << 20) - 200;
    char *body = malloc(bytes);

    memset(body, 'x', bytes);
    import_file_append(name, body, bytes);
    import_file_append(name, "\"}", 2);
    cr_expect_eq(import_of_file(url, name, NULL), 0);
    cr_expect_eq(test_sql_number(url, "select octet_length(body) from articles"), (long)bytes);
    free(body);
}

Test(import, a_missing_file_is_reported_and_the_others_are_stored)
{
    char *const names[] = {"/tmp/absent.ndjson", "/",
                           (char *)import_file_with("{\"slug\":\"a\",\"title\":\"t\"," REST)};

    cr_expect_eq(import_run(url, import_chunk, names, 3), 1);
    expect_value("1", "select count(*) from articles");
}

Test(import, a_database_without_the_schema_is_reported)
{
    char *empty = test_database_create_empty(), *said;

    cr_expect_eq(import_of_text(empty, "{\"slug\":\"a\",\"title\":\"t\"," REST, &said), 1);
    cr_expect_not_null(strstr(said, "./dev migrate"), "%s", said);
    free(said);
    free(empty);
}

Test(import, the_same_file_again_changes_nothing)
{
    const char *name = import_file_of("x", 70, "t");
    char *said;

    cr_assert_eq(import_of_file(url, name, NULL), 0);
    test_sql(url, "create table before as select *, xmin::text as writer from articles");
    cr_assert_eq(import_of_file(url, name, &said), 0);
    cr_expect_not_null(strstr(said, "imported 0 articles, 70 unchanged, 0 bad lines"), "%s", said);
    free(said);
    cr_expect_eq(
        test_sql_number(
            url,
            "select count(*) from before b join articles a using (id)"
            " where (a.xmin::text, a.version, a.updated_at) = (b.writer, b.version, b.updated_at)"),
        70);
    cr_expect_eq(test_sql_number(url, "select count(*) from related_queue"), 0);
}

Test(import, ids_count_the_lines_from_1)
{
    cr_assert_eq(import_of_file(url, import_file_of("x", 70, "t"), NULL), 0);
    cr_expect_eq(test_sql_number(url, "select count(*) from articles where slug = 'x-' || id - 1"),
                 70);
}

Test(import, two_lines_with_the_same_slug_make_one_article_with_the_values_of_the_last_line)
{
    char *said;

    cr_assert_eq(import_of_text(url,
                                "{\"slug\":\"a\",\"title\":\"first\"," REST
                                "{\"slug\":\"a\",\"title\":\"second\"," REST,
                                &said),
                 0);
    cr_expect_not_null(strstr(said, "imported 1 articles, 1 unchanged"), "%s", said);
    free(said);
    expect_value("second 1", "select title || ' ' || version from articles");
}

/* Imports an article, and then the same article with one difference. */
static void expect_update(const char *before, const char *after)
{
    char *first = test_format("{\"slug\":\"u\",%s}", before),
         *second = test_format("{\"slug\":\"u\",%s}", after);

    test_sql(url, "delete from articles");
    cr_assert_eq(import_of_text(url, first, NULL), 0);
    test_sql(url, "update articles set status = 'withdrawn', updated_at = '2001-01-01'");
    cr_assert_eq(import_of_text(url, first, NULL), 0);
    cr_expect_eq(test_sql_number(url, "select version from articles"), 1);
    cr_assert_eq(import_of_text(url, second, NULL), 0);
    cr_expect_eq(test_sql_number(
                     url, "select count(*) from articles where version = 2 and status = 'withdrawn'"
                          " and updated_at > now() - interval '1 hour'"),
                 1, "%s", after);
    cr_assert_eq(import_of_text(url, second, NULL), 0);
    cr_expect_eq(test_sql_number(url, "select version from articles"), 2, "%s", after);
    free(first);
    free(second);
}

#define ALL(title, summary, body, section, tags, authors, at)                                      \
    "\"title\":\"" title "\",\"summary\":" summary ",\"body\":\"" body "\",\"section\":\"" section \
    "\",\"tags\":" tags ",\"authors\":" authors ",\"published_at\":\"" at "\""

Test(import, any_difference_makes_a_new_version_and_keeps_the_status)
{
    static const char before[] =
        ALL("t", "\"y\"", "b", "s", "[\"a\",\"b\"]", "[\"x\",\"y\"]", "2024-01-01T00:00:00Z");

    expect_update(before, ALL("T", "\"y\"", "b", "s", "[\"a\",\"b\"]", "[\"x\",\"y\"]",
                              "2024-01-01T00:00:00Z"));
    expect_update(before, ALL("t", "\"\"", "b", "s", "[\"a\",\"b\"]", "[\"x\",\"y\"]",
                              "2024-01-01T00:00:00Z"));
    expect_update(before, ALL("t", "null", "b", "s", "[\"a\",\"b\"]", "[\"x\",\"y\"]",
                              "2024-01-01T00:00:00Z"));
    expect_update(before, ALL("t", "\"y\"", "", "s", "[\"a\",\"b\"]", "[\"x\",\"y\"]",
                              "2024-01-01T00:00:00Z"));
    expect_update(before, ALL("t", "\"y\"", "b", "S", "[\"a\",\"b\"]", "[\"x\",\"y\"]",
                              "2024-01-01T00:00:00Z"));
    expect_update(before,
                  ALL("t", "\"y\"", "b", "s", "[\"a\"]", "[\"x\",\"y\"]", "2024-01-01T00:00:00Z"));
    expect_update(before,
                  ALL("t", "\"y\"", "b", "s", "null", "[\"x\",\"y\"]", "2024-01-01T00:00:00Z"));
    expect_update(before, ALL("t", "\"y\"", "b", "s", "[\"a\",\"b\"]", "[\"y\",\"x\"]",
                              "2024-01-01T00:00:00Z"));
    expect_update(before,
                  ALL("t", "\"y\"", "b", "s", "[\"a\",\"b\"]", "[]", "2024-01-01T00:00:00Z"));
    expect_update(before, ALL("t", "\"y\"", "b", "s", "[\"a\",\"b\"]", "[\"x\",\"y\"]",
                              "2024-01-01T00:00:00.000001Z"));
#define MORE(field) \
    ALL("t", "\"y\"", "b", "s", "[\"a\",\"b\"]", "[\"x\",\"y\"]", "2024-01-01T00:00:00Z") "," field
    expect_update(before, MORE("\"image\":{\"url\":\"http://a\"}"));
    expect_update(MORE("\"image\":{\"url\":\"http://a\"}"),
                  MORE("\"image\":{\"url\":\"http://a\",\"alt\":\"\"}"));
    expect_update(MORE("\"image\":{\"url\":\"http://a\"}"),
                  MORE("\"image\":{\"url\":\"http://a\",\"credit\":\"c\"}"));
    expect_update(MORE("\"image\":{\"url\":\"http://a\"}"),
                  MORE("\"image\":{\"url\":\"http://a\",\"width\":1}"));
    expect_update(MORE("\"image\":{\"url\":\"http://a\"}"),
                  MORE("\"image\":{\"url\":\"http://a\",\"height\":1}"));
    expect_update(MORE("\"image\":{\"url\":\"http://a\"}"), before);
    expect_update(before, MORE("\"language\":\"en\""));
    expect_update(MORE("\"language\":\"en\""), before);
#define CORRECTION(text, second) "{\"text\":\"" text "\",\"at\":\"2024-01-01T00:00:0" second "Z\"}"
    expect_update(before, MORE("\"corrections\":[" CORRECTION("x", "0") "]"));
    expect_update(MORE("\"corrections\":[" CORRECTION("x", "0") "]"),
                  MORE("\"corrections\":[" CORRECTION("x", "1") "]"));
    expect_update(MORE("\"corrections\":[" CORRECTION("x", "0") "," CORRECTION("y", "0") "]"),
                  MORE("\"corrections\":[" CORRECTION("y", "0") "," CORRECTION("x", "0") "]"));
    expect_update(MORE("\"corrections\":[" CORRECTION("x", "0") "]"), before);

    expect_update(before, ALL("t", "\"y\"", "b", "s", "[\"a\",\"b\"]", "[\"x\",\"y\"]",
                              "2024-01-01T00:00:00.000001Z"));
    expect_value("2024-01-01 00:00:00.000001",
                 "select max(published_at at time zone 'UTC') from article_tags");
}

/* The import writes the rows for readers once for each chunk. All other writers do it in each
 * statement. */
Test(import, readers_get_the_content_of_the_tables)
{
    static const char *const titles[] = {"t", "changed"};
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(import_of_file(url, import_file_of("x", 70, titles[i]), NULL), 0);
        expect_value("70", "select count(*) from article_views");
        expect_value("0", "select count(*) from article_views v"
                          " full join article_views_of(array(select id from articles)) w"
                          " using (article_id)"
                          " where (v.status, v.document) is distinct from (w.status, w.document)");
        expect_value("0", "select count(*) from article_cards c"
                          " full join article_cards_of(array(select id from articles)) w"
                          " using (article_id) where c.card is distinct from w.card");
        expect_value("70", "select count(*) from related_views");
        expect_value("0",
                     "select count(*) from related_views v"
                     " full join related_views_of(array(select id from articles)) w"
                     " using (article_id)"
                     " where (v.depends_on, v.cards) is distinct from (w.depends_on, w.cards)");
        expect_value("0", "select count(*) from stale_marks");
    }
}

Test(import, the_order_of_tags_makes_no_new_version)
{
    cr_assert_eq(
        import_of_text(url, "{\"slug\":\"a\",\"title\":\"t\",\"tags\":[\"x\",\"y\"]," REST, NULL),
        0);
    cr_assert_eq(
        import_of_text(url, "{\"slug\":\"a\",\"title\":\"t\",\"tags\":[\"y\",\"x\"]," REST, NULL),
        0);
    cr_expect_eq(test_sql_number(url, "select version from articles"), 1);
}

Test(import, a_row_that_the_database_refuses_is_reported_by_its_line_and_the_others_are_stored)
{
    const char *name = import_file_of("x", 70, "t");
    char *said, *want = test_format("%s:51: the database refuses it: ", name);

    test_sql(url, "alter table articles add constraint no_x_50 check (slug <> 'x-50')");
    cr_expect_eq(import_of_file(url, name, &said), 1);
    cr_expect_not_null(strstr(said, want), "%s", said);
    cr_expect_not_null(strstr(said, "imported 69 articles, 0 unchanged, 1 bad lines"), "%s", said);
    cr_expect_eq(test_sql_number(url, "select count(*) from articles"), 69);
    free(want);
    free(said);
}
