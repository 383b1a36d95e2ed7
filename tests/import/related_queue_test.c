/* The queue of related lists: which changes put an article into it, in which order it is worked
 * off, and which sessions wait for each other. */
#include <criterion/criterion.h>
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

TestSuite(related_queue, .init = begin, .fini = end, .timeout = 120);

/* Articles with these ids in one statement, each with a text of its own. */
static void articles(int first, int last)
{
    test_sql(url,
             "insert into articles (id, slug, section_id, published_at, title, body)"
             " select i, 'a-' || i, 1, '2024-01-01 00:00Z', 'Heron ' || i, 'Pond ' || i"
             " from generate_series(%d, %d) i",
             first, last);
}

static long queued(const char *condition)
{
    return test_sql_number(url, "select count(*) from related_queue where %s", condition);
}

static void refresh(void)
{
    cr_assert(WAIT_UNTIL(20000, test_sql_number(url, "select done from related_work(100)") == 0));
}

static long lists(void)
{
    return test_sql_number(url, "select count(distinct article_id) from article_related");
}

Test(related_queue, a_change_of_an_article_that_readers_see_is_queued_and_no_other)
{
    articles(1, 2);
    refresh();
    test_sql(url, "update articles set updated_at = now(), version = version + 1");
    cr_expect_eq(queued("true"), 0);
    test_sql(url, "update articles set title = 'Stork' where id = 1");
    cr_expect_eq(queued("needs_reading and article_id = 1"), 1);
    test_sql(url, "update articles set body = 'Nest' where id = 2");
    cr_expect_eq(queued("needs_reading and article_id = 2"), 1);
    test_sql(url, "delete from articles where id = 2");
    cr_expect_eq(queued("needs_reading and article_id = 2"), 2);
}

Test(related_queue, a_draft_waits_until_it_is_published)
{
    test_sql(url, "insert into articles (id, slug, section_id, published_at, title, body, status)"
                  " values (1, 'a-1', 1, now(), 't', 'b', 'draft')");
    cr_expect_eq(queued("true"), 0);
    test_sql(url, "update articles set status = 'published'");
    cr_expect_eq(queued("needs_reading"), 1);
}

Test(related_queue, an_article_and_its_tags_in_one_transaction_are_queued_once)
{
    test_sql(url, "insert into tags (name) values ('a'), ('b'); begin;"
                  "insert into articles (id, slug, section_id, published_at, title, body)"
                  " values (1, 'a-1', 1, '2024-01-01Z', 't', 'b');"
                  "insert into article_tags select 1, id, '2024-01-01Z' from tags; commit");
    cr_expect_eq(queued("true"), 1);
    test_sql(url, "delete from article_tags where tag_id = (select min(id) from tags)");
    cr_expect_eq(queued("true"), 2);
}

Test(related_queue, a_published_article_comes_before_articles_written_in_bulk)
{
    articles(1, 300);
    articles(301, 301);
    cr_expect_eq(test_sql_number(url, "select done from related_work(10)"), 1);
    cr_expect_eq(test_sql_number(url, "select count(*) from article_terms"), 1);
    test_sql(url, "select related_read(300)");
    articles(302, 302);
    test_sql(url, "select done from related_work(10)");
    cr_expect_eq(
        test_sql_number(url, "select count(*) from article_related where article_id = 302"), 6);
    cr_expect_gt(queued("not needs_reading and turn = 2"), 250);
    refresh();
    cr_expect_eq(lists(), 302);
}

Test(related_queue, an_article_that_is_deleted_or_queued_twice_does_no_harm)
{
    articles(1, 2);
    test_sql(url,
             "insert into related_queue (article_id, needs_reading) values (1, true), (1, false), "
             "(77, true), (77, false)");
    refresh();
    cr_expect_eq(queued("true"), 0);
    cr_expect_eq(lists(), 2);
}

Test(related_queue, a_call_works_on_no_more_articles_than_its_limit)
{
    articles(1, 10);
    for (long done = 4; done > 0;) {
        done = test_sql_number(url, "select done from related_work(4)");
        cr_assert(done >= 0 && done <= 4, "%ld", done);
    }
    cr_expect_eq(lists(), 10);
}

Test(related_queue, work_that_is_rolled_back_leaves_the_queue_as_it_was)
{
    articles(1, 2);
    test_sql(url, "begin; select done from related_work(100); rollback");
    cr_expect_eq(queued("needs_reading"), 2);
    refresh();
    cr_expect_eq(lists(), 2);
}

Test(related_queue, a_second_caller_neither_waits_nor_does_the_work_twice)
{
    PGconn *first = test_session_open(url);

    articles(1, 40);
    test_session_sql(first, "begin; select done from related_work(100)");
    cr_expect_eq(
        test_sql_number(url, "set lock_timeout = '5s'; select done from related_work(100)"), 0);
    test_session_sql(first, "commit");
    PQfinish(first);
    refresh();
    cr_expect_eq(lists(), 40);
}

Test(related_queue, lists_are_made_by_several_callers_at_the_same_time)
{
    PGconn *first = test_session_open(url);

    articles(1, 40);
    test_sql(url, "select related_read(100)");
    test_session_sql(first, "begin; select done from related_work(10)");
    cr_expect_eq(test_sql_number(url, "set lock_timeout = '5s'; select done from related_work(10)"),
                 10);
    test_session_sql(first, "commit");
    PQfinish(first);
    refresh();
    cr_expect_eq(lists(), 40);
}

/* Otherwise the two could wait for each other: the deletion for a list, the list for the
 * article. */
Test(related_queue, a_list_that_a_deletion_has_locked_is_postponed)
{
    PGconn *other = test_session_open(url);

    articles(1, 8);
    refresh();
    test_session_sql(other, "begin; delete from articles where id = 8");
    articles(9, 9);
    test_sql(url, "set lock_timeout = '5s'; select done from related_work(100)");
    cr_expect_gt(queued("not needs_reading"), 0);
    test_session_sql(other, "delete from articles where id = 9");
    test_session_sql(other, "commit");
    PQfinish(other);
    refresh();
    cr_expect_eq(queued("true"), 0);
    cr_expect_eq(lists(), 7);
    cr_expect_eq(test_sql_number(url, "select count(*) from article_related"), 42);
}

Test(related_queue, an_unknown_language_is_refused)
{
    cr_expect_eq(test_sql_number(url, "do $$ begin update related_settings set language = 'x'; "
                                      "exception when undefined_object then null; end $$;"
                                      "select count(*) from related_settings where language = "
                                      "'english'"),
                 1);
}

/* A hash of all terms of all articles. */
static char *terms(void)
{
    return test_sql_value(
        url, "select md5(string_agg(concat_ws(' ', t.article_id, t.nterms, t.norm, x.term, "
             "x.weight), ','"
             "  order by t.article_id, x.term))"
             " from article_terms t cross join unnest(t.terms, t.weights) x (term, weight)");
}

static long parse(const char *arguments)
{
    return test_sql_number(url, "select related_parse(%s)", arguments);
}

static long words(void)
{
    return test_sql_number(url, "select count(*) from related_words");
}

Test(related_queue, an_article_that_was_parsed_ahead_is_read_like_any_other)
{
    articles(1, 60);
    cr_expect_eq(parse("0"), 0, "an article that is read at once is not parsed ahead");
    long reached = parse("0, 20");
    cr_expect_gt(reached, 0);
    cr_expect_eq(words(), 40);
    char after[40];
    snprintf(after, sizeof(after), "%ld, 20", reached);
    cr_expect_eq(parse(after), 0);
    test_sql(url, "update articles set body = 'Marshes in the evening' where id = 27");
    refresh();
    char *ahead = terms();
    cr_expect_eq(parse(after), 0);
    cr_expect_eq(words(), 0);

    test_sql(url, "update related_settings set language = 'simple'");
    refresh();
    test_sql(url, "update related_settings set language = 'english'");
    refresh();
    char *anew = terms();
    cr_expect_str_eq(ahead, anew);
    free(anew);
    free(ahead);
}
