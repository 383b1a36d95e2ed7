/* Related lists as they are stored for readers: which changes mark them as stale, which functions
 * write them again, and that readers always get the right list (migrations/functions/05_marks.sql,
 * 07_lists.sql, 08_stale.sql). */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/db/model.h"
#include "tests/support/database.h"

static char *url;
static PGconn *session;

static void open_site(void)
{
    url = model_create();
    session = test_session_open(url);
}

static void close_site(void)
{
    PQfinish(session);
    free(url);
}

TestSuite(related_views, .init = open_site, .fini = close_site, .timeout = 60);

static void expect_marks(const char *want, const char *after)
{
    char *marks = model_marks(session);
    cr_expect_str_eq(marks, want, "after %s: %s and not %s", after, marks, want);
    free(marks);
}

/* A hash of all stored lists. The caller frees it. */
static char *stored(void)
{
    return model_value(session, "select string_agg(v::text, ' ' order by article_id)"
                                " from related_views v");
}

/* One transaction, or several, and the marks that it leaves (model.h). */
static const struct change {
    const char *sql, *marks;
} changes[] = {
    {"update articles set title = 'New' where id = 2", "a2"},
    {"update articles set summary = 'New', slug = 'new' where id = 3", "a3"},
    {"update articles set section_id = 2, published_at = '2024-02-01Z' where id = 1", "a1"},
    {"update articles set image_url = 'https://example.com/a' where id = 1", "a1"},
    {"update articles set status = 'withdrawn' where id in (1, 2)", "a1 a2"},
    {"update articles set status = 'published' where id = 4", "a4"},
    {"update sections set name = 'Town' where id = 1", "s1"},
    {"insert into article_related values (3, 1, 4, 1)", "l3"},
    {"update article_related set rank = 7 - rank where article_id = 1", "l1"},
    {"update article_related set article_id = 3 where article_id = 2", "l2 l3"},
    {"delete from article_related where article_id = 2", "l2"},
    {"delete from articles where id = 2", "l1 l2"},
    /* changes that only documents show */
    {"update tags set name = 'Tramway' where id = 1", "t1"},
    {"update authors set name = 'Ada B' where id = 1", "u1"},
    /* changes that neither cards nor names show */
    {"update articles set body = 'New', version = version + 1, updated_at = now()", ""},
    {"update articles set language = 'de', corrections = '[]'", ""},
    {"update articles set title = title", ""},
    {"update articles set title = 'New' where status <> 'published'", ""},
    {"update articles set status = 'withdrawn' where id = 4", ""},
    {"delete from article_tags", ""},
    {"update tags set name = name", ""},
    {"delete from article_authors", ""},
    /* rows that are in no list */
    {"insert into articles (id, slug, section_id, published_at, title, body)"
     " values (10, 'ten', 1, now(), 'Ten', 'Body')",
     ""},
    {"delete from articles where id in (4, 5)", ""},
    {"truncate article_related", ""},
    {"truncate articles cascade", ""},
    /* changes that did not happen */
    {"begin; update articles set title = 'New'; delete from article_related;"
     "update tags set name = name || 's'; rollback",
     ""},
    {"begin; savepoint s; update articles set title = 'New'; delete from article_related;"
     " rollback to s; update articles set title = 'New' where id = 3; commit",
     "a3"},
};

Test(related_views, are_marked_for_changed_cards_lists_and_names_and_for_nothing_else)
{
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        model_reset(session);
        test_session_sql(session, "%s", changes[i].sql);
        expect_marks(changes[i].marks, changes[i].sql);
        model_expect_agreement(session, changes[i].sql);
        model_expect_settled(session, changes[i].sql);
    }
}

Test(related_views, show_a_changed_card_from_the_commit_on_before_the_mark_is_worked_off)
{
    char *before = stored();
    test_session_sql(session, "update articles set title = 'New' where id = 2");
    model_expect_agreement(session, "the commit");
    char *after = stored();
    cr_expect_str_eq(before, after, "nobody has written the lists");
    cr_expect_eq(model_number(session, "select stale_work('{}', 100)"), 2,
                 "the mark, and list 1, which shows the card");
    free(after);
    after = stored();
    cr_expect_str_neq(before, after);
    expect_marks("", "the work");
    model_expect_agreement(session, "the work");
    free(before);
    free(after);
}

Test(related_views, never_show_an_article_that_was_withdrawn_but_keep_its_id_until_it_is_back)
{
    for (int is_written = 0; is_written < 2; is_written++) {
        test_session_sql(session, "update articles set status = 'withdrawn' where id = 2");
        if (is_written)
            model_settle(session);
        model_expect_list(session, 1, "2,3", "3");
        test_session_sql(session, "update articles set status = 'draft' where id = 3");
        if (is_written)
            model_settle(session);
        model_expect_list(session, 1, "2,3", "");
        test_session_sql(session, "update articles set status = 'published' where id in (2, 3)");
        if (is_written)
            model_settle(session);
        model_expect_list(session, 1, "2,3", "2,3");
    }
}

Test(related_views, have_no_row_for_a_list_that_is_empty)
{
    cr_expect_eq(model_number(session, "select count(*) from related_views"), 2);
    model_expect_list(session, 3, "", "");
    test_session_sql(session, "delete from article_related where article_id = 1");
    model_expect_list(session, 1, "", "");
    model_settle(session);
    cr_expect_eq(model_number(session, "select sum(article_id) from related_views"), 2);
    model_expect_list(session, 1, "", "");
    test_session_sql(session, "insert into article_related values (1, 4, 3, 1)");
    model_expect_list(session, 1, "3", "3");
    model_settle(session);
    model_expect_list(session, 1, "3", "3");
}

Test(related_views, are_deleted_with_their_article)
{
    test_session_sql(session, "delete from articles where id = 1");
    model_expect_list(session, 1, "", "");
    model_expect_list(session, 2, "", "");
    model_settle(session);
    cr_expect_eq(model_number(session, "select count(*) from related_views"), 0);
    test_session_sql(session,
                     "insert into articles (id, slug, section_id, published_at, title, body)"
                     " values (1, 'one', 1, now(), 'Again', 'Body');"
                     "insert into article_related values (2, 1, 1, 1)");
    model_expect_list(session, 2, "1", "1");
    model_expect_settled(session, "a new article with the id of a deleted one");
}

/* An article may be in many lists. Neither its change nor a call that writes lists takes long. */
enum { SHOWING = 700, STEP = 100 };

static void make_hub(void)
{
    test_session_sql(session,
                     "insert into articles (id, slug, section_id, published_at, title, body)"
                     " select i, 'showing-' || i, 2, '2024-01-01Z', 'Title', 'Body'"
                     " from generate_series(1001, 1000 + %d) i;"
                     "insert into article_related select i, r, 3 - r, 1"
                     " from generate_series(1001, 1000 + %d) i, generate_series(1, 2) r",
                     SHOWING, SHOWING);
    model_settle(session);
}

Test(related_views, are_written_in_small_steps_after_one_mark_of_a_card_that_is_in_many_lists)
{
    make_hub();
    test_session_sql(session, "update articles set title = 'New' where id = 1");
    cr_expect_eq(model_number(session, "select count(*) from stale_marks"), 1);
    long at = 0, finished = 0, steps = 0;
    while (finished < SHOWING) {
        long dealt = model_number(session, "select stale_work('{}', %d)", STEP);
        long now = model_number(session, "select count(*) from related_views"
                                         " where cards like '%%\"New\"%%' and article_id > 1000");
        long next = model_number(session, "select max(done_to) from stale_marks");
        cr_assert_leq(steps++, SHOWING / STEP + 1);
        cr_expect(dealt > 0 && dealt <= STEP + 1, "%ld", dealt);
        cr_expect(now > finished && now <= finished + STEP, "%ld, then %ld", finished, now);
        cr_expect(next > at || (next == 0 && now == SHOWING), "%ld, then %ld", at, next);
        model_expect_agreement(session, "a step");
        finished = now;
        at = next;
    }
    model_settle(session);
    expect_marks("", "the last step");
    model_expect_agreement(session, "the last step");
}

Test(related_views, are_written_also_in_the_smallest_steps)
{
    test_session_sql(session, "update articles set title = 'New';"
                              "insert into article_related values (3, 1, 1, 1), (4, 1, 1, 1)");
    for (int steps = 0; model_number(session, "select stale_work('{}', 1)") > 0;) {
        cr_assert_lt(steps++, 30);
        model_expect_agreement(session, "a step");
    }
    model_expect_settled(session, "steps of one list");
}

Test(related_views, are_written_by_the_call_that_makes_them_and_need_no_marks)
{
    test_session_sql(session, "delete from article_related");
    model_settle(session);
    for (int steps = 0; model_number(session, "select done from related_work(1)") > 0;) {
        cr_assert_lt(steps++, 100);
        expect_marks("", "a list that was made");
        model_expect_agreement(session, "a list that was made");
    }
    cr_expect_gt(model_number(session, "select count(*) from related_views"), 1);
    model_expect_settled(session, "all lists");
}

Test(related_views, are_only_marked_above_read_committed)
{
    static const char *const levels[] = {"repeatable read", "serializable"};
    for (int i = 0; i < 2; i++) {
        model_reset(session);
        test_session_sql(session, "delete from article_related where article_id = 1");
        model_settle(session);
        char *before = stored();
        test_session_sql(session, "update articles set title = 'New' where id = 2");
        test_session_sql(session,
                         "begin isolation level %s; select related_work(100);"
                         "select stale_work('{}', 100); commit",
                         levels[i]);
        char *after = stored();
        cr_expect_str_eq(before, after, "%s", levels[i]);
        cr_expect_gt(model_number(session, "select count(*) from article_related"), 2);
        cr_expect_eq(model_number(session, "select count(*) from stale_marks where key = 33"), 1,
                     "the card of 2 is still marked");
        cr_expect_gt(model_number(session, "select count(*) from stale_marks where key %% 16 = 11"),
                     0);
        model_expect_agreement(session, levels[i]);
        model_expect_settled(session, levels[i]);
        free(before);
        free(after);
    }
}

/* As in an import, which makes lists of articles that have no card yet. */
Test(related_views, follow_a_session_that_writes_the_documents_later)
{
    test_session_sql(session,
                     "begin; set local broadsheet.documents = 'later';"
                     "insert into articles (id, slug, section_id, published_at, title, body)"
                     " values (10, 'ten', 1, '2024-03-01Z', 'Ten', 'Body');"
                     "update articles set title = 'New', status = 'published' where id in (3, 5);"
                     "insert into article_related values (2, 2, 10, 1), (10, 1, 5, 1);"
                     "select stale_work('{}', 100);"
                     "select article_views_write('{3,5,10}'); commit");
    expect_marks("a3 a5 a10", "an import");
    model_expect_list(session, 2, "1,10", "1,10");
    model_expect_list(session, 10, "5", "5");
    model_expect_agreement(session, "an import");
    model_expect_settled(session, "an import");
}
