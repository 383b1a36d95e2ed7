/* Articles on which PostgreSQL fails. The work on all other articles continues, and these articles
 * are tried again after longer and longer pauses. A trigger of the test fails in place of a row
 * that cannot be read. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/db/model.h"
#include "tests/support/database.h"
#include "tests/support/wait.h"

static char *url;
static PGconn *session;

static void open_site(void)
{
    url = model_create();
    session = test_session_open(url);
    test_session_sql(session,
                     "insert into articles (id, slug, section_id, published_at, title, body)"
                     " select i, 'heron-' || i, 1, '2024-02-01Z', 'Heron ' || i, 'Pond ' || i"
                     " from generate_series(11, 20) i;"
                     "create function break() returns trigger language plpgsql as"
                     " $$ begin raise exception 'article %% is broken', new.article_id; end $$");
}

static void close_site(void)
{
    PQfinish(session);
    free(url);
}

TestSuite(failures, .init = open_site, .fini = close_site, .timeout = 120);

static void break_article(int id, const char *table)
{
    test_session_sql(session,
                     "create trigger broken before insert or update on %s for each row"
                     " when (new.article_id = %d) execute function break()",
                     table, id);
}

/* Works until nothing is left to do. Returns the articles that failed as "{15}", once for each call
 * in which they failed: a list may be in the queue for several reasons. */
static char *work(char *ret_reason, size_t size)
{
    char *all = strdup("");
    ret_reason[0] = '\0';
    for (int steps = 0, done = 1; done > 0; steps++) {
        cr_assert_lt(steps, 100, "the work does not end");
        PGresult *row =
            test_session_rows(session, "%s", "select done, failed, reason from related_work(100)");
        done = atoi(PQgetvalue(row, 0, 0));
        if (!PQgetisnull(row, 0, 1)) {
            char *longer = malloc(strlen(all) + strlen(PQgetvalue(row, 0, 1)) + 1);
            strcat(strcpy(longer, all), PQgetvalue(row, 0, 1));
            free(all);
            all = longer;
            snprintf(ret_reason, size, "%s", PQgetvalue(row, 0, 2));
        }
        PQclear(row);
    }
    return all;
}

static void expect_failed(const char *want)
{
    char reason[200];
    char *failed = work(reason, sizeof(reason));
    bool is_same = want[0] == '\0' ? failed[0] == '\0' : strncmp(failed, want, strlen(want)) == 0;
    cr_expect(is_same, "%s and not %s", failed, want);
    if (want[0] != '\0')
        cr_expect_not_null(strstr(reason, "article 15 is broken"), "%s", reason);
    free(failed);
}

static long failures(void)
{
    return model_number(
        session, "select coalesce(sum(failures), 0) from related_failures where article_id = 15");
}

/* In seconds, or slightly less. */
static long pause_left(void)
{
    return model_number(
        session,
        "select extract(epoch from retry_at - clock_timestamp())::int from related_failures"
        " where article_id = 15");
}

static void let_pause_end(void)
{
    test_session_sql(session, "update related_failures set retry_at = now() - interval '1 s';"
                              "update stale_marks set retry_at = now() - interval '1 s'");
}

static void expect_pauses_that_grow(void)
{
    cr_expect_eq(failures(), 1);
    cr_expect(pause_left() > 0 && pause_left() <= 10, "%ld", pause_left());
    expect_failed("");
    cr_expect_eq(failures(), 1, "it is not tried again during the pause");
    for (long n = 2, most = 40; n <= 7; n++, most = most * 4 < 3600 ? most * 4 : 3600) {
        let_pause_end();
        expect_failed("{15}");
        cr_expect_eq(failures(), n);
        cr_expect(pause_left() > most / 2 && pause_left() <= most, "failure %ld: %ld", n,
                  pause_left());
    }
}

Test(failures, in_reading_an_article_stop_no_other_article)
{
    break_article(15, "article_terms");
    expect_failed("{15}");
    cr_expect_eq(model_number(session, "select count(*) from article_terms"), 12);
    cr_expect_eq(
        model_number(
            session,
            "select count(distinct article_id) from article_related where article_id > 10"),
        9);
    expect_pauses_that_grow();
    test_session_sql(session, "drop trigger broken on article_terms");
    let_pause_end();
    expect_failed("");
    cr_expect_eq(failures(), 0);
    cr_expect_eq(
        model_number(session, "select count(*) from article_related where article_id = 15"), 6);
    model_expect_settled(session, "a failure in reading");
}

Test(failures, in_making_a_list_stop_no_other_list)
{
    break_article(15, "article_related");
    expect_failed("{15}");
    cr_expect_eq(
        model_number(
            session,
            "select count(distinct article_id) from article_related where article_id > 10"),
        9);
    expect_pauses_that_grow();
    test_session_sql(session, "drop trigger broken on article_related");
    let_pause_end();
    expect_failed("");
    cr_expect_eq(failures(), 0);
    cr_expect_eq(
        model_number(session, "select count(*) from article_related where article_id = 15"), 6);
    model_expect_settled(session, "a failure in making lists");
}

Test(failures, in_writing_a_document_stop_no_other_document_and_readers_get_the_new_name)
{
    expect_failed("");
    break_article(15, "article_views");
    test_session_sql(session, "update sections set name = 'Town' where id = 1");
    cr_assert(WAIT_UNTIL(
        20000, model_number(session, "select count(*) from stale_marks where key %% 16 = 2") == 0 ||
                   model_number(session, "select done from related_work(100)") < 0));
    cr_expect_eq(failures(), 1);
    cr_expect_eq(
        model_number(session,
                     "select count(*) from article_views where document like '%%\"Town\"%%'"),
        13);
    char *document = model_document(session, 15);
    cr_expect_not_null(strstr(document, "\"Town\""), "%s", document);
    free(document);
    expect_pauses_that_grow();
    test_session_sql(session, "drop trigger broken on article_views");
    let_pause_end();
    expect_failed("");
    cr_expect_eq(failures(), 0);
    model_expect_settled(session, "a failure in writing documents");
}

Test(failures, of_an_article_that_is_deleted_are_forgotten)
{
    break_article(15, "article_terms");
    expect_failed("{15}");
    test_session_sql(session, "delete from articles where id = 15");
    let_pause_end();
    expect_failed("");
    cr_expect_eq(failures(), 0);
}
