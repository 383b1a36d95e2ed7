/* Names of sections, authors and tags, and their slugs. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/import/run.h"
#include "tests/support/database.h"
#include "tests/support/process.h"

static char *url;

static void begin(void)
{
    url = test_database_create();
}

static void end(void)
{
    free(url);
}

TestSuite(names, .init = begin, .fini = end, .timeout = 120);

static void expect_slug(const char *name, const char *want)
{
    char *slug = test_sql_value(url, "select slug from tags where name = clean_name('%s')", name);

    cr_expect_str_eq(slug, want, "%s: %s", name, slug);
    free(slug);
}

static void tag(const char *name)
{
    test_sql(url, "insert into tags (name) values ('%s')", name);
}

Test(names, a_slug_is_the_readable_part_of_the_name)
{
    static const char *const names[][2] = {
        {"News", "news"},
        {"Ärger und Liebe", "arger-und-liebe"},
        {"Crème   brûlée!", "creme-brulee"},
        {"Straße", "strasse"},
        {"Œuvre & Æon", "oeuvre-aeon"},
        {"Łódź", "lodz"},
        {"Đặng Thái Sơn", "dang-thai-son"},
        {"İstanbul", "istanbul"},
        {"ﬁne print", "fine-print"},
        {"Ａｐｏｌｌｏ １１", "apollo-11"},
        {"ØRSTED ÆON ŁÓDŹ ẞ ÐE", "orsted-aeon-lodz-ss-de"},
        {"a_b--c", "a-b-c"},
        {"2024", "2024"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        tag(names[i][0]);
        expect_slug(names[i][0], names[i][1]);
    }
}

Test(names, are_stored_trimmed_and_in_nfc_and_are_unique_in_this_form)
{
    static const char *const same[][2] = {{" News ", "News"},
                                          {"\tSport\n", "Sport"},
                                          {"Zoe\xcc\x88", "Zo\xc3\xab"},
                                          {"\xc2\xa0Wide\xe2\x80\x83", "Wide"},
                                          {"\xe2\x84\xab", "\xc3\x85"}};
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        tag(same[i][0]);
        cr_expect_eq(
            test_sql_number(url, "select count(*) from tags where name = '%s'", same[i][1]), 1);
        test_sql(url, "insert into tags (name) values ('%s') on conflict (name) do nothing",
                 same[i][1]);
    }
    cr_expect_eq(test_sql_number(url, "select count(*) from tags"), 5);
    test_sql(url, "update tags set name = '  Latest  ' where name = 'News'");
    cr_expect_eq(test_sql_number(url, "select count(*) from tags where name = 'Latest'"), 1);
}

Test(names, two_names_are_two_rows_when_their_slugs_collide)
{
    tag("C");
    tag("C++");
    tag("C#");
    tag("c");
    expect_slug("C", "c");
    expect_slug("C++", "c-2");
    expect_slug("C#", "c-3");
    expect_slug("c", "c-4");
    tag("D 2");
    tag("D");
    tag("D!");
    expect_slug("D!", "d-3");
}

Test(names, a_thousand_names_with_one_base_are_numbered_without_a_gap)
{
    test_sql(url,
             "insert into tags (name) select 'x' || chr(c) from generate_series(19968, 20967) c");
    cr_expect_eq(test_sql_number(url, "select count(*) from generate_series(2, 1000) n"
                                      " join tags on slug = 'x-' || n"),
                 999);
}

Test(names, a_name_without_a_latin_letter_also_has_a_slug)
{
    tag("日本");
    tag("+++");
    tag("العربية");
    expect_slug("日本", "tag");
    expect_slug("+++", "tag-2");
    expect_slug("العربية", "tag-3");
}

Test(names, long_names_that_begin_alike_have_different_slugs)
{
    char name[201] = {0};

    memset(name, 'x', 200);
    tag(name);
    name[199] = 'y';
    tag(name);
    name[180] = ' ';
    name[179] = ' ';
    tag(name);
    cr_expect_eq(
        test_sql_number(
            url,
            "select count(distinct slug) from tags where octet_length(slug) between 179 and 182"),
        3);
}

/* All of planes 0 to 3, and the ends of the other planes, which have few characters or none. */
Test(names, every_character_that_postgresql_can_store_makes_a_slug)
{
    test_sql(
        url,
        "insert into tags (name) select string_agg(chr(c), '' order by c)"
        " from generate_series(1, 1114111) c where c not between 55296 and 57343"
        "  and (c < 262144 or mod(c, 65536) < 512 or mod(c, 65536) >= 65024) group by c / 128");
    test_sql(url, "insert into authors (name) select 'x' || chr(c) || 'y'"
                  " from generate_series(1, 1500) c on conflict (name) do nothing");
}

Test(names, many_writers_that_insert_the_same_names_at_once_agree)
{
    const char *name = import_file_with("");
    char line[400];
    pid_t pids[4];

    for (int i = 0; i < 300; i++) {
        snprintf(line, sizeof(line),
                 "{\"slug\":\"a-%d\",\"title\":\"t\",\"body\":\"b\",\"section\":\"C%.*s\",\"tags\":"
                 "[\"C\",\"C++\",\"C#\",\"C %d\"],"
                 "\"authors\":[\"日本%d\"],\"published_at\":\"2024-01-01T00:00:00Z\"}\n",
                 i, i % 30, "++++++++++++++++++++++++++++++", i, i % 40);
        import_file_append(name, line, strlen(line));
    }
    for (int i = 0; i < 4; i++)
        pids[i] = import_start(url, name);
    for (int i = 0; i < 4; i++) {
        int status = -1;
        cr_assert(test_process_wait(pids[i], 60000, &status));
        cr_expect_eq(status, 0);
    }
    cr_expect_eq(test_sql_number(url, "select count(*) from sections"), 30);
    cr_expect_eq(test_sql_number(url, "select count(*) from tags"), 303);
    cr_expect_eq(test_sql_number(url, "select count(*) from authors"), 40);
}
