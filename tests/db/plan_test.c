/* Every statement that the server runs, as PostgreSQL would execute it on 100,000 articles:
 *
 *     fill --> prepare --> explain execute, with the plan that is made once for all parameters
 *                      --> execute, with the plans of the functions that it calls
 *          --> the indexes that the plan scans, and the tables that it reads whole */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/statements.h"
#include "tests/support/database.h"

enum { MAX_INDEXES = 6, ARTICLES = 100000, TAGS = 5000, AUTHORS = 500, SECTIONS = 20 };

#define SIX_ARTICLES "('{5,70,900,11000,64000,99999}')"

/* A new statement needs a row here: which indexes it is meant to use. Where two begin with the same
 * column and PostgreSQL may take either, a '|' stands between them. */
static const struct meant {
    const char *parameters;           /* of execute; "" for none */
    const char *indexes[MAX_INDEXES]; /* each of them is scanned */
} meant[DB_NSTATEMENTS] = {
    [DB_ARTICLE_BY_ID] = {SIX_ARTICLES, {"article_views_pkey"}},
    [DB_RELATED_BY_ID] = {SIX_ARTICLES, {"related_views_pkey"}},
    [DB_ARTICLE_BY_SLUG] = {"('article-64000')", {"articles_slug_key"}},
    [DB_PING] = {"", {NULL}},
    [DB_LARGE_ARTICLE] = {"(64000)", {"article_views_pkey"}},
};
/* Statements that touch no table by themselves; of all others the row above names an index. */
static const bool reads_nothing[DB_NSTATEMENTS] = {[DB_PING] = true};

/* These grow with the archive: to read one whole is the fault that this test looks for. */
static const char *const large[] = {"articles",        "article_tags",  "article_authors",
                                    "article_related", "article_views", "article_cards",
                                    "related_views",   "change_log"};

static char *url;
static PGconn *session;

static void fill(void);
static json_object *explain(const struct db_statement_info *s, const char *parameters);
static void expect_indexes_of_stale_lists(void);
static void on_notice(void *unused, const char *message);
static void walk(json_object *plan, const char *statement, char *indexes, size_t size);
static void expect_indexes(const char *const want[MAX_INDEXES], const char *statement,
                           const char *indexes);
static bool is_one_of(const char *names, const char *indexes);

Test(plan, uses_the_index_meant_for_each_statement, .timeout = 100)
{
    url = test_database_create();
    session = test_session_open(url);
    fill();
    test_session_sql(session, "set plan_cache_mode = force_generic_plan; set jit = off");
    for (int i = 0; i < DB_NSTATEMENTS; i++) {
        const struct db_statement_info *s = &db_statements[i];
        cr_assert_not_null(meant[i].parameters, "%s has no row in this test", s->name);
        cr_assert(reads_nothing[i] || meant[i].indexes[0] != NULL, "which index of %s?", s->name);
        if (reads_nothing[i])
            continue;

        char indexes[1024] = " ";
        json_object *plan = explain(s, meant[i].parameters);
        walk(plan, s->name, indexes, sizeof(indexes));
        expect_indexes(meant[i].indexes, s->name, indexes);
        json_object_put(plan);
    }
    expect_indexes_of_stale_lists();
    PQfinish(session);
    free(url);
}

/* Without the triggers, which would check each row against what this makes anyway. */
static void fill(void)
{
    test_session_sql(session,
                     "set session_replication_role = replica; set synchronous_commit = off;"
                     "insert into sections (slug, name)"
                     " select 'section-' || i, 'Section ' || i from generate_series(1, %d) i;"
                     "insert into authors (slug, name)"
                     " select 'author-' || i, 'Author ' || i from generate_series(1, %d) i;"
                     "insert into tags (slug, name)"
                     " select 'tag-' || i, 'Tag ' || i from generate_series(1, %d) i",
                     SECTIONS, AUTHORS, TAGS);
    test_session_sql(
        session,
        "insert into articles (id, slug, section_id, published_at, title, summary, body)"
        " select i, 'article-' || i, i %% %d + 1,"
        " '2020-01-01Z'::timestamptz + i * interval '1 minute',"
        " 'Title ' || i, 'Summary ' || i, repeat('Body ' || i || ' ', 10)"
        " from generate_series(1, %d) i",
        SECTIONS, ARTICLES);
    test_session_sql(session,
                     "insert into article_authors (article_id, position, author_id)"
                     " select i, p, (i + p * 7) %% %d + 1"
                     " from generate_series(1, %d) i, generate_series(1, 1 + i %% 2) p",
                     AUTHORS, ARTICLES);
    test_session_sql(session,
                     "insert into article_tags (article_id, tag_id, published_at)"
                     " select id, (id * n * 31 + n) %% %d + 1, published_at"
                     " from articles, generate_series(1, 4) n on conflict do nothing",
                     TAGS);
    test_session_sql(session,
                     "insert into article_related (article_id, rank, related_id, score)"
                     " select i, r, (i + r * 17) %% %d + 1, 1"
                     " from generate_series(1, %d) i, generate_series(1, 6) r",
                     ARTICLES, ARTICLES);
    test_session_sql(session,
                     "analyze;"
                     "insert into article_views select article_id, status, document"
                     " from article_views_of((select array_agg(id) from articles));"
                     "insert into article_cards select article_id, card"
                     " from article_views_of((select array_agg(id) from articles));"
                     "analyze article_views, article_cards;"
                     "insert into related_views"
                     " select * from related_views_of((select array_agg(id) from articles));"
                     "insert into change_log (xid, article_id)"
                     " select (i + 900)::text::xid8, i from generate_series(1, %d) i",
                     ARTICLES);
    test_session_sql(session, "analyze; set session_replication_role = origin");
}

/* Prepares it, and says the plan of execute. The caller puts it. */
static json_object *explain(const struct db_statement_info *s, const char *parameters)
{
    char type[40] = "";
    if (s->param_types[0] != 0) {
        PGresult *row = test_session_rows(session, "select format_type(%u, null)", s->param_types[0]);
        snprintf(type, sizeof(type), "(%s)", PQgetvalue(row, 0, 0));
        PQclear(row);
    }
    test_session_sql(session, "prepare %s %s as %s", s->name, type, s->sql);
    PGresult *row =
        test_session_rows(session, "explain (format json) execute %s %s", s->name, parameters);
    json_object *plan = json_tokener_parse(PQgetvalue(row, 0, 0));
    PQclear(row);
    cr_assert_not_null(plan);
    return plan;
}

static struct heard {
    char indexes[4096];
    unsigned nplans;
} heard = {.indexes = " "};

/* Where a list is stale, functions have a part in the work. Explain does not show their plans, but
 * PostgreSQL tells the plan of each query that it has run. */
static void expect_indexes_of_stale_lists(void)
{
    static const char *const indexes[MAX_INDEXES] = {"related_views_pkey", "article_related_pkey",
                                                     "article_cards_pkey",
                                                     "related_stale_article_id_idx"};
    test_session_sql(session, "insert into related_stale (article_id)"
                              " select 70 union all select generate_series(10000, 20000)");
    test_session_sql(session, "analyze related_stale");
    PQsetNoticeProcessor(session, on_notice, NULL);
    test_session_sql(session, "load 'auto_explain'; set auto_explain.log_min_duration = 0;"
                              "set auto_explain.log_nested_statements = on;"
                              "set auto_explain.log_format = 'json';"
                              "set auto_explain.log_level = 'notice';"
                              "set client_min_messages = 'notice'");
    PGresult *lists = test_session_rows(session, "execute %s %s",
                                        db_statements[DB_RELATED_BY_ID].name, SIX_ARTICLES);
    cr_expect_eq(PQntuples(lists), 6);
    PQclear(lists);
    cr_expect_gt(heard.nplans, 1, "no function has told its plan");
    expect_indexes(indexes, "a stale list", heard.indexes);
}

static void on_notice(void *unused, const char *message)
{
    const char *text = strchr(message, '{');
    json_object *plan = text != NULL ? json_tokener_parse(text) : NULL;
    (void)unused;
    cr_assert_not_null(plan, "no plan: %s", message);
    walk(plan, "a stale list", heard.indexes, sizeof(heard.indexes));
    heard.nplans++;
    json_object_put(plan);
}

/* Every node of a plan, whatever it hangs on: adds the name of its index to the list, and fails where
 * it reads a large table in sequence. */
static void walk(json_object *plan, const char *statement, char *indexes, size_t size)
{
    if (json_object_is_type(plan, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(plan); i++)
            walk(json_object_array_get_idx(plan, i), statement, indexes, size);
    }
    if (!json_object_is_type(plan, json_type_object))
        return;
    const char *index = json_object_get_string(json_object_object_get(plan, "Index Name"));
    const char *node = json_object_get_string(json_object_object_get(plan, "Node Type"));
    const char *table = json_object_get_string(json_object_object_get(plan, "Relation Name"));
    size_t n = strlen(indexes);
    if (index != NULL)
        snprintf(indexes + n, size - n, "%s ", index);
    for (size_t i = 0; table != NULL && i < sizeof(large) / sizeof(large[0]); i++) {
        if (strcmp(table, large[i]) == 0)
            cr_expect_null(strstr(node, "Seq Scan"), "%s reads all of %s", statement, table);
    }
    json_object_object_foreach(plan, key, value)
    {
        (void)key;
        walk(value, statement, indexes, size);
    }
}

static void expect_indexes(const char *const want[MAX_INDEXES], const char *statement,
                           const char *indexes)
{
    for (int i = 0; i < MAX_INDEXES && want[i] != NULL; i++)
        cr_expect(is_one_of(want[i], indexes), "%s uses%sand not %s", statement, indexes, want[i]);
}

/* names: '|' between them; indexes: a space on both sides of each. */
static bool is_one_of(const char *names, const char *indexes)
{
    for (const char *name = names; *name != '\0';) {
        int length = (int)strcspn(name, "|");
        char word[80];
        snprintf(word, sizeof(word), " %.*s ", length, name);
        if (strstr(indexes, word) != NULL)
            return true;
        name += length + (name[length] == '|');
    }
    return false;
}
