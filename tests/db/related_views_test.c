/* Related lists as they are stored for readers: what marks them as stale, what finishes them again,
 * and that readers get the right list all the while: migrations/0005_finished.sql. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
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

/* Of all that is stored of lists. The caller frees it. */
static char *stored(void)
{
    return model_value(session, "select string_agg(v::text, ' ' order by article_id)"
                                " from related_views v");
}

struct change {
    char sql[320];  /* one transaction, or several */
    char marks[16]; /* that it is to leave */
};

ParameterizedTestParameters(related_views, are_marked_for_cards_and_lists_that_changed_and_no_more)
{
    static struct change cases[] = {
        {"update articles set title = 'New' where id = 2", "2"},
        {"update articles set summary = 'New', slug = 'new' where id = 3", "3"},
        {"update articles set section_id = 2, published_at = '2024-02-01Z' where id = 1", "1"},
        {"update articles set status = 'withdrawn' where id in (1, 2)", "1,2"},
        {"update articles set status = 'published' where id = 4", "4"},
        {"update sections set name = 'Town' where id = 1", "1,2"},
        {"insert into article_related values (3, 1, 4, 1)", "3"},
        {"update article_related set rank = 7 - rank where article_id = 1", "1"},
        {"update article_related set article_id = 3 where article_id = 2", "2,3"},
        {"delete from article_related where article_id = 2", "2"},
        {"delete from articles where id = 2", "1,2"},
        /* what no card says */
        {"update articles set body = 'New', version = version + 1, updated_at = now()", ""},
        {"update articles set title = title", ""},
        {"update articles set title = 'New' where status <> 'published'", ""},
        {"update articles set status = 'withdrawn' where id = 4", ""},
        {"delete from article_tags", ""},
        {"update tags set name = 'Tramway' where id = 1", ""},
        {"update authors set name = 'Ada B' where id = 1", ""},
        {"delete from article_authors", ""},
        /* what no list has */
        {"insert into articles (id, slug, section_id, published_at, title, body)"
         " values (10, 'ten', 1, now(), 'Ten', 'Body')",
         ""},
        {"delete from articles where id in (4, 5)", ""},
        {"truncate article_related", ""},
        {"truncate articles cascade", ""},
        /* what did not happen */
        {"begin; update articles set title = 'New'; delete from article_related; rollback", ""},
        {"begin; savepoint s; update articles set title = 'New'; delete from article_related;"
         " rollback to s; update articles set title = 'New' where id = 3; commit",
         "3"},
    };
    return cr_make_param_array(struct change, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct change *c, related_views,
                  are_marked_for_cards_and_lists_that_changed_and_no_more)
{
    test_session_sql(session, "%s", c->sql);
    expect_marks(c->marks, c->sql);
    model_expect_agreement(session, c->sql);
    model_expect_settled(session, c->sql);
}

Test(related_views, show_a_changed_card_from_the_commit_on_and_not_when_somebody_refreshes)
{
    char *before = stored();
    test_session_sql(session, "update articles set title = 'New' where id = 2");
    model_expect_agreement(session, "the commit");
    char *after = stored();
    cr_expect_str_eq(before, after, "nobody has refreshed");
    cr_expect_eq(model_number(session, "select related_views_refresh(100)"), 2,
                 "1 shows it, and 2");
    free(after);
    after = stored();
    cr_expect_str_neq(before, after);
    expect_marks("", "a refresh");
    model_expect_agreement(session, "a refresh");
    free(before);
    free(after);
}

Test(related_views, never_show_what_was_withdrawn_but_keep_its_id_until_it_is_back)
{
    for (int refreshed = 0; refreshed < 2; refreshed++) {
        test_session_sql(session, "update articles set status = 'withdrawn' where id = 2");
        if (refreshed)
            model_settle(session);
        model_expect_list(session, 1, "2,3", "3");
        test_session_sql(session, "update articles set status = 'draft' where id = 3");
        if (refreshed)
            model_settle(session);
        model_expect_list(session, 1, "2,3", "");
        test_session_sql(session, "update articles set status = 'published' where id in (2, 3)");
        if (refreshed)
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

Test(related_views, go_with_their_article)
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
    model_expect_settled(session, "an article again under the number of one that is gone");
}

/* So that no change of one article takes long, and no refresh, in however many lists it is. */
enum { SHOWING = 2500, STEP = 100 };

static void make_hub(void)
{
    test_session_sql(session,
                     "insert into articles (id, slug, section_id, published_at, title, body)"
                     " select i, 'showing-' || i, 2, '2024-01-01Z', 'Title', 'Body'"
                     " from generate_series(1001, 1000 + %d) i;"
                     "insert into article_related select i, r, 3 - r, 1"
                     " from generate_series(1001, 1000 + %d) i, generate_series(1, 2) r",
                     SHOWING, SHOWING);
    for (int steps = 0; model_number(session, "select related_views_refresh(2000)") > 0;)
        cr_assert_lt(steps++, 10);
}

Test(related_views, of_a_hub_cost_its_change_one_mark_and_are_finished_in_small_steps)
{
    make_hub();
    test_session_sql(session, "update articles set title = 'New' where id = 1");
    cr_expect_eq(model_number(session, "select count(*) from related_stale"), 1);
    long at = 0, finished = 0, steps = 0;
    while (finished < SHOWING) {
        long dealt = model_number(session, "select related_views_refresh(%d)", STEP);
        long now = model_number(session, "select count(*) from related_views"
                                         " where cards like '%%\"New\"%%' and article_id > 1000");
        long next = model_number(session, "select max(done_to) from related_stale");
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

Test(related_views, are_finished_however_small_the_steps_are)
{
    test_session_sql(session, "update articles set title = 'New';"
                              "insert into article_related values (3, 1, 1, 1), (4, 1, 1, 1)");
    for (int steps = 0; model_number(session, "select related_views_refresh(1)") > 0;) {
        cr_assert_lt(steps++, 30);
        model_expect_agreement(session, "a step");
    }
    model_expect_settled(session, "steps of one list");
}

Test(related_views, of_lists_that_are_made_are_finished_with_them_and_need_no_marks)
{
    test_session_sql(session, "delete from article_related");
    model_settle(session);
    for (int steps = 0; model_number(session, "select related_refresh(1)") > 0;) {
        cr_assert_lt(steps++, 100);
        expect_marks("", "a list that was made");
        model_expect_agreement(session, "a list that was made");
    }
    cr_expect_gt(model_number(session, "select count(*) from related_views"), 1);
    model_expect_settled(session, "all lists");
}

struct level {
    char name[20];
};

ParameterizedTestParameters(related_views, are_only_marked_above_read_committed)
{
    static struct level cases[] = {{"repeatable read"}, {"serializable"}};
    return cr_make_param_array(struct level, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct level *c, related_views, are_only_marked_above_read_committed)
{
    test_session_sql(session, "delete from article_related where article_id = 1");
    model_settle(session);
    char *before = stored();
    test_session_sql(session, "update articles set title = 'New' where id = 2");
    test_session_sql(session,
                     "begin isolation level %s; select related_refresh(100);"
                     "select related_views_refresh(100); commit",
                     c->name);
    char *after = stored();
    cr_expect_str_eq(before, after, "%s", c->name);
    cr_expect_gt(model_number(session, "select count(*) from article_related"), 2);
    cr_expect_eq(model_number(session,
                              "select count(*) from related_stale where article_id in (1, 2)"
                              " having count(distinct article_id) = 2") >= 2,
                 1);
    model_expect_agreement(session, c->name);
    model_expect_settled(session, c->name);
    free(before);
    free(after);
}

/* As an import may, that makes lists of what has no card yet. */
Test(related_views, follow_who_writes_the_views_of_articles_later)
{
    test_session_sql(session,
                     "begin; set local broadsheet.views = 'later';"
                     "insert into articles (id, slug, section_id, published_at, title, body)"
                     " values (10, 'ten', 1, '2024-03-01Z', 'Ten', 'Body');"
                     "update articles set title = 'New', status = 'published' where id in (3, 5);"
                     "insert into article_related values (2, 2, 10, 1), (10, 1, 5, 1);"
                     "select related_views_refresh(100);"
                     "select articles_changed('{3,5,10}'); commit");
    expect_marks("3,5,10", "an import");
    model_expect_list(session, 2, "1,10", "1,10");
    model_expect_list(session, 10, "5", "5");
    model_expect_agreement(session, "an import");
    model_expect_settled(session, "an import");
}
