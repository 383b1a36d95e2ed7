/* Related lists on sets that are small enough to compute by hand. */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lists/relater.h"
#include "tests/support/database.h"

static char *url;

static void begin(void)
{
    url = test_database_create();
    test_sql(url, "insert into sections (name) values ('News'), ('Sport')");
}

static void end(void)
{
    free(url);
}

TestSuite(lists, .init = begin, .fini = end, .timeout = 120);

/* An article of section 1, published on this day of 2024, with this text and these tags
 * ("{a,b}"). */
static void article(int id, int day, const char *text, const char *tags)
{
    test_sql(url,
             "insert into tags (name) select unnest('%s'::text[]) on conflict (name) do nothing;"
             "insert into articles (id, slug, section_id, published_at, title, body)"
             " values (%d, 'a-%d', 1, '2024-01-01 00:00Z'::timestamptz + %d * interval '1 day', "
             "'T%d', '%s');"
             "insert into article_tags select %d, t.id, a.published_at"
             " from tags t, articles a where t.name = any ('%s'::text[]) and a.id = %d",
             tags, id, id, day, id, text, id, tags, id);
}

/* Articles with these ids about one subject, each with other words in another order; and as many about nothing in
 * common, from id + 100 on. */
static void articles_on_birds(int first, int last)
{
    static const char *const words[] = {"heron", "stork",  "crane", "egret", "bittern",
                                        "marsh", "lagoon", "reed",  "wader", "estuary"};
    enum { N = sizeof(words) / sizeof(words[0]) };
    for (int id = first; id <= last; id++) {
        char text[200] = "", other[200] = "";
        for (int i = 0; i < 7; i++) {
            size_t n = strlen(text), k = strlen(other);
            snprintf(text + n, sizeof(text) - n, "%s ", words[(id * 3 + i * (id % 4 * 2 + 1)) % N]);
            snprintf(other + k, sizeof(other) - k, "x%dy%d ", id, i);
        }
        article(id, id, text, "{a}");
        article(100 + id, id, other, "{}");
    }
    test_sql(url, "update articles set language = 'en';"
                  "update articles set section_id = 2 where id > 100");
}

static void refresh(void)
{
    relate(url);
    cr_expect_eq(test_sql_number(url, "select count(*) from related_queue"), 0);
}

static void expect_list(int id, const char *want)
{
    char *list =
        test_sql_value(url,
                       "select string_agg(related_id::text, ' ' order by rank) from article_related"
                       " where article_id = %d",
                       id);

    cr_expect_str_eq(list, want, "of %d: %s", id, list);
    free(list);
}

/* So many articles on birds have a full list. */
static void expect_six_on_birds(int articles)
{
    cr_expect_eq(test_sql_number(url, "select count(*) from article_related where article_id <= 100"
                                      " and related_id <= 100"),
                 6 * articles);
}

static void expect_first(int id, int want)
{
    cr_expect_eq(test_sql_number(url,
                                 "select related_id from article_related where article_id = %d"
                                 " and rank = 1",
                                 id),
                 want, "of %d", id);
}

Test(lists, a_rare_word_counts_more_than_a_frequent_one)
{
    article(1, 1, "heron river", "{}");
    article(2, 1, "heron meadow", "{}");
    article(3, 9, "river mill", "{}");
    article(4, 9, "river boat", "{}");
    article(5, 9, "river bridge", "{}");
    refresh();
    expect_first(1, 2);
}

Test(lists, words_are_found_in_every_form)
{
    article(1, 1, "voting", "{}");
    article(2, 1, "votes", "{}");
    article(3, 9, "bridge", "{}");
    refresh();
    expect_first(1, 2);
    expect_first(2, 1);
}

Test(lists, a_shared_tag_relates_articles_without_a_common_word)
{
    article(1, 1, "heron", "{birds}");
    article(2, 1, "storch", "{birds}");
    article(3, 9, "mill", "{water}");
    refresh();
    expect_first(1, 2);
}

Test(lists, a_list_has_at_most_six_articles_and_never_the_article_itself)
{
    articles_on_birds(1, 20);
    refresh();
    cr_expect_eq(test_sql_number(url, "select count(*) from article_related where article_id <= 20"
                                      " and related_id <= 20"),
                 120);
    cr_expect_eq(test_sql_number(url, "select max(rank) from article_related"), 6);
}

Test(lists, a_new_article_enters_the_lists_of_older_ones)
{
    for (int id = 1; id <= 9; id++) {
        article(id, id, id == 1 ? "heron pond" : "mill wheel", "{}");
        refresh();
    }
    article(10, 10, "heron nest", "{}");
    refresh();
    expect_first(10, 1);
    expect_first(1, 10);
}

Test(lists, a_short_list_is_filled_with_the_newest_articles_of_the_section)
{
    article(1, 1, "heron", "{}");
    article(2, 2, "mill", "{}");
    article(3, 4, "bridge", "{}");
    article(4, 3, "bakery", "{}");
    test_sql(url, "update articles set section_id = 2 where id = 4");
    refresh();
    expect_list(1, "3 2");
    expect_list(4, "");
    article(5, 5, "boat", "{}");
    refresh();
    expect_list(1, "5 3 2");
}

#define STORY                                                                                 \
    "The council has bought the old mill at the river and wants to restore its wheel before " \
    "spring. Engineers measured the weir on Monday; volunteers will clear the yard of timber."

Test(lists, an_article_sent_again_or_updated_is_in_no_list_with_the_first_one)
{
    article(1, 1, STORY, "{mill}");
    article(2, 2, STORY, "{mill}");
    article(3, 3, STORY " The mayor thanked them.", "{mill}");
    article(4, 4, "The mill wheel turned.", "{mill}");
    article(5, 5, "A bakery opens.", "{}");
    refresh();
    cr_expect_eq(test_sql_number(url, "select count(*) from article_related"
                                      " where article_id <= 3 and related_id <= 3"),
                 0);
    cr_expect_eq(test_sql_number(url, "select count(*) from article_related"
                                      " where article_id > 3 and related_id <= 3"),
                 2);
    expect_first(1, 4);
}

Test(lists, a_list_is_not_empty_when_its_section_has_only_one_other_article)
{
    article(1, 1, "A bakery opens.", "{}");
    for (int id = 2; id <= 60; id++)
        article(id, id, STORY, "{mill}");
    refresh();
    expect_list(60, "1");
}

Test(lists, an_unchanged_list_is_not_written)
{
    for (int id = 1; id <= 9; id++)
        article(id, id, "heron", "{a,b}");
    refresh();
    test_sql(url,
             "create table before as select *, xmin::text as writer from article_related;"
             "insert into related_queue (article_id, needs_reading) select id, true from articles");
    refresh();
    cr_expect_eq(test_sql_number(url, "select count(*) from before b join article_related r using "
                                      "(article_id, rank, related_id)"
                                      " where r.xmin::text = b.writer"),
                 test_sql_number(url, "select count(*) from article_related"));
}

Test(lists, a_list_stays_as_it_is_while_the_terms_of_its_article_cannot_be_read)
{
    articles_on_birds(1, 8);
    refresh();
    expect_six_on_birds(8);
    test_sql(url, "delete from article_terms where article_id = 3;"
                  "insert into related_queue (article_id, needs_reading) values (3, false)");
    refresh();
    expect_six_on_birds(8);
}

static long queued_lists(void)
{
    return test_sql_number(url, "select count(*) from related_queue where not needs_reading");
}

Test(lists, that_wait_in_the_queue_are_not_queued_again_in_bulk_or_by_the_slow_pass)
{
    articles_on_birds(1, 20);
    refresh();
    struct relater *relater = relater_open(url);
    test_sql(url, "select related_queue_all()");
    for (int i = 0; i < 4; i++)
        cr_assert_eq(lists_read(&relater->maker, 10), 10);
    cr_expect_eq(lists_make(&relater->maker, 10), 10);
    cr_expect_eq(queued_lists(), 30);
    relater_work(relater);

    test_sql(url, "insert into related_queue (article_id, needs_reading, turn)"
                  " select i, true, 3 from generate_series(1, 5) i");
    cr_expect_eq(lists_read(&relater->maker, 10), 5);
    cr_expect_eq(lists_make(&relater->maker, 10), 5);
    cr_expect_eq(queued_lists(), 0);
    relater_close(relater);
}

Test(lists, a_withdrawn_article_leaves_all_lists_and_has_none)
{
    articles_on_birds(1, 8);
    refresh();
    test_sql(url, "update articles set status = 'withdrawn' where id = 8");
    refresh();
    expect_list(8, "");
    cr_expect_eq(test_sql_number(url, "select count(*) from related_made where article_id = 8"), 0,
                 "the slow pass does not come back to it");
    cr_expect_eq(test_sql_number(url, "select count(*) from article_related where related_id = 8"),
                 0);
    expect_six_on_birds(7);

    test_sql(url, "update articles set status = 'draft' where id = 7;"
                  "update articles set status = 'published' where id = 8");
    refresh();
    expect_list(7, "");
    expect_six_on_birds(7);
}

Test(lists, a_deleted_article_is_replaced_in_the_lists_that_it_was_in)
{
    articles_on_birds(1, 9);
    refresh();
    test_sql(url, "delete from articles where id in (8, 9)");
    refresh();
    expect_six_on_birds(7);
    cr_expect_eq(test_sql_number(url, "select count(*) from article_terms"), 16);
    cr_expect_eq(test_sql_number(url, "select narticles from related_languages"), 16);
    cr_expect_eq(test_sql_number(url, "select max(narticles) from related_terms"), 7);
    cr_expect_eq(test_sql_number(url, "select max(length(postings)) from related_terms"), 7 * 20);
}

Test(lists, an_article_that_changes_its_tags_or_text_changes_lists_on_both_sides)
{
    article(1, 1, "heron", "{a}");
    article(2, 2, "stork", "{a}");
    article(3, 3, "mill", "{b}");
    refresh();
    expect_first(1, 2);
    test_sql(url, "update article_tags set tag_id = (select id from tags where name = 'b') where "
                  "article_id = 2");
    refresh();
    expect_first(2, 3);
    expect_first(3, 2);
    test_sql(url, "update articles set body = 'heron' where id = 3");
    refresh();
    expect_first(1, 3);
}

Test(lists, articles_published_one_by_one_all_get_lists)
{
    for (int id = 1; id <= 40; id++) {
        article(id, id, id % 3 == 0 ? "heron pond" : "mill wheel", "{a}");
        refresh();
    }
    cr_expect_eq(test_sql_number(url, "select count(*) from article_related"), 240);
}

Test(lists, another_language_has_its_own_stems_and_all_articles_are_read_again)
{
    article(1, 1, "Häuser", "{}");
    article(2, 2, "Haus", "{}");
    article(3, 3, "Garten", "{}");
    refresh();
    test_sql(url, "update related_settings set language = 'de'");
    cr_expect_eq(test_sql_number(url, "select count(*) from related_queue where needs_reading"), 3);
    refresh();
    expect_first(1, 2);
    expect_first(2, 1);
}

Test(lists, an_empty_archive_leaves_no_terms_and_no_queue)
{
    article(1, 1, "heron", "{a}");
    article(2, 1, "heron", "{a}");
    refresh();
    article(3, 1, "heron", "{a}");
    test_sql(url, "truncate articles cascade");
    cr_expect_eq(test_sql_number(url, "select (select count(*) from article_terms)"
                                      " + (select count(*) from related_terms)"
                                      " + (select count(*) from related_queue)"),
                 0);
}
