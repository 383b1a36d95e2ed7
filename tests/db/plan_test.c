/* Every statement that the server runs, as PostgreSQL would execute it on 100,000 articles:
 *
 *     fill --> prepare --> explain execute, with the plan that is made once for all parameters
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

/* A new statement needs a row here: which indexes it is meant to use. Where two begin with the same
 * column and PostgreSQL may take either, a '|' stands between them. */
static const struct meant {
    const char *parameters;           /* of execute; "" for none */
    const char *indexes[MAX_INDEXES]; /* each of them is scanned */
} meant[DB_NSTATEMENTS_ALL] = {
    [DB_ARTICLE_BY_ID] = {"('{5,70,900,11000,64000,99999}')",
                          {"articles_pkey", "article_views_pkey"}},
    [DB_RELATED_BY_ID] = {"('{5,70,900,11000,64000,99999}')",
                          {"article_related_pkey", "article_views_pkey"}},
    [DB_ARTICLE_BY_SLUG] = {"('article-64000')", {"articles_slug_key"}},
    [DB_PING] = {"", {NULL}},
    [DB_LISTEN] = {"", {NULL}},
    [DB_CHANGES_SINCE] = {"('')", {NULL}},
    [DB_CANARY] = {"('canary')", {NULL}},
    [DB_RELATED_REFRESH] = {"(1)", {NULL}},
    [DB_CHANGE_LOG_TRIM] = {"('1 minute')", {NULL}},
};
/* Statements that touch no table by themselves; of all others the row above names an index. */
static const bool reads_nothing[DB_NSTATEMENTS_ALL] = {
    [DB_PING] = true,   [DB_CHANGES_SINCE] = true,   [DB_LISTEN] = true,
    [DB_CANARY] = true, [DB_RELATED_REFRESH] = true, [DB_CHANGE_LOG_TRIM] = true};

/* These grow with the archive: to read one whole is the fault that this test looks for. */
static const char *const large[] = {"articles",        "article_tags",  "article_authors",
                                    "article_related", "article_views", "change_log"};

static void fill(PGconn *session);
static json_object *explain(PGconn *session, const struct db_statement_info *s,
                            const char *parameters);
static void walk(json_object *plan, const char *statement, char *indexes, size_t size);
static bool is_one_of(const char *names, const char *indexes);

Test(plan, uses_the_index_meant_for_each_statement, .timeout = 100)
{
    char *url = test_database_create();
    PGconn *session = test_session_open(url);
    fill(session);
    test_session_sql(session, "set plan_cache_mode = force_generic_plan; set jit = off");
    for (int i = 0; i < DB_NSTATEMENTS_ALL; i++) {
        const struct db_statement_info *s = &db_statements[i];
        cr_assert_not_null(meant[i].parameters, "%s has no row in this test", s->name);
        cr_assert(reads_nothing[i] || meant[i].indexes[0] != NULL, "which index of %s?", s->name);
        if (reads_nothing[i])
            continue;

        char indexes[1024] = " ";
        json_object *plan = explain(session, s, meant[i].parameters);
        walk(plan, s->name, indexes, sizeof(indexes));
        for (int n = 0; n < MAX_INDEXES && meant[i].indexes[n] != NULL; n++) {
            const char *names = meant[i].indexes[n];
            cr_expect(is_one_of(names, indexes), "%s uses%sand not %s", s->name, indexes, names);
        }
        json_object_put(plan);
    }
    PQfinish(session);
    free(url);
}

/* Without the triggers, which would check each row against what this makes anyway. */
static void fill(PGconn *session)
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
                     "insert into article_views"
                     " select * from article_views_of((select array_agg(id) from articles));"
                     "insert into change_log (xid, article_id)"
                     " select (i + 900)::text::xid8, i from generate_series(1, %d) i",
                     ARTICLES);
    test_session_sql(session, "analyze; set session_replication_role = origin");
}

/* The plan of execute. The caller puts it. */
static json_object *explain(PGconn *session, const struct db_statement_info *s,
                            const char *parameters)
{
    char type[40] = "";
    if (s->param_type != 0) {
        PGresult *row = test_session_rows(session, "select format_type(%u, null)", s->param_type);
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
