/* The lists of a small archive in six languages, which share its tags; and the recall of a real archive, where it is
 * present. */
#include <criterion/criterion.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import/import.h"
#include "import/relate_command.h"
#include "tests/lists/relater.h"
#include "tests/support/database.h"

enum { CHUNK = 1000 };

static char *url;

static void begin(void)
{
    url = test_database_create();
}

static void end(void)
{
    free(url);
}

TestSuite(languages, .init = begin, .fini = end, .timeout = 240);

static void import(const char *name)
{
    cr_assert_eq(import_run(url, CHUNK, (char *const[]){(char *)name, NULL}, 1), 0);
}

/* Slugs are LANGUAGE-SUBJECT-NUMBER. The text alone says in which language it is. */
Test(languages, are_recognised_and_each_has_lists_of_its_own)
{
    import(BROADSHEET_SOURCE_DIR "/tests/lists/languages.ndjson");
    char *wrong = test_sql_value(url, "select string_agg(a.slug || ' is ' || t.language, ', ')"
                                      " from articles a join article_terms t on t.article_id = a.id"
                                      " where t.language <> left(a.slug, 2)");
    cr_expect_str_empty(wrong, "%s", wrong);
    free(wrong);

    wrong = test_sql_value(url,
                           "select string_agg(a.slug || ' before ' || b.slug, ', ') from articles a"
                           " join article_related r on r.article_id = a.id and r.rank <= 2"
                           " join articles b on b.id = r.related_id"
                           " where left(a.slug, -2) <> left(b.slug, -2)");
    cr_expect_str_empty(wrong, "the first two cards are of the same subject: %s", wrong);
    free(wrong);

    wrong =
        test_sql_value(url, "select string_agg(a.slug || ' shows ' || b.slug, ', ') from articles a"
                            " join article_related r on r.article_id = a.id"
                            " join articles b on b.id = r.related_id"
                            " where r.score > 0 and left(a.slug, 2) <> left(b.slug, 2)");
    cr_expect_str_empty(wrong, "cards are in the language of the article: %s", wrong);
    free(wrong);
    cr_expect_eq(test_sql_number(url, "select count(*) from article_related where rank <= 2"), 108);
}

/* An article of a language that has no other one still gets the cards that share its tags. */
Test(languages, without_other_articles_get_cards_in_another_language)
{
    import(BROADSHEET_SOURCE_DIR "/tests/lists/languages.ndjson");
    test_sql(url,
             "insert into articles (id, slug, section_id, published_at, title, body, language)"
             " select 1000, 'pl-bridge', id, '2024-06-01Z', 'Most w porcie', 'Most w porcie jest"
             " zamkni\u0119ty.', 'pl' from sections;"
             "insert into article_tags (article_id, tag_id, published_at)"
             " select 1000, id, '2024-06-01Z' from tags where name = 'bridge'");
    import("/dev/null");
    cr_expect_eq(
        test_sql_number(url, "select count(*) from article_related r"
                             " join articles b on b.id = r.related_id"
                             " where r.article_id = 1000 and b.slug like '%%-bridge-%%'"),
        test_sql_number(url, "select count(*) from article_related where article_id = 1000"));
    cr_expect_geq(
        test_sql_number(url, "select count(*) from article_related where article_id = 1000"), 3);
}

/* All cards, in their order. */
static char *all_lists(const char *of)
{
    return test_sql_value(
        of, "select string_agg(article_id || ':' || related_id, ' ' order by article_id, rank)"
            " from article_related");
}

/* A list depends on the archive as it was when the articles were read. Two passes over all of it leave no difference. */
Test(languages, have_the_same_lists_after_a_bulk_import_and_after_single_publications)
{
    import(BROADSHEET_SOURCE_DIR "/tests/lists/languages.ndjson");
    char *bulk_first = all_lists(url);
    struct relater *relater = relater_open(url);
    test_sql(url, "update articles set status = 'draft'");
    relater_work(relater);
    cr_expect_eq(test_sql_number(url, "select count(*) from related_terms"), 0);
    for (int id = 54; id > 0; id--) {
        test_sql(url, "update articles set status = 'published' where id = %d", id);
        relater_work(relater);
    }
    relater_close(relater);
    cr_expect_eq(test_sql_number(url, "select count(*) from article_related where rank <= 2"), 108);
    for (int pass = 0; pass < 2; pass++)
        cr_assert_eq(relate_command(url, CHUNK, true), 0);
    char *single = all_lists(url);

    char *other = url;
    url = test_database_create();
    import(BROADSHEET_SOURCE_DIR "/tests/lists/languages.ndjson");
    for (int pass = 0; pass < 2; pass++)
        cr_assert_eq(relate_command(url, CHUNK, true), 0);
    char *bulk = all_lists(url);
    cr_expect_str_eq(single, bulk);
    cr_expect_str_eq(bulk_first, bulk, "one transaction has read all articles");
    free(bulk_first);
    free(single);
    free(bulk);
    free(other);
}
