/* The read model follows the tables after each change. These tests change them with plain SQL, as
 * any program may. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/db/model.h"
#include "tests/support/database.h"

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

/* Returns the number of notifications so far. Notifications arrive in the order of the commits. So
 * all earlier ones have arrived when this function's own one arrives. */
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

/* One transaction or several, and the entities that they must report (model.h), "" for none: then
 * there is no notification. A change of an article reports the listings that have it and the
 * listings that had it. */
static const struct change {
    const char *sql, *entities;
} changes[] = {
    /* articles */
    {"insert into articles (id, slug, section_id, published_at, title, body)"
     " values (10, 'ten', 1, now(), 'Ten', 'Body'), (11, 'el', 2, now(), 'El', 'Body')",
     "a10 a11 A S1 S2"},
    {"insert into articles (id, slug, section_id, published_at, title, body, status)"
     " values (10, 'ten', 1, now(), 'Ten', 'Body', 'draft')",
     "a10"},
    {"update articles set title = 'New', version = version + 1 where id = 1",
     "a1 A S1 U1 U2 T1 T2"},
    {"update articles set title = 'New' || id where id in (2, 3, 4)", "a2 a3 a4 A S1 S2 U1 T1"},
    {"update articles set body = 'New' where id = 2", "a2 A S1 U1"},
    {"update articles set summary = 'New' where id = 2", "a2 A S1 U1"},
    {"update articles set slug = 'new' where id = 2", "a2 A S1 U1"},
    {"update articles set section_id = 2 where id = 2", "a2 A S1 S2 U1"},
    {"update articles set published_at = '2024-02-01Z' where id = 3", "a3 A S2 T1"},
    {"update articles set title = title where id < 3",
     "a1 a2 A S1 U1 U2 T1 T2"}, /* each write counts as a change */
    {"update articles set title = 'Title 1', body = 'Body'", "a1 a2 a3 a4 a5 A S1 S2 U1 U2 T1 T2"},
    {"update articles set title = 'New' where id = 99", ""},
    {"update articles set title = 'New' where id = 4", "a4"}, /* a draft is on no listing */
    {"update articles set status = 'withdrawn' where id = 1", "a1 A S1 U1 U2 T1 T2"},
    {"update articles set status = 'draft' where id = 3", "a3 A S2 T1"},
    {"update articles set status = 'published' where id = 4", "a4 A S1 T1"},
    {"update articles set status = 'published' where status <> 'published'", "a4 a5 A S1 T1"},
    {"insert into articles (id, slug, section_id, published_at, title, body)"
     " values (2, 'two', 1, now(), 'New', 'Body'), (12, 'twelve', 2, now(), 'New', 'Body')"
     " on conflict (id) do update set title = excluded.title",
     "a2 a12 A S1 S2 U1"},
    {"delete from articles where id = 4",
     "a4 A S1 T1"}, /* a deletion does not check that the article was a draft */
    {"delete from articles where id = 2", "a1 a2 A S1 U1"}, /* list 1 had article 1 */
    {"delete from articles where id = 99", ""},
    /* their authors and tags */
    {"insert into article_authors values (3, 1, 2)", "a3 A S2 U2 T1"},
    {"update article_authors set position = 3 where (article_id, position) = (2, 1)", "a2 A S1 U1"},
    {"update article_authors set author_id = 2 where article_id = 2", "a2 A S1 U1 U2"},
    {"update article_authors set article_id = 3 where (article_id, position) = (2, 1)",
     "a2 a3 A S1 S2 U1 T1"},
    {"delete from article_authors where article_id = 2", "a2 A S1 U1"},
    {"insert into article_tags select id, 3, published_at from articles where id = 2",
     "a2 A S1 U1 T3"},
    {"update article_tags set tag_id = 3 where (article_id, tag_id) = (3, 1)", "a3 A S2 T1 T3"},
    {"delete from article_tags where article_id = 3", "a3 A S2 T1"},
    /* names: all listings show them; documents show them and depend on them */
    {"update sections set name = 'Town' where id = 1", "s1 *"},
    {"update sections set slug = 'town' where id = 1", "s1 *"},
    {"update authors set name = 'Ada B' where id = 1", "u1 *"},
    {"update tags set name = 'Tramway' where id = 1", "t1 *"},
    {"update tags set slug = 'tramway' where id = 1", "t1 *"},
    {"update tags set name = name || 's', slug = slug || 's'", "t1 t2 t3 *"},
    {"update tags set name = name", ""},
    {"insert into tags (id, name) overriding system value values (10, 'New'), (11, 'Newer')",
     "t10 t11"},
    {"insert into sections (id, name) overriding system value values (10, 'New')", "s10"},
    {"insert into authors (id, name) overriding system value values (10, 'New')", "u10"},
    {"delete from tags where id = 3", "t3"},
    {"insert into sections (id, name) overriding system value values (10, 'New');"
     "delete from sections where id = 10",
     "s10"},
    /* lists */
    {"insert into article_related values (3, 1, 2, 1), (3, 2, 1, 1)", "a3"},
    {"insert into article_related values (3, 6, 1, 1), (1, 6, 4, 1)", "a1 a3"},
    {"update article_related set related_id = 3 where article_id = 2", "a2"},
    {"update article_related set rank = 7 - rank", "a1 a2"},
    {"update article_related set article_id = 3 where article_id = 2", "a2 a3"},
    {"delete from article_related where article_id = 1", "a1"},
    {"insert into article_related values (1, 1, 4, 2), (3, 1, 4, 2)"
     " on conflict (article_id, rank) do update set related_id = excluded.related_id,"
     " rank = 6",
     "a1 a3"},
    {"merge into article_related r"
     " using (values (1, 1), (2, 1), (3, 1)) v (id, rank)"
     " on (r.article_id, r.rank) = (v.id, v.rank)"
     " when matched and v.id = 2 then delete"
     " when matched then update set related_id = 5"
     " when not matched then insert values (v.id, v.rank, 2, 1)",
     "a1 a2 a3"},
    {"delete from article_related", "a1 a2"},
    /* several statements */
    {"update articles set title = 'New' where id = 2; update tags set name = 'T' where id = 2;"
     "insert into article_related values (3, 1, 2, 1); delete from articles where id = 5",
     "a2 a3 a5 t2 A S1 U1 *"},
    {"insert into articles (id, slug, section_id, published_at, title, body)"
     " values (10, 'ten', 1, now(), 'Ten', 'Body');"
     "insert into article_tags select id, 1, published_at from articles where id = 10;"
     "insert into article_authors values (10, 1, 1); delete from articles where id = 10",
     "a10 A S1 U1 T1"},
    {"begin; update articles set title = 'New'; rollback", ""},
};

Test(read_model, follows_each_kind_of_change_and_reports_its_entities)
{
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const struct change *c = &changes[i];
        model_reset(session);
        notifications();
        test_session_sql(session, "%s", c->sql);
        model_expect_agreement(session, c->sql);
        char *reported = model_changes(session);
        cr_expect_str_eq(reported, c->entities, "%s: %s and not %s", c->sql, reported, c->entities);
        cr_expect_eq(notifications(), c->entities[0] != '\0', "%s", c->sql);
        free(reported);
        model_expect_settled(session, c->sql);
    }
}

Test(read_model, reports_all_listings_when_a_change_concerns_more_than_200)
{
    test_session_sql(session,
                     "insert into tags (id, name) overriding system value"
                     " select i, 'Tag ' || i from generate_series(1001, 1205) i;"
                     "truncate change_log;"
                     "insert into article_tags select 2, t.id, a.published_at"
                     " from tags t, articles a where t.id between 1001 and 1198 and a.id = 2");
    cr_expect_eq(model_number(session, "select count(*) from change_log where key %% 16 = 8"), 198,
                 "with its section and its author there are 200");
    test_session_sql(session, "truncate change_log;"
                              "insert into article_tags select 2, t.id, a.published_at"
                              " from tags t, articles a where t.id > 1198 and a.id = 2");
    char *reported = model_changes(session);
    cr_expect_str_eq(reported, "a2 *", "%s", reported);
    free(reported);
    test_session_sql(session, "truncate change_log; delete from articles where id = 2");
    cr_expect_eq(model_number(session, "select count(*) from change_log where key = 9"), 1);
    model_expect_settled(session, "a deletion from more than 200 listings");
}

Test(read_model, follows_when_a_table_is_emptied_at_once)
{
    static const char *const tables[] = {"article_related", "articles cascade", "article_tags",
                                         "tags cascade",    "article_authors",  "authors cascade",
                                         "sections cascade"};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        model_reset(session);
        notifications();
        test_session_sql(session, "truncate %s", tables[i]);
        model_expect_agreement(session, tables[i]);
        char *reported = model_changes(session);
        cr_expect_str_eq(reported, "0", "truncate %s: %s", tables[i], reported);
        cr_expect_eq(notifications(), 1);
        free(reported);
        model_expect_settled(session, tables[i]);
    }
}

Test(read_model, reports_a_change_only_when_it_commits)
{
    test_session_sql(session, "begin; update articles set title = 'New' where id = 1");
    cr_expect_eq(notifications(), 0);
    char *reported = model_changes(listener);
    cr_expect_str_empty(reported);
    free(reported);
    test_session_sql(session, "commit");
    cr_expect_eq(notifications(), 1);
    reported = model_changes(listener);
    cr_expect_str_eq(reported, "a1 A S1 U1 U2 T1 T2");
    free(reported);
}

Test(read_model, has_a_card_of_published_articles_only)
{
    cr_expect_eq(model_number(session, "select count(*) from article_views"), 5);
    cr_expect_eq(model_number(session, "select count(*) from article_cards c full join articles a"
                                       " on a.id = c.article_id"
                                       " where (c.card is not null) <> (a.status = 'published')"),
                 0);
}

Test(read_model, never_shows_a_card_of_an_article_that_is_not_published)
{
    model_expect_list(session, 1, "2,3", "2,3");
    test_session_sql(session, "update article_related set rank = 7 - rank");
    model_expect_list(session, 1, "2,3", "3,2");
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
