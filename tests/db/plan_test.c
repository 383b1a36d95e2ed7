/* Every statement that the server runs, as PostgreSQL would execute it on 30,000 articles:
 *
 *     fill --> prepare --> explain execute, with the plan that is made once for all parameters
 *                      --> execute, with the plans of the functions that it calls
 *          --> the indexes that the plan scans, and the tables that it reads whole */
#include <criterion/criterion.h>
#include <glob.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/db/model.h"
#include "tests/support/database.h"

enum { MAX_INDEXES = 7, ARTICLES = 30000, TAGS = 5000, AUTHORS = 500, SECTIONS = 20 };

#define SIX_ARTICLES "('{5,70,900,11000,24000,29999}')"

/* A new statement needs a row here: the indexes that it is meant to use; none for a statement that
 * reads no table by itself. When two indexes begin with the same column and PostgreSQL may use
 * either, a '|' is between them. */
static const struct meant {
    const char *statement;            /* db/sql/STATEMENT.sql */
    const char *type;                 /* of its parameter; "" for none */
    const char *parameters;           /* of execute */
    const char *indexes[MAX_INDEXES]; /* the plan scans each of them */
} meant[] = {
    {"article_by_id",
     "(bigint[])",
     SIX_ARTICLES,
     {"article_views_pkey", "stale_gates_pkey", "stale_marks_key"}},
    {"related_by_id", "(bigint[])", SIX_ARTICLES, {"related_views_pkey", "stale_gates_pkey"}},
    {"article_by_slug", "(text)", "('article-24000')", {"articles_slug_key"}},
    {"large_article", "(bigint)", "(70)", {NULL}},
    {"ping", "", "", {NULL}},
    {"listen", "", "", {NULL}},
    {"changes_since", "", "", {NULL}},
    {"notify_test", "", "", {NULL}},
    {"related_work", "", "", {NULL}},
    {"change_log_trim", "", "", {NULL}},
    {"server_identity", "", "", {NULL}},
    {"session_settings", "", "", {NULL}},
};
enum { NMEANT = sizeof(meant) / sizeof(meant[0]) };

/* These tables grow with the archive. This test looks for plans that read one of them whole. */
static const char *const large[] = {
    "articles",      "article_tags",  "article_authors", "article_related", "article_views",
    "article_cards", "related_views", "change_log",      "stale_marks",     "stale_gates"};

static char *url;
static PGconn *session;

static void fill(void);
static const struct meant *meant_for(const char *path);
static json_object *explain(const struct meant *m);
static void expect_indexes_where_marks_are(void);
static void on_notice(void *unused, const char *message);
static void walk(json_object *plan, const char *statement, char *indexes, size_t size);
static void expect_indexes(const char *const want[MAX_INDEXES], const char *statement,
                           const char *indexes);
static bool is_one_of(const char *names, const char *indexes);

Test(plan, uses_the_intended_index_for_each_statement, .timeout = 100)
{
    glob_t files;
    url = test_database_create();
    session = test_session_open(url);
    fill();
    test_session_sql(session, "set plan_cache_mode = force_generic_plan; set jit = off");
    cr_assert_eq(glob(BROADSHEET_SOURCE_DIR "/db/sql/*.sql", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        const struct meant *m = meant_for(files.gl_pathv[i]);
        cr_assert_not_null(m, "%s has no row in this test", files.gl_pathv[i]);
        if (m->indexes[0] == NULL)
            continue;
        char indexes[1024] = " ";
        json_object *plan = explain(m);
        walk(plan, m->statement, indexes, sizeof(indexes));
        expect_indexes(m->indexes, m->statement, indexes);
        json_object_put(plan);
    }
    globfree(&files);
    expect_indexes_where_marks_are();
    PQfinish(session);
    free(url);
}

static const struct meant *meant_for(const char *path)
{
    for (int i = 0; i < NMEANT; i++) {
        char end[80];
        int length = snprintf(end, sizeof(end), "/%s.sql", meant[i].statement);
        if (strcmp(path + strlen(path) - (size_t)length, end) == 0)
            return &meant[i];
    }
    return NULL;
}

/* The triggers are off, because they would derive rows that this function writes itself. Marks are
 * written and deleted first, so that the statistics, the functions' plans and the table of marks
 * are those of a busy site. */
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
    test_session_sql(
        session,
        "analyze;"
        "insert into article_views"
        " select * from article_views_of(array(select id from articles));"
        "insert into article_cards"
        " select * from article_cards_of(array(select id from articles));"
        "analyze article_views, article_cards;"
        "insert into related_views"
        " select * from related_views_of(array(select id from articles));"
        "insert into change_log (xid, key)"
        " select (i + 900)::text::xid8, i * 16 + 1 from generate_series(1, %d) i;"
        "insert into stale_marks (key) select i * 16 + 1 from generate_series(1, 20000) i;"
        "delete from stale_marks;"
        "insert into stale_gates (gate, is_open)"
        " select g, false from generate_series(1, 1000), unnest('{documents,lists}'::text[]) g",
        ARTICLES);
    test_session_sql(session, "analyze; set session_replication_role = origin");
}

/* Prepares the statement, and returns the plan of execute. The caller must free it with
 * json_object_put. */
static json_object *explain(const struct meant *m)
{
    test_session_sql(session, "prepare %s %s as %s", m->statement, m->type,
                     model_statement(m->statement));
    PGresult *row = test_session_rows(session, "explain (format json) execute %s %s", m->statement,
                                      m->parameters);
    json_object *plan = json_tokener_parse(PQgetvalue(row, 0, 0));
    PQclear(row);
    cr_assert_not_null(plan);
    return plan;
}

static struct received {
    char indexes[4096];
    unsigned nplans;
} received = {.indexes = " "};

static const char *explained_statement;

/* Runs a prepared statement. PostgreSQL sends the plan of each query that it ran, also of queries
 * in functions, which explain does not show. */
static void expect_plans(const char *statement, const char *parameters,
                         const char *const indexes[MAX_INDEXES])
{
    received.nplans = 0;
    strcpy(received.indexes, " ");
    explained_statement = statement;
    PQclear(test_session_rows(session, "execute %s %s", statement, parameters));
    cr_expect_gt(received.nplans, 1, "no function of %s has sent its plan", statement);
    expect_indexes(indexes, statement, received.indexes);
}

/* Twenty marks, then two thousand. The plans do not change, and no look-up reads all marks. */
static void expect_indexes_where_marks_are(void)
{
    static const char *const of_lists[MAX_INDEXES] = {"related_views_pkey", "article_related_pkey",
                                                      "articles_pkey", "stale_marks_key"};
    static const char *const of_documents[MAX_INDEXES] = {
        "article_views_pkey", "articles_pkey",
        "article_authors_pkey|article_authors_article_id_author_id_key", "article_tags_pkey",
        "stale_marks_key"};
    test_session_sql(session, "prepare large_article (bigint) as %s",
                     model_statement("large_article"));
    PQsetNoticeProcessor(session, on_notice, NULL);
    for (int marks = 20; marks <= 2000; marks *= 100) {
        test_session_sql(
            session,
            "set client_min_messages = 'warning';"
            "insert into stale_gates (gate, is_open) values ('documents', true), ('lists', true);"
            "insert into stale_marks (key) values (70 * 16 + 1), (70 * 16 + 10), (70 * 16 + 11);"
            "insert into stale_marks (key)"
            " select 16 * i + 1 + 9 * (i %% 2) from generate_series(30001, 30000 + %d) i",
            marks);
        test_session_sql(session, "load 'auto_explain'; set auto_explain.log_min_duration = 0;"
                                  "set auto_explain.log_nested_statements = on;"
                                  "set auto_explain.log_format = 'json';"
                                  "set auto_explain.log_level = 'notice';"
                                  "set client_min_messages = 'notice'");
        expect_plans("related_by_id", SIX_ARTICLES, of_lists);
        expect_plans("large_article", "(70)", of_documents);
    }
}

static void on_notice(void *unused, const char *message)
{
    const char *text = strchr(message, '{');
    json_object *plan = text != NULL ? json_tokener_parse(text) : NULL;
    (void)unused;
    cr_assert_not_null(plan, "no plan: %s", message);
    walk(plan, explained_statement, received.indexes, sizeof(received.indexes));
    received.nplans++;
    json_object_put(plan);
}

/* Visits all nodes of a plan. Adds the name of each index to the list, and fails when a node reads
 * a large table in sequence. */
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

/* names: separated by '|'; indexes: with a space on both sides of each. */
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
