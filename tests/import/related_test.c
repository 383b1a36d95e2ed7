/* Related lists on sets that are small enough to do by hand. */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/database.h"
#include "tests/support/wait.h"

static char *url;

static void begin(void)
{
    url = test_database_create();
    test_sql(url, "insert into sections (name) values ('News')");
}

static void end(void)
{
    free(url);
}

TestSuite(related, .init = begin, .fini = end, .timeout = 120);

/* An article published on this day of 2024, with these tags ("{a,b}"), that waits in the queue. */
static void article(int id, int day, const char *tags)
{
    test_sql(url,
             "insert into tags (name) select unnest('%s'::text[]) on conflict (name) do nothing;"
             "insert into articles (id, slug, section_id, published_at, title, body)"
             " values (%d, 'a-%d', 1, '2024-01-01 00:00Z'::timestamptz + %d * interval '1 day', "
             "'t', 'b');"
             "insert into article_tags select %d, t.id, a.published_at"
             " from tags t, articles a where t.name = any ('%s'::text[]) and a.id = %d;"
             "insert into related_queue (article_id, spread) values (%d, true)",
             tags, id, id, day, id, tags, id, id);
}

static void refresh(void)
{
    cr_assert(WAIT_UNTIL(20000, test_sql_number(url, "select related_refresh(100)") == 0));
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

Test(related, a_rare_tag_counts_more_than_a_frequent_one)
{
    article(1, 1, "{rare,frequent}");
    article(2, 1, "{rare}");
    for (int id = 3; id <= 7; id++)
        article(id, 9, "{frequent}");
    refresh();
    expect_list(1, "2 7 6 5 4 3");
}

Test(related, two_shared_tags_count_more_than_each)
{
    article(1, 1, "{a,b}");
    article(2, 5, "{a}");
    article(3, 2, "{b,a}");
    article(4, 4, "{b}");
    refresh();
    expect_list(1, "3 2 4");
}

Test(related, newer_comes_first_among_equals_and_then_the_higher_id)
{
    article(1, 1, "{a}");
    article(2, 3, "{a}");
    article(3, 2, "{a}");
    article(4, 3, "{a}");
    refresh();
    expect_list(1, "4 2 3");
    expect_list(4, "2 3 1");
}

Test(related, an_article_without_a_shared_tag_has_no_list)
{
    article(1, 1, "{}");
    article(2, 1, "{b}");
    article(3, 1, "{c}");
    refresh();
    cr_expect_eq(test_sql_number(url, "select count(*) from article_related"), 0);
}

Test(related, a_list_has_six_at_most_and_never_the_article_itself)
{
    for (int id = 1; id <= 20; id++)
        article(id, id, "{a,b}");
    refresh();
    expect_list(20, "19 18 17 16 15 14");
    expect_list(1, "20 19 18 17 16 15");
}

/* Each new article makes its tags less rare: it must not lose to those that were scored before. */
Test(related, a_new_article_enters_the_lists_of_its_equals)
{
    for (int id = 1; id <= 20; id++) {
        article(id, id, "{a,b}");
        refresh();
    }
    expect_list(1, "20 19 18 17 16 15");
    expect_list(12, "20 19 18 17 16 15");
    expect_list(20, "19 18 17 16 15 14");
}

Test(related, an_older_article_enters_no_full_list_of_newer_equals)
{
    for (int id = 1; id <= 10; id++)
        article(id, 20 + id, "{a}");
    refresh();
    test_sql(url, "create table before as select *, xmin::text as writer from article_related");
    article(11, 1, "{a}");
    refresh();
    expect_list(11, "10 9 8 7 6 5");
    cr_expect_eq(test_sql_number(
                     url,
                     "select count(*) from before b join article_related r using (article_id, rank)"
                     " where r.xmin::text = b.writer"),
                 60);
}

Test(related, one_article_after_another_ends_like_all_at_once)
{
    static const char *const tags[] = {"{a,b}", "{b,c}", "{a,c,d}", "{d}",
                                       "{a}",   "{b,e}", "{e,f,a}", "{f}"};

    for (int id = 1; id <= 40; id++) {
        article(id, id, tags[id * 7 % 8]);
        refresh();
    }
    cr_expect_eq(
        test_sql_number(
            url, "select count(*) from related_lists(array(select id from articles where id > 34))"
                 " l left join article_related r using (article_id, rank) where r.related_id is "
                 "distinct from l.related_id"),
        0);
}

Test(related, an_unchanged_list_is_not_written)
{
    for (int id = 1; id <= 9; id++)
        article(id, id, "{a,b}");
    refresh();
    test_sql(url, "create table before as select *, xmin::text as writer from article_related;"
                  "insert into related_queue (article_id, spread) select id, true from articles");
    refresh();
    cr_expect_eq(test_sql_number(url, "select count(*) from before b join article_related r using "
                                      "(article_id, rank, related_id)"
                                      " where r.xmin::text = b.writer"),
                 54);
}

Test(related, a_withdrawn_article_leaves_all_lists_and_has_none)
{
    for (int id = 1; id <= 8; id++)
        article(id, id, "{a}");
    refresh();
    expect_list(1, "8 7 6 5 4 3");
    test_sql(url, "update articles set status = 'withdrawn' where id = 8;"
                  "insert into related_queue (article_id, spread) values (8, true)");
    refresh();
    expect_list(8, "");
    expect_list(1, "7 6 5 4 3 2");
    cr_expect_eq(test_sql_number(url, "select count(*) from article_related where related_id = 8"),
                 0);

    test_sql(url, "update articles set status = 'draft' where id = 7;"
                  "update articles set status = 'published' where id = 8;"
                  "insert into related_queue (article_id, spread) values (8, true), (7, true)");
    refresh();
    expect_list(7, "");
    expect_list(1, "8 6 5 4 3 2");
}

Test(related, an_article_that_changes_its_tags_changes_lists_on_both_sides)
{
    article(1, 1, "{a}");
    article(2, 2, "{a}");
    article(3, 3, "{b}");
    refresh();
    expect_list(1, "2");
    expect_list(3, "");
    test_sql(url, "update article_tags set tag_id = (select id from tags where name = 'b') where "
                  "article_id = 2;"
                  "insert into related_queue (article_id, spread) values (2, true)");
    refresh();
    expect_list(1, "");
    expect_list(2, "3");
    expect_list(3, "2");
}

Test(related, an_article_that_is_gone_or_queued_twice_does_no_harm)
{
    article(1, 1, "{a}");
    article(2, 2, "{a}");
    test_sql(url, "insert into related_queue (article_id, spread) values (1, true), (1, false), "
                  "(77, true), (77, false)");
    cr_expect_eq(test_sql_number(url, "select related_refresh(100)"), 3);
    cr_expect_eq(test_sql_number(url, "select related_refresh(100)"), 0);
    expect_list(1, "2");
}

Test(related, a_call_does_no_more_than_it_was_told_to)
{
    for (int id = 1; id <= 10; id++)
        article(id, id, "{a}");
    for (long done = 4; done > 0;) {
        done = test_sql_number(url, "select related_refresh(4)");
        cr_assert(done >= 0 && done <= 4, "%ld", done);
    }
    refresh();
    cr_expect_eq(test_sql_number(url, "select count(distinct article_id) from article_related"),
                 10);
}

Test(related, a_refresh_that_is_rolled_back_leaves_the_queue_as_it_was)
{
    article(1, 1, "{a}");
    article(2, 2, "{a}");
    test_sql(url, "begin; select related_refresh(100); rollback");
    cr_expect_eq(test_sql_number(url, "select count(*) from related_queue where spread"), 2);
    refresh();
    expect_list(1, "2");
}

Test(related, two_refreshes_take_turns)
{
    PGconn *first = test_session_open(url);

    article(1, 1, "{a}");
    article(2, 2, "{a}");
    test_session_sql(first, "begin; select related_refresh(100)");
    char *answer = test_sql_value(
        url, "begin; set local lock_timeout = '100ms'; create temp table t (e text);"
             "do $$ begin perform related_refresh(100); insert into t values ('ran');"
             " exception when lock_not_available then insert into t values ('waited'); end $$;"
             "select e from t");
    cr_expect_str_eq(answer, "waited");
    free(answer);
    test_session_sql(first, "commit");
    PQfinish(first);
    refresh();
    expect_list(2, "1");
}
