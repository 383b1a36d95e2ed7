/* A section, an author or a tag gets another name:
 *
 *     the rename --> one mark for the name --> readers get the new name from the commit on
 *                                          --> the work writes some documents at a time, and deletes the mark
 *                                          --> no mark is left: the gates close */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/db/model.h"
#include "tests/db/race.h"
#include "tests/support/database.h"
#include "tests/support/wait.h"

enum { MANY = 1000 };

static char *url;
static PGconn *control, *one, *two;

static void open_site(void)
{
    url = model_create();
    control = test_session_open(url);
    one = test_session_open(url);
    two = test_session_open(url);
}

static void close_site(void)
{
    PQfinish(two);
    PQfinish(one);
    PQfinish(control);
    free(url);
}

TestSuite(renames, .init = open_site, .fini = close_site, .timeout = 120);

/* Articles of section 2 with author 2 and tag 3, from 1001 on. */
static void add_many(void)
{
    test_session_sql(
        control,
        "insert into articles (id, slug, section_id, published_at, title, body)"
        " select i, 'many-' || i, 2, '2024-01-01Z', 'Title', 'Body'"
        " from generate_series(1001, 1000 + %d) i;"
        "insert into article_authors select i, 1, 2 from generate_series(1001, 1000 + %d) i;"
        "insert into article_tags select i, 3, '2024-01-01Z' from generate_series(1001, 1000 + %d) "
        "i",
        MANY, MANY, MANY);
    model_settle(control);
    test_session_sql(control, "select close_gates()");
    test_session_sql(control, "truncate change_log");
}

static bool has_name(int article, const char *name)
{
    char *document = model_document(control, article);
    bool has = strstr(document, name) != NULL;
    free(document);
    return has;
}

static const struct rename {
    const char *sql, *marks, *name;
} renames[] = {
    {"update sections set name = 'Games' where id = 2", "s2", "Games"},
    {"update authors set name = 'Robert' where id = 2", "u2", "Robert"},
    {"update tags set name = 'Railway', slug = 'railway' where id = 3", "t3", "railway"},
};

Test(renames, of_names_in_many_articles_write_a_bounded_number_of_rows)
{
    add_many();
    for (size_t i = 0; i < sizeof(renames) / sizeof(renames[0]); i++) {
        test_session_sql(control,
                         "select pg_stat_force_next_flush()"); /* otherwise earlier rows count
                                                                * too */
        test_session_sql(control, "begin; %s", renames[i].sql);
        long nwritten = model_number(
            control, "select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_xact_user_tables");
        cr_expect_leq(nwritten, 8, "%s writes %ld rows", renames[i].sql, nwritten);
        test_session_sql(control, "commit");
        char *marks = model_marks(control);
        cr_expect_str_eq(marks, renames[i].marks);
        free(marks);
        model_settle(control);
    }
}

Test(renames, are_seen_from_the_commit_on_while_the_work_goes_on_and_after_it)
{
    add_many();
    for (size_t i = 0; i < sizeof(renames) / sizeof(renames[0]); i++) {
        test_session_sql(control, "%s", renames[i].sql);
        for (long done = 1, steps = 0; done > 0 || steps < 3; steps++) {
            cr_expect(has_name(1001, renames[i].name), "%s, after %ld steps", renames[i].sql,
                      steps);
            cr_expect(has_name(1000 + MANY, renames[i].name), "%s, after %ld steps", renames[i].sql,
                      steps);
            done = model_number(control, "select stale_work('{}', 100)");
            cr_expect_leq(done, 101, "one step writes a bounded number of documents");
        }
        model_settle(control);
        long nnew = model_number(control,
                                 "select count(*) from article_views where article_id > 1000"
                                 " and document like '%%%s%%'",
                                 renames[i].name);
        cr_expect_eq(nnew, MANY);
    }
    model_expect_agreement(control, "all renames");
    test_session_sql(control, "select close_gates()");
    cr_expect(model_gates_are_closed(control));
    model_expect_agreement(control, "the gates have closed");
}

Test(renames, of_one_name_cost_as_much_as_one_rename_when_they_come_before_the_work)
{
    enum { RENAMES = 20 };
    add_many();
    for (int i = 0; i < RENAMES; i++)
        test_session_sql(control, "update tags set name = 'Tram %d' where id = 3", i);
    long written = 0;
    cr_assert(WAIT_UNTIL(60000, (written += model_number(control, "select stale_work('{}', 100)"),
                                 model_number(control, "select count(*) from stale_marks") == 0)));
    cr_expect_lt(written, 2 * MANY, "%ld documents were written", written);
    cr_expect(has_name(1000 + MANY, "Tram 19"));
    model_expect_agreement(control, "many renames of one tag");
}

/* The second rename comes when the first half of the documents is written. */
Test(renames, that_come_while_the_work_goes_on_are_written_everywhere)
{
    add_many();
    test_session_sql(control, "update tags set name = 'Tram 1' where id = 3");
    cr_assert(WAIT_UNTIL(
        60000, (model_number(control, "select stale_work('{}', 100)"),
                model_number(control, "select max(done_to) from stale_marks") > 1000 + MANY / 2)));
    test_session_sql(control, "update tags set name = 'Tram 2' where id = 3");
    model_settle(control);
    cr_expect_eq(model_number(control, "select count(*) from article_views where article_id > 1000"
                                       " and document like '%%\"Tram 2\"%%'"),
                 MANY);
}

Test(renames, open_the_gates_again_after_they_have_closed)
{
    for (int i = 0; i < 5; i++) {
        cr_expect(model_gates_are_closed(control));
        test_session_sql(control, "update sections set name = 'City %d' where id = 1", i);
        cr_expect_not(model_gates_are_closed(control));
        test_session_sql(control, "select close_gates()");
        cr_expect_not(model_gates_are_closed(control), "a mark is left");
        model_expect_agreement(control, "a rename");
        model_settle(control);
        test_session_sql(control, "select close_gates()");
        model_expect_agreement(control, "the gates have closed");
    }
}

/* The transaction wrote a document with the old name before the rename, and commits after it. */
Test(renames, correct_the_document_of_a_transaction_that_was_open_during_the_rename)
{
    test_session_sql(one, "begin; update articles set body = 'New' where id = 3");
    test_session_sql(control, "update tags set name = 'Tramway' where id = 1;"
                              "update sections set name = 'Games' where id = 2");
    for (int i = 0; i < 3; i++)
        test_session_sql(control, "select related_work(100)");
    char *marks = model_marks(control);
    cr_expect_str_eq(marks, "s2 t1", "the marks wait for the transaction: %s", marks);
    free(marks);
    model_expect_agreement(control, "the work before the commit");
    test_session_sql(one, "commit");
    model_expect_agreement(control, "the commit");
    cr_expect(has_name(3, "Tramway") && has_name(3, "Games"));
    model_expect_settled(control, "the work after the commit");
}

/* In both orders: the editor's transaction first, or the rename. */
Test(renames, do_not_deadlock_with_an_editor_who_gives_the_same_tags_in_another_order)
{
    char state[6];
    test_session_sql(control, "insert into tags (id, name) overriding system value"
                              " select i, 'Tag ' || i from generate_series(11, 15) i");
    for (int order = 0; order < 2; order++) {
        PGconn *editor = order == 0 ? one : two, *renamer = order == 0 ? two : one;
        test_session_sql(
            editor,
            "begin; update articles set title = title || '!' where id = 2;"
            "insert into article_tags select 2, 15, published_at from articles where id = 2");
        test_session_sql(renamer, "begin; update tags set name = name || '.' where id = 11");
        test_session_sql(
            editor,
            "set local lock_timeout = '10s';"
            "insert into article_tags select 2, 11, published_at from articles where id = 2");
        race_start(renamer, control,
                   "update tags set name = name || '.' where id between 11 and 15");
        cr_expect_not(race_is_waiting(renamer, control), "the rename waits for the editor");
        race_end(renamer, state);
        cr_expect_str_empty(state);
        test_session_sql(order == 0 ? editor : renamer, "commit");
        model_expect_agreement(control, "the first commit");
        test_session_sql(order == 0 ? renamer : editor, "commit");
        model_expect_agreement(control, "the second commit");
        model_settle(control);
        test_session_sql(control, "delete from article_tags where tag_id > 10");
    }
}

/* `one` marks, `two` closes the gates, in both orders. A reader that sees the rename gets the new name. */
Test(renames, never_leave_a_closed_gate_before_a_mark)
{
    static const char *const levels[] = {"read committed", "repeatable read", "serializable"};
    char state[6];
    for (int i = 0; i < 6; i++) {
        const char *level = levels[i % 3];
        /* a gate is open and no mark is left */
        test_session_sql(control, "update tags set name = 'First %d' where id = 1", i);
        model_settle(control);
        if (i < 3) {
            test_session_sql(one,
                             "begin isolation level %s; select 1;"
                             "update tags set name = 'Second %d' where id = 1",
                             level, i);
            cr_expect_eq(model_number(two, "select close_gates()::int"), 0,
                         "a mark is about to commit");
            test_session_sql(one, "commit");
        } else {
            test_session_sql(one, "begin isolation level %s; select count(*) from tags", level);
            test_session_sql(two, "begin; select close_gates()");
            char *rename = test_sql_value(
                url, "select 'update tags set name = ''Second %d'' where id = 1'", i);
            race_start(one, control, rename);
            free(rename);
            test_session_sql(two, "commit");
            race_end(one, state);
            cr_expect_str_empty(state);
            test_session_sql(one, "commit");
        }
        cr_expect(has_name(1, "Second"), "%s", level);
        model_expect_agreement(control, level);
        cr_expect_not(model_gates_are_closed(control), "%s", level);
    }
    model_expect_settled(control, "all renames");
}

/* Sessions rename, work, and close the gates as fast as they can. */
Test(renames, are_seen_at_once_while_the_gates_open_and_close)
{
    enum { RENAMES = 150 };
    char work[] = "select related_work(10)", name[32];
    for (int i = 0; i < RENAMES; i++) {
        cr_assert(PQsendQuery(one, work));
        cr_assert(PQsendQuery(two, "select close_gates()"));
        snprintf(name, sizeof(name), "Name %d.", i);
        test_session_sql(control, "update tags set name = '%s' where id = 1", name);
        cr_assert(has_name(1, name), "%s", name);
        model_expect_agreement(control, name);
        for (int s = 0; s < 2; s++) {
            for (PGresult *r; (r = PQgetResult(s == 0 ? one : two)) != NULL; PQclear(r))
                cr_assert_eq(PQresultStatus(r), PGRES_TUPLES_OK, "%s", PQresultErrorMessage(r));
        }
        cr_assert(has_name(1, name), "%s", name);
    }
    model_expect_settled(control, "all renames");
}
