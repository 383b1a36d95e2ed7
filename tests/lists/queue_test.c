/* The queue of related lists: which changes put an article into it, in which order it is worked
 * off, and which sessions wait for each other. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lists/relater.h"
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

TestSuite(lists_queue, .init = begin, .fini = end, .timeout = 120);

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
    relate(url);
}

static long lists(void)
{
    return test_sql_number(url, "select count(distinct article_id) from article_related");
}

Test(lists_queue, a_change_of_an_article_that_readers_see_is_queued_and_no_other)
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

Test(lists_queue, a_draft_waits_until_it_is_published)
{
    test_sql(url, "insert into articles (id, slug, section_id, published_at, title, body, status)"
                  " values (1, 'a-1', 1, now(), 't', 'b', 'draft')");
    cr_expect_eq(queued("true"), 0);
    test_sql(url, "update articles set status = 'published'");
    cr_expect_eq(queued("needs_reading"), 1);
}

Test(lists_queue, an_article_and_its_tags_in_one_transaction_are_queued_once)
{
    test_sql(url, "insert into tags (name) values ('a'), ('b'); begin;"
                  "insert into articles (id, slug, section_id, published_at, title, body)"
                  " values (1, 'a-1', 1, '2024-01-01Z', 't', 'b');"
                  "insert into article_tags select 1, id, '2024-01-01Z' from tags; commit");
    cr_expect_eq(queued("true"), 1);
    test_sql(url, "delete from article_tags where tag_id = (select min(id) from tags)");
    cr_expect_eq(queued("true"), 2);
}

Test(lists_queue, a_published_article_comes_before_articles_written_in_bulk)
{
    struct relater *relater = relater_open(url);

    articles(1, 300);
    articles(301, 301);
    cr_expect_eq(lists_read(&relater->maker, 10), 1);
    cr_expect_eq(test_sql_number(url, "select article_id from article_terms"), 301);
    cr_expect_eq(lists_read(&relater->maker, 300), 300);
    articles(302, 302);
    cr_expect_geq(relater_round(relater, 10), 2);
    relater_round(relater, 10);
    cr_expect_gt(
        test_sql_number(url, "select count(*) from article_related where article_id = 302"), 0);
    cr_expect_gt(queued("not needs_reading and turn = 2"), 250);
    relater_work(relater);
    cr_expect_eq(lists(), 302);
    relater_close(relater);
}

Test(lists_queue, lists_of_articles_written_in_bulk_wait_until_all_of_these_are_read)
{
    struct relater *relater = relater_open(url);

    articles(1, 100);
    cr_expect_eq(lists_read(&relater->maker, 60), 60);
    cr_expect_eq(lists_make(&relater->maker, 60), 0);
    cr_expect_eq(lists_read(&relater->maker, 60), 40);
    cr_expect_eq(lists_make(&relater->maker, 60), 60);
    relater_close(relater);
}

Test(lists_queue, an_article_that_is_deleted_or_queued_twice_does_no_harm)
{
    articles(1, 2);
    test_sql(url,
             "insert into related_queue (article_id, needs_reading) values (1, true), (1, false), "
             "(77, true), (77, false)");
    refresh();
    cr_expect_eq(queued("true"), 0);
    cr_expect_eq(lists(), 2);
}

Test(lists_queue, a_step_works_on_no_more_articles_than_its_limit)
{
    struct relater *relater = relater_open(url);

    articles(1, 10);
    for (int left = 10; left > 0; left -= 4)
        cr_expect_eq(lists_read(&relater->maker, 4), left < 4 ? left : 4);
    for (int left = 10; left > 0; left -= 4)
        cr_expect_eq(lists_make(&relater->maker, 4), left < 4 ? left : 4);
    relater_work(relater);
    cr_expect_eq(lists(), 10);
    relater_close(relater);
}

Test(lists_queue, work_that_is_rolled_back_leaves_the_queue_as_it_was)
{
    articles(1, 2);
    test_sql(url, "begin; select related_take(100); rollback");
    cr_expect_eq(queued("needs_reading"), 2);
    refresh();
    cr_expect_eq(lists(), 2);
}

Test(lists_queue, a_second_reader_neither_waits_nor_reads_the_same_articles)
{
    PGconn *first = test_session_open(url);
    struct relater *second = relater_open(url);

    articles(1, 40);
    test_session_sql(first, "begin; select related_take(10)");
    cr_expect_eq(lists_read(&second->maker, 100), 30);
    cr_expect_eq(lists_read(&second->maker, 100), 0);
    test_session_sql(first, "rollback");
    PQfinish(first);
    relater_work(second);
    cr_expect_eq(lists(), 40);
    relater_close(second);
}

Test(lists_queue, lists_are_made_by_several_callers_at_the_same_time)
{
    PGconn *first = test_session_open(url);
    struct relater *second = relater_open(url);

    articles(1, 40);
    cr_expect_eq(lists_read(&second->maker, 100), 40);
    test_session_sql(first, "begin; select related_take_lists(10)");
    cr_expect_eq(lists_make(&second->maker, 100), 30);
    cr_expect_eq(lists_make(&second->maker, 100), 0);
    test_session_sql(first, "rollback");
    PQfinish(first);
    relater_work(second);
    cr_expect_eq(lists(), 40);
    relater_close(second);
}

Test(lists_queue, an_article_that_is_published_now_gets_a_first_list_before_it_is_read)
{
    struct relater *relater = relater_open(url);

    articles(1, 8);
    relater_work(relater);
    articles(9, 10);
    cr_expect_eq(lists_make_first(&relater->maker, 1), 1);
    cr_expect_eq(lists(), 9);
    cr_expect_eq(test_sql_number(url, "select count(*) from related_views where article_id = 9"),
                 1);
    cr_expect_eq(queued("needs_reading and article_id in (9, 10)"), 2, "both are to be read");
    cr_expect_eq(test_sql_number(url, "select count(*) from article_terms"), 8);
    cr_expect_eq(lists_make_first(&relater->maker, 2), 1, "the first one has its list");
    cr_expect_eq(lists_make_first(&relater->maker, 2), 0);
    relater_work(relater);
    cr_expect_eq(lists(), 10);
    cr_expect_eq(test_sql_number(url, "select count(*) from article_terms"), 10);
    relater_close(relater);
}

Test(lists_queue, a_first_list_is_that_which_is_made_after_the_article_is_read)
{
    static const char cards[] =
        "select string_agg(related_id || ' ' || round(score::numeric, 2), ', '"
        "  order by rank) from article_related where article_id = 9";
    struct relater *relater = relater_open(url);

    articles(1, 9);
    test_sql(url, "delete from articles where id = 9");
    relater_work(relater);
    articles(9, 9);
    cr_expect_eq(lists_make_first(&relater->maker, 1), 1);
    char *first = test_sql_value(url, cards);
    relater_work(relater);
    char *then = test_sql_value(url, cards);
    cr_expect_str_eq(then, first);
    free(first);
    free(then);
    relater_close(relater);
}

Test(lists_queue, a_changed_or_withdrawn_article_gets_no_first_list)
{
    struct relater *relater = relater_open(url);

    articles(1, 3);
    relater_work(relater);
    test_sql(url, "update articles set body = 'Nest' where id = 1");
    articles(4, 4);
    test_sql(url, "update articles set status = 'withdrawn' where id = 4");
    cr_expect_eq(lists_make_first(&relater->maker, 10), 0);
    relater_work(relater);
    cr_expect_eq(lists(), 3);
    relater_close(relater);
}

Test(lists_queue, an_article_whose_first_list_can_not_be_made_is_read_all_the_same)
{
    struct relater *relater = relater_open(url);

    articles(1, 3);
    test_sql(url, "create function refuse() returns trigger language plpgsql as"
                  "  $$ begin raise exception 'no'; end $$;"
                  "create trigger refuse before insert on related_made for each row"
                  "  when (new.article_id = 2) execute function refuse()");
    cr_expect_eq(lists_make_first(&relater->maker, 10), 0);
    relater_work(relater);
    cr_expect_eq(test_sql_number(url, "select count(*) from article_terms"), 3);
    cr_expect_eq(lists(), 2);
    test_sql(url, "drop trigger refuse on related_made");
    test_sql(url, "update related_failures set retry_at = now()");
    relater_work(relater);
    cr_expect_eq(lists(), 3);
    relater_close(relater);
}

Test(lists_queue, two_sessions_make_different_first_lists)
{
    PGconn *first = test_session_open(url);
    struct relater *second = relater_open(url);

    articles(1, 8);
    test_session_sql(first, "begin; select related_new(3)");
    cr_expect_eq(lists_make_first(&second->maker, 10), 5);
    test_session_sql(first, "rollback");
    PQfinish(first);
    relater_work(second);
    cr_expect_eq(lists(), 8);
    relater_close(second);
}

/* What another session does between the time when a reader reads texts and the time when it has the lock on the terms.
 * Once. */
static void interfere(const char *sql)
{
    test_sql(url,
             "create sequence calls;"
             "create function interfere() returns void language plpgsql as $f$ begin %s; end $f$;"
             "alter function related_lock_terms rename to lock_terms;"
             "create function related_lock_terms(ids bigint[]) returns table (article_id bigint,"
             "  is_published boolean, revision bigint, language text, nwords integer, vector bytea,"
             "  others bytea) language plpgsql as $f$ begin"
             "  if nextval('calls') = 1 then perform interfere(); end if;"
             "  return query select * from lock_terms(ids); end $f$",
             sql);
}

static long articles_counted(void)
{
    return test_sql_number(url, "select coalesce(sum(narticles), 0) from related_languages");
}

Test(lists_queue, an_article_that_another_session_has_read_meanwhile_is_read_again)
{
    struct relater *relater = relater_open(url);

    articles(1, 8);
    relater_work(relater);
    interfere("update article_terms set revision = 1000 where article_id = 1");
    test_sql(url, "update articles set body = 'Marsh in the evening' where id in (1, 2)");
    cr_expect_eq(lists_read(&relater->maker, 100), 2);
    cr_expect_eq(queued("needs_reading and article_id = 1"), 1, "it is read once more");
    cr_expect_eq(queued("needs_reading"), 1);
    cr_expect_eq(lists_read(&relater->maker, 100), 1);
    cr_expect_eq(queued("needs_reading"), 0);
    cr_expect_eq(articles_counted(), 8);
    relater_work(relater);
    relater_close(relater);
}

Test(lists_queue, an_article_that_is_deleted_while_it_is_read_leaves_no_terms)
{
    struct relater *relater = relater_open(url);

    articles(1, 8);
    interfere("delete from articles where id = 3; delete from related_queue where article_id = 3");
    cr_expect_eq(lists_read(&relater->maker, 100), 8);
    relater_work(relater);
    cr_expect_eq(articles_counted(), 7);
    cr_expect_eq(test_sql_number(url, "select count(*) from article_terms where article_id = 3"),
                 0);
    cr_expect_eq(lists(), 7);
    relater_close(relater);
}

Test(lists_queue, an_article_that_is_published_while_it_is_taken_out_keeps_its_terms)
{
    struct relater *relater = relater_open(url);

    articles(1, 8);
    relater_work(relater);
    interfere("update articles set status = 'published' where id = 3;"
              " delete from related_queue where article_id = 3");
    test_sql(url, "update articles set status = 'withdrawn' where id = 3");
    cr_expect_eq(lists_read(&relater->maker, 100), 1);
    relater_work(relater);
    cr_expect_eq(articles_counted(), 8);
    cr_expect_eq(lists(), 8);
    relater_close(relater);
}

Test(lists_queue, a_wait_for_another_reader_is_no_fault_of_an_article)
{
    PGconn *other = test_session_open(url);
    struct relater *relater = relater_open(url);

    articles(1, 8);
    test_sql(url, "alter function related_lock_terms(bigint[]) set lock_timeout = '50ms'");
    test_session_sql(other, "begin; select pg_advisory_xact_lock(work_lock(0))");
    cr_expect_eq(lists_read(&relater->maker, 100), -1);
    cr_expect_eq(test_sql_number(url, "select count(*) from related_failures"), 0);
    cr_expect_eq(queued("needs_reading"), 8);
    test_session_sql(other, "commit");
    PQfinish(other);
    relater_work(relater);
    cr_expect_eq(lists(), 8);
    relater_close(relater);
}

/* Otherwise the two could wait for each other: the deletion for a list, the list for the
 * article. */
Test(lists_queue, a_list_that_a_deletion_has_locked_is_postponed)
{
    PGconn *other = test_session_open(url);

    articles(1, 8);
    refresh();
    test_session_sql(other, "begin; delete from articles where id = 8");
    articles(9, 9);
    struct relater *relater = relater_open(url);
    relater_round(relater, 100);
    cr_expect_eq(lists_make(&relater->maker, 100), 0, "the lists wait for a second");
    relater_close(relater);
    cr_expect_gt(queued("not needs_reading"), 0);
    test_session_sql(other, "delete from articles where id = 9");
    test_session_sql(other, "commit");
    PQfinish(other);
    cr_assert(WAIT_UNTIL(20000, (refresh(), queued("true") == 0)));
    cr_expect_eq(lists(), 7);
    cr_expect_eq(
        test_sql_number(url, "select count(*) from article_related where related_id in (8, 9)"), 0);
}

Test(lists_queue, a_language_that_is_no_code_is_refused)
{
    cr_expect_eq(test_sql_number(url,
                                 "do $$ begin update related_settings set language = 'english-1'; "
                                 "exception when check_violation then null; end $$;"
                                 "select count(*) from related_settings where language = 'en'"),
                 1);
}
