/* The read model follows the tables, whatever changes them: here plain SQL, as anybody might. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "tests/db/model.h"
#include "tests/support/database.h"
#include "tests/support/process.h"

static char *url;
static PGconn *session, *listener;

static void open_site(void)
{
    url = model_create();
    session = test_session_open(url);
    listener = test_session_open(url);
    test_session_sql(listener, "listen broadsheet_changes");
}

static void close_site(void)
{
    PQfinish(listener);
    PQfinish(session);
    free(url);
}

TestSuite(read_model, .init = open_site, .fini = close_site, .timeout = 60);

/* Notifications so far. They come in the order of the commits: what was sent before has come when
 * this one's own does. */
static unsigned notifications(void)
{
    unsigned n = 0;
    test_session_sql(listener, "notify broadsheet_changes, 'all'");
    for (bool is_last = false; !is_last; n++) {
        PGnotify *notification = PQnotifies(listener);
        cr_assert_not_null(notification);
        is_last = strcmp(notification->extra, "all") == 0;
        if (!is_last)
            cr_expect_str_empty(notification->extra);
        PQfreemem(notification);
    }
    return n - 1;
}

struct change {
    char sql[384]; /* one transaction */
    char ids[16];  /* that it is to log; "" for none: and then nobody is told */
};

ParameterizedTestParameters(read_model, follows_each_kind_of_change_and_logs_what_it_concerns)
{
    static struct change cases[] = {
        /* articles */
        {"insert into articles (id, slug, section_id, published_at, title, body)"
         " values (10, 'ten', 1, now(), 'Ten', 'Body'), (11, 'el', 2, now(), 'El', 'Body')",
         "10,11"},
        {"update articles set title = 'New', version = version + 1 where id = 1", "1"},
        {"update articles set title = 'New' || id where id in (2, 3, 4)", "2,3,4"},
        {"update articles set body = 'New' where id = 1", "1"},
        {"update articles set summary = 'New' where id = 1", "1"},
        {"update articles set slug = 'new' where id = 1", "1"},
        {"update articles set section_id = 2 where id = 1", "1"},
        {"update articles set published_at = '2024-02-01Z' where id = 1", "1"},
        {"update articles set title = title where id < 3", "1,2"}, /* written is changed */
        {"update articles set title = 'Title 1', body = 'Body'", "1,2,3,4,5"},
        {"update articles set title = 'New' where id = 99", ""},
        {"update articles set status = 'withdrawn' where id = 1", "1"},
        {"update articles set status = 'published' where id = 4", "4"},
        {"update articles set status = 'published' where status <> 'published'", "4,5"},
        {"insert into articles (id, slug, section_id, published_at, title, body)"
         " values (1, 'one', 1, now(), 'New', 'Body'), (12, 'twelve', 1, now(), 'New', 'Body')"
         " on conflict (id) do update set title = excluded.title",
         "1,12"},
        {"delete from articles where id = 4", "4"},
        {"delete from articles where id = 1", "1,2"}, /* 2 had it in its list */
        {"delete from articles where id = 99", ""},
        /* their authors and tags */
        {"insert into article_authors values (3, 1, 2)", "3"},
        {"update article_authors set position = 3 where (article_id, position) = (1, 1)", "1"},
        {"update article_authors set author_id = 2 where article_id = 2", "2"},
        {"update article_authors set article_id = 3 where (article_id, position) = (1, 2)", "1,3"},
        {"delete from article_authors where article_id = 1", "1"},
        {"insert into article_tags select id, 3, published_at from articles where id < 3", "1,2"},
        {"update article_tags set tag_id = 3 where (article_id, tag_id) = (1, 1)", "1"},
        {"delete from article_tags where tag_id = 1", "1,3,4"},
        /* names */
        {"update sections set name = 'Town' where id = 1", "1,2,4,5"},
        {"update sections set slug = 'town' where id = 1", "1,2,4,5"},
        {"update authors set name = 'Ada B' where id = 1", "1,2"},
        {"update tags set name = 'Tramway' where id = 1", "1,3,4"},
        {"update tags set slug = 'tramway' where id = 1", "1,3,4"},
        {"update tags set name = name || 's', slug = slug || 's'", "1,3,4"},
        {"update tags set name = 'Railway' where id = 3", ""},
        {"update tags set name = name", ""},
        {"insert into tags (id, name) overriding system value values (10, 'New')", ""},
        {"delete from tags where id = 3", ""},
        /* lists */
        {"insert into article_related values (3, 1, 2, 1), (3, 2, 1, 1)", "3"},
        {"insert into article_related values (3, 6, 1, 1), (1, 6, 4, 1)", "1,3"},
        {"update article_related set related_id = 3 where article_id = 2", "2"},
        {"update article_related set rank = 7 - rank", "1,2"},
        {"update article_related set article_id = 3 where article_id = 2", "2,3"},
        {"delete from article_related where article_id = 1", "1"},
        {"insert into article_related values (1, 1, 4, 2), (3, 1, 4, 2)"
         " on conflict (article_id, rank) do update set related_id = excluded.related_id,"
         " rank = 6",
         "1,3"},
        {"merge into article_related r"
         " using (values (1, 1), (2, 1), (3, 1)) v (id, rank)"
         " on (r.article_id, r.rank) = (v.id, v.rank)"
         " when matched and v.id = 2 then delete"
         " when matched then update set related_id = 5"
         " when not matched then insert values (v.id, v.rank, 2, 1)",
         "1,2,3"},
        {"delete from article_related", "1,2"},
        /* several statements */
        {"update articles set title = 'New' where id = 2; update tags set name = 'T' where id = 2;"
         "insert into article_related values (3, 1, 2, 1); delete from articles where id = 5",
         "1,2,3,5"},
        {"insert into articles (id, slug, section_id, published_at, title, body)"
         " values (10, 'ten', 1, now(), 'Ten', 'Body');"
         "insert into article_tags select id, 1, published_at from articles where id = 10;"
         "insert into article_authors values (10, 1, 1); delete from articles where id = 10",
         "10"},
        {"begin; update articles set title = 'New'; rollback", ""},
    };
    return cr_make_param_array(struct change, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct change *c, read_model,
                  follows_each_kind_of_change_and_logs_what_it_concerns)
{
    test_session_sql(session, "%s", c->sql);
    model_expect_agreement(session, c->sql);
    char *changes = model_changes(session);
    cr_expect_str_eq(changes, c->ids, "%s: %s and not %s", c->sql, changes, c->ids);
    cr_expect_eq(notifications(), c->ids[0] != '\0', "%s", c->sql);
    free(changes);
    model_expect_settled(session, c->sql);
}

struct truncation {
    char tables[32];
};

ParameterizedTestParameters(read_model, follows_when_a_table_is_emptied_at_once)
{
    static struct truncation cases[] = {
        {"article_related"}, {"articles cascade"}, {"article_tags"},    {"tags cascade"},
        {"article_authors"}, {"authors cascade"},  {"sections cascade"}};
    return cr_make_param_array(struct truncation, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct truncation *c, read_model, follows_when_a_table_is_emptied_at_once)
{
    test_session_sql(session, "truncate %s", c->tables);
    model_expect_agreement(session, c->tables);
    char *changes = model_changes(session);
    cr_expect_str_eq(changes, "0", "truncate %s: %s", c->tables, changes);
    cr_expect_eq(notifications(), 1);
    free(changes);
    model_expect_settled(session, c->tables);
}

Test(read_model, tells_of_a_change_only_when_it_commits)
{
    test_session_sql(session, "begin; update articles set title = 'New' where id = 1");
    cr_expect_eq(notifications(), 0);
    char *changes = model_changes(listener);
    cr_expect_str_empty(changes);
    free(changes);
    test_session_sql(session, "commit");
    cr_expect_eq(notifications(), 1);
    changes = model_changes(listener);
    cr_expect_str_eq(changes, "1");
    free(changes);
}

Test(read_model, has_a_card_of_published_articles_only)
{
    cr_expect_eq(model_number(session, "select count(*) from article_views"), 5);
    cr_expect_eq(model_number(session, "select count(*) from article_cards c full join articles a"
                                       " on a.id = c.article_id"
                                       " where (c.card is not null) <> (a.status = 'published')"),
                 0);
}

Test(read_model, never_shows_a_card_of_what_is_not_published)
{
    model_expect_list(session, 1, "2,3", "2,3");
    test_session_sql(session, "update article_related set rank = 7 - rank");
    model_expect_list(session, 1, "3,2", "3,2");
    test_session_sql(session, "update article_related set rank = 7 - rank");
    test_session_sql(session, "update articles set status = 'withdrawn' where id = 2");
    model_expect_list(session, 1, "2,3", "3");
    test_session_sql(session, "update articles set status = 'draft' where id = 3");
    model_expect_list(session, 1, "2,3", "");
    test_session_sql(session, "update articles set status = 'published' where id = 2");
    model_expect_list(session, 1, "2,3", "2");
    test_session_sql(session, "delete from articles where id = 2");
    model_expect_list(session, 1, "3", "");
}

/* One step down at a time, until the read model is gone, and up again with all that is there. */
Test(read_model, is_made_for_articles_that_are_older_than_itself)
{
    for (int steps = 0; model_number(session, "select count(to_regclass('article_views'))") > 0;) {
        cr_assert_lt(steps++, 10);
        free(test_output_of(
            (const char *[]){BROADSHEET_SOURCE_DIR "/tools/migrate", url, "down", NULL}));
    }
    test_session_sql(session, "update tags set name = 'Tramway' where id = 1");
    test_database_migrate(url, "up");
    cr_expect_eq(model_number(session, "select count(*) from article_views"), 5);
    model_expect_agreement(session, "a step up");
    cr_expect_eq(model_number(session, "select count(*) from related_views"), 2);
    char *marks = model_marks(session);
    cr_expect_str_empty(marks);
    free(marks);
    model_expect_settled(session, "a step up");
}
