/* Articles on which PostgreSQL fails. The work on all other articles continues, and these articles
 * are tried again after longer and longer pauses. A trigger of the test fails in place of a row
 * that cannot be read, or the row itself is damaged. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/db/model.h"
#include "tests/lists/relater.h"
#include "tests/support/database.h"
#include "tests/support/wait.h"

static char *url;
static PGconn *session;
static struct relater *relater;

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
    relater = relater_open(url);
}

static void close_site(void)
{
    relater_close(relater);
    PQfinish(session);
    free(url);
}

TestSuite(lists_failures, .init = open_site, .fini = close_site, .timeout = 120);

static void break_article(int id, const char *table)
{
    test_session_sql(session,
                     "create trigger broken before insert or update on %s for each row"
                     " when (new.article_id = %d) execute function break()",
                     table, id);
}

/* Works until nothing is left to do. Returns the articles that failed as "15 ", once for each step in which they failed: a
 * list may be in the queue for several reasons. */
static const char *work(void)
{
    relater->failed[0] = relater->reason[0] = '\0';
    relater_work(relater);
    return relater->failed;
}

static void expect_failed(const char *want)
{
    const char *failed = work();
    bool is_same = want[0] == '\0' ? failed[0] == '\0' : strncmp(failed, want, strlen(want)) == 0;
    cr_expect(is_same, "%s and not %s", failed, want);
    if (want[0] != '\0')
        cr_expect_not_null(strstr(relater->reason, "article 15 is broken"), "%s", relater->reason);
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
        expect_failed("15 ");
        cr_expect_eq(failures(), n);
        cr_expect(pause_left() > most / 2 && pause_left() <= most, "failure %ld: %ld", n,
                  pause_left());
    }
}

Test(lists_failures, in_reading_an_article_stop_no_other_article)
{
    break_article(15, "article_terms");
    expect_failed("15 ");
    cr_expect_eq(model_number(session, "select count(*) from article_terms"), 12);
    cr_expect_eq(
        model_number(
            session,
            "select count(distinct article_id) from article_related where article_id > 10"),
        10, "15 has its first list");
    expect_pauses_that_grow();
    test_session_sql(session, "drop trigger broken on article_terms");
    let_pause_end();
    expect_failed("");
    cr_expect_eq(failures(), 0);
    cr_expect_geq(
        model_number(session, "select count(*) from article_related where article_id = 15"), 3);
    model_expect_settled(session, "a failure in reading");
}

Test(lists_failures, in_making_a_list_stop_no_other_list)
{
    break_article(15, "article_related");
    expect_failed("15 ");
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
    cr_expect_geq(
        model_number(session, "select count(*) from article_related where article_id = 15"), 3);
    model_expect_settled(session, "a failure in making lists");
}

Test(lists_failures, in_writing_a_document_stop_no_other_document_and_readers_get_the_new_name)
{
    expect_failed("");
    break_article(15, "article_views");
    test_session_sql(session, "update sections set name = 'Town' where id = 1");
    cr_assert(WAIT_UNTIL(
        20000, model_number(session, "select count(*) from stale_marks where key %% 16 = 2") == 0 ||
                   relater_round(relater, 100) < 0));
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

Test(lists_failures, of_an_article_that_is_deleted_are_forgotten)
{
    break_article(15, "article_terms");
    expect_failed("15 ");
    test_session_sql(session, "delete from articles where id = 15");
    let_pause_end();
    expect_failed("");
    cr_expect_eq(failures(), 0);
}

/* Only the texts of article 15 are so long that they are stored outside their rows. */
static void lengthen_texts(void)
{
    test_session_sql(
        session,
        "create extension pg_surgery;"
        "alter table articles alter body set storage external, alter summary set storage external;"
        "alter table article_views alter document set storage external;"
        "alter table article_cards alter card set storage external;"
        "update articles set body = repeat('b', 9000), summary = repeat('s', 5000) where id = 15");
    expect_failed("");
    test_session_sql(session, "update article_related set related_id = 15 where rank = 1 and"
                              " article_id in (11, 12, 13)");
    expect_failed("");
}

/* What is stored outside the rows of the table is lost. */
static void damage(const char *table)
{
    test_session_sql(
        session,
        "do $$ declare"
        "  toast regclass := (select reltoastrelid from pg_class where oid = '%s'::regclass);"
        "  chunks tid[];"
        " begin"
        "  execute format('select array_agg(ctid) from %%s', toast) into strict chunks;"
        "  perform heap_force_kill(toast, chunks);"
        " end $$",
        table);
}

static bool can_read(const char *expression, const char *from)
{
    return model_number(session, "select count(*) from %s where md5(%s) <> '' and article_id = 15",
                        from, expression) == 1;
}

Test(lists_failures, of_a_damaged_document_or_card_never_keep_an_editor_from_writing)
{
    static const char *const tables[] = {"article_views", "article_cards"};
    lengthen_texts();
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        damage(tables[i]);
        /* Of the same length as before, so that PostgreSQL has to read both to compare them. */
        test_session_sql(session, "update articles set title = 'Stork %zu5' where id = 15", i);
        cr_expect(can_read("document", "article_views"), "%s", tables[i]);
        cr_expect(can_read("card", "article_cards"), "%s", tables[i]);
    }
    expect_failed("");
    model_expect_settled(session, "damaged documents and cards");
}

static void write_lists_anew(void)
{
    test_session_sql(session, "select mark_stale(array(select list_key(id) from articles))");
}

Test(lists_failures, of_a_damaged_card_stop_no_list_and_the_card_is_made_anew)
{
    lengthen_texts();
    damage("article_cards");
    write_lists_anew();
    expect_failed("");
    cr_expect(can_read("card", "article_cards"));
    model_expect_settled(session, "a damaged card");
}

Test(lists_failures, of_a_damaged_card_and_its_article_stop_no_other_list)
{
    lengthen_texts();
    damage("article_cards");
    damage("articles");
    write_lists_anew();
    long showing =
        model_number(session, "select count(*) from article_related where related_id = 15");
    const char *failed = work();
    cr_expect_not_null(strstr(relater->reason, "missing chunk"), "%s: %s", failed, relater->reason);
    cr_expect_eq(model_number(session, "select count(*) from stale_marks where key %% 16 = 11"),
                 showing, "only the lists that show the card are left for later");
    let_pause_end();
    test_session_sql(session, "update articles set title = 'Stork', summary = 's', body = 'b'"
                              " where id = 15");
    expect_failed("");
    cr_expect_eq(model_number(session, "select count(*) from related_failures"), 0);
    model_expect_settled(session, "a damaged card and article");
}

Test(lists_failures, of_a_damaged_article_do_not_keep_the_others_from_being_rebuilt)
{
    lengthen_texts();
    test_session_sql(session, "delete from article_views where article_id = 16;"
                              "set client_min_messages = error");
    damage("articles");
    test_session_sql(session, "select rebuild()");
    cr_expect_eq(model_number(session, "select count(*) from article_views where article_id = 16"),
                 1);
    cr_expect(can_read("document", "article_views"), "the old document is kept");
}
