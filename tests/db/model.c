#include "tests/db/model.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/database.h"
#include "tests/support/fail.h"
#include "tests/support/wait.h"

/* The same set in a fixed order. %s: packed keys. */
#define SORTED(keys) "array(select distinct k from unnest(keys_unpack(" keys ")) k order by k)"

/* The names of entities, as in model.h. */
#define NAMES                                                                                   \
    "string_agg((array['0','a','s','u','t','A','S','U','T','*','d','l'])[1 + (key %% 16)::int]" \
    " || coalesce(nullif(key / 16, 0)::text, ''), ' ' order by key %% 16, key / 16)"

enum { SETTLE_MS = 30000 };

static const char stored_lists[] = "select * from related_views where article_id = any ($1)";

/* The steps of lists/read.c and lists/make.c. */
static const char related_work[] =
    "create or replace function public.related_work(most integer, out done integer, out failed "
    "bigint[], "
    "out reason "
    "text)"
    " language plpgsql set search_path = public, pg_temp as $$"
    " declare taken bigint[]; this_turn smallint; seen bigint;"
    " begin"
    "  select m.done, m.failed, m.reason into done, failed, reason from work_marks(greatest(most, "
    "200)) m;"
    "  select array_agg(t.article_id), min(t.turn) into taken, this_turn from related_take(most) t;"
    "  if taken is not null then"
    "   perform related_lock_terms(taken);"
    "   perform related_write_articles(1::smallint, array_agg(a.id), array_agg(a.published_at),"
    "     array_agg(a.section_id), array_agg('en'::text), array_agg(0), array_agg(0::real), "
    "array_agg(0::bigint),"
    "     array_agg(''::bytea), array_agg(''::bytea), array_agg(''::bytea))"
    "    from articles a where a.id = any (taken) and a.status = 'published';"
    "   perform related_read_done(taken, array(select t.id from unnest(taken) t (id) where not "
    "exists"
    "     (select from articles a where a.id = t.id and a.status = 'published')), '{}', this_turn, "
    "3::smallint);"
    "   done := done + cardinality(taken);"
    "  end if;"
    "  select array_agg(t.article_id), min(t.turn), min(t.revision) into taken, this_turn, seen"
    "   from related_take_lists(most) t;"
    "  if taken is not null then"
    "   done := done + (select w.made from ("
    "     select coalesce(array_agg(c.id), '{}') as ids, coalesce(array_agg(c.rank), '{}') as "
    "ranks,"
    "       coalesce(array_agg(c.card), '{}') as cards, coalesce(array_agg(1::real), '{}') as "
    "scores"
    "     from (select a.id, b.id as card,"
    "             (row_number() over (partition by a.id order by abs(b.id - a.id), "
    "b.id))::smallint as rank"
    "           from articles a join articles b on b.id <> a.id"
    "           where a.id = any (taken) and a.status = 'published' and b.status = 'published') c"
    "     where c.rank <= 6) l,"
    "    related_write_lists(1::smallint, this_turn, seen, taken, l.ids, l.ranks, l.cards, "
    "l.scores,"
    "      '{}', '{}', '{}', 6::smallint, '{}') w);"
    "  end if;"
    " end $$";

static void fill(PGconn *session);
static void expect_documents(PGconn *session, const char *after);
static void expect_lists(PGconn *session, const char *found_by, const char *after);
static void expect_no_difference(PGconn *session, const char *sql, const char *after);
static PGresult *rows_with(PGconn *session, const char *sql, const char *ids);

char *model_create(void)
{
    char *url = test_database_create();
    PGconn *session = test_session_open(url);
    /* The work fails at once when a vacuum has a lock on a table, and a test must not depend on
     * that. */
    test_session_sql(session,
                     "do $$ declare t regclass; begin for t in select oid from pg_class"
                     " where relnamespace = 'public'::regnamespace and relkind = 'r' loop"
                     " execute format('alter table %%s set (autovacuum_enabled = off)', t);"
                     " end loop; end $$");
    model_add_work(url);
    fill(session);
    PQfinish(session);
    return url;
}

void model_add_work(const char *url)
{
    test_sql(url, "%s", related_work);
}

void model_reset(PGconn *session)
{
    test_session_sql(session, "truncate articles, sections, authors, tags cascade");
    fill(session);
}

static void fill(PGconn *session)
{
    test_session_sql(
        session, "insert into sections (id, name) overriding system value"
                 " values (1, 'City'), (2, 'Sport');"
                 "insert into authors (id, name) overriding system value"
                 " values (1, 'Ada'), (2, 'Bob');"
                 "insert into tags (id, name) overriding system value"
                 " values (1, 'Tram'), (2, 'Port'), (3, 'Rail');"
                 "insert into articles (id, slug, status, section_id, published_at, title, body)"
                 " select i, 'article-' || i, s[i], case i when 3 then 2 else 1 end,"
                 " '2024-01-01Z'::timestamptz + i * interval '1 day', 'Title ' || i, 'Body'"
                 " from generate_series(1, 5) i,"
                 " (select '{published,published,published,draft,withdrawn}'::text[] s) x;"
                 "insert into article_authors values (1, 1, 1), (1, 2, 2), (2, 1, 1);"
                 "insert into article_tags select id, tag, published_at"
                 " from articles, unnest('{1,2}'::int[]) tag"
                 " where (id, tag) in ((1, 1), (1, 2), (3, 1), (4, 1));"
                 "insert into article_related values (1, 1, 2, 1), (1, 2, 3, 1), (2, 1, 1, 1)");
    model_settle(session);
    test_session_sql(session, "select close_gates(); truncate change_log");
}

const char *model_statement(const char *name)
{
    enum { MAX_STATEMENTS = 16 };
    static struct {
        char name[40], sql[4096];
    } known[MAX_STATEMENTS];
    int i = 0;
    for (; i < MAX_STATEMENTS && known[i].name[0] != '\0'; i++) {
        if (strcmp(known[i].name, name) == 0)
            return known[i].sql;
    }
    cr_assert_lt(i, MAX_STATEMENTS);
    char *path = test_format("%s/db/sql/%s.sql", BROADSHEET_SOURCE_DIR, name);
    FILE *file = fopen(path, "re");
    cr_assert_not_null(file, "%s", path);
    size_t length = fread(known[i].sql, 1, sizeof(known[i].sql), file);
    cr_assert_lt(length, sizeof(known[i].sql), "%s is longer than this", path);
    fclose(file);
    snprintf(known[i].name, sizeof(known[i].name), "%s", name);
    free(path);
    return known[i].sql;
}

void model_expect_agreement(PGconn *session, const char *after)
{
    expect_documents(session, after);
    expect_lists(session, model_statement("related_by_id"), after);
}

/* The rows that readers get for the articles $1: from article_by_id, and from large_article when
 * article_by_id has no document. Readers do not ask for the document of a withdrawn article. */
static char *documents_sql(void)
{
    char large[4096];
    const char *from = model_statement("large_article"), *at = strstr(from, "$1]");
    cr_assert_not_null(at);
    snprintf(large, sizeof(large), "%.*sf.article_id%s", (int)(at - from), from, at + 2);
    return test_format(
        "with found (article_id, status, bytes, depends_on, document) as (%s)"
        " select f.article_id, f.status, f.depends_on,"
        "  case when f.status = 'published' then f.document end as document"
        " from found f where f.document is not null or f.status = 'withdrawn'"
        " union all select f.article_id, l.status, l.depends_on,"
        "  case when l.status = 'published' then convert_from(l.document, 'UTF8') end"
        " from found f cross join lateral ("
        "  select min(p.status) as status, (array_agg(p.depends_on))[1] as depends_on,"
        "   string_agg(p.piece, '') as document"
        "  from (%s) p (status, bytes, depends_on, piece) having count(*) > 0) l"
        " where f.document is null and f.status <> 'withdrawn'",
        model_statement("article_by_id"), large);
}

static void expect_documents(PGconn *session, const char *after)
{
    char *found = documents_sql();
    char *sql = test_format(
        "with have as (select article_id, status, " SORTED(
            "depends_on") " as depends_on, document"
                          "  from (%s) found),"
                          " want as (select article_id, status, " SORTED(
                              "depends_on") " as depends_on,"
                                            "   case when status = 'published' then document end "
                                            "as document"
                                            "  from article_views_of($1) where status <> 'draft')"
                                            " select string_agg(d::text, ' / ') from ("
                                            "  (select 'found', * from (select * from have except "
                                            "all select * from want) x)"
                                            "  union all (select 'tables', * from (select * from "
                                            "want except all select * from have) y)"
                                            ") d",
        found);
    expect_no_difference(session, sql, after);
    free(sql);
    free(found);
}

/* This join is written out again here, and does not use the functions under test. */
static void expect_lists(PGconn *session, const char *found_by, const char *after)
{
    char *sql = test_format(
        "with found as (%s),"
        " have as (select article_id, " SORTED(
            "depends_on") " as depends_on, cards from found),"
                          " joined as ("
                          "  select r.article_id, keys_pack(array_agg(r.related_id * 16 + 1)"
                          "    || coalesce(array_agg(c.section_id * 16 + 2) filter (where "
                          "c.section_id is not null),"
                          "                '{}')) as depends_on,"
                          "   string_agg(c.card, ',' order by r.rank) as cards"
                          "  from article_related r"
                          "  left join article_cards_of(array(select id from articles)) c"
                          "    on c.article_id = r.related_id"
                          "  where r.article_id = any ($1) group by r.article_id),"
                          " want as (select article_id, " SORTED(
                              "depends_on") " as depends_on, cards from joined)"
                                            " select string_agg(d::text, ' / ') from ("
                                            "  (select 'found', * from (select * from have except "
                                            "all select * from want) x)"
                                            "  union all (select 'tables', * from (select * from "
                                            "want except all select * from have) y)"
                                            ") d",
        found_by);
    expect_no_difference(session, sql, after);
    free(sql);
}

/* sql: returns the differences as one text; $1 has all articles and all articles with a list. */
static void expect_no_difference(PGconn *session, const char *sql, const char *after)
{
    char *ids = model_value(session, "select array(select id from articles"
                                     " union select article_id from related_views)");
    PGresult *rows = rows_with(session, sql, ids);
    const char *differences = PQgetvalue(rows, 0, 0);
    cr_expect_str_empty(differences, "after %s: %s", after, differences);
    PQclear(rows);
    free(ids);
}

static PGresult *rows_with(PGconn *session, const char *sql, const char *ids)
{
    PGresult *rows = PQexecParams(session, sql, 1, NULL, (const char *const[]){ids}, NULL, NULL, 0);
    cr_assert_eq(PQresultStatus(rows), PGRES_TUPLES_OK, "%s", PQerrorMessage(session));
    return rows;
}

/* Marks on names wait for open transactions, also for those of other tests, because all tests share
 * a cluster. */
void model_settle(PGconn *session)
{
    cr_assert(
        WAIT_UNTIL(SETTLE_MS, model_number(session, "select stale_work('{}', 100)") == 0 &&
                                  model_number(session, "select count(*) from stale_marks") == 0));
}

void model_expect_settled(PGconn *session, const char *after)
{
    model_settle(session);
    expect_lists(session, stored_lists, after);
    bool is_settled = WAIT_UNTIL(
        SETTLE_MS, model_number(session, "select done from related_work(100)") == 0 &&
                       model_number(session, "select count(*) from stale_marks") == 0 &&
                       model_number(session, "select count(*) from related_queue") == 0 &&
                       model_gates_are_closed(session));
    char *marks = model_marks(session);
    cr_expect(is_settled,
              "after %s: marks are left (%s), or the queue is not empty, or a gate is open", after,
              marks);
    free(marks);
    char *views = model_value(
        session, "select string_agg(d::text, ' / ') from ("
                 " (select * from article_views except all"
                 "  select * from article_views_of(array(select id from articles)))"
                 " union all (select * from article_views_of(array(select id from articles))"
                 "  except all select * from article_views)) d");
    cr_expect_str_empty(views, "after %s: %s", after, views);
    free(views);
    char *cards = model_value(
        session, "select string_agg(d::text, ' / ') from ("
                 " (select * from article_cards except all"
                 "  select * from article_cards_of(array(select id from articles)))"
                 " union all (select * from article_cards_of(array(select id from articles))"
                 "  except all select * from article_cards)) d");
    cr_expect_str_empty(cards, "after %s: %s", after, cards);
    free(cards);
    expect_lists(session, stored_lists, after);
    model_expect_agreement(session, after);
}

void model_expect_list(PGconn *session, int id, const char *ids, const char *cards)
{
    char *sql = test_format(
        "select (select string_agg((k / 16)::text, ',' order by k)"
        "  from unnest(keys_unpack(depends_on)) k where k %% 16 = 1),"
        " (select string_agg(c ->> 'id', ',' order by n)"
        "  from json_array_elements(('[' || cards || ']')::json) with ordinality x (c, n))"
        " from (%s) found",
        model_statement("related_by_id"));
    char *list = test_format("{%d}", id);
    PGresult *rows = rows_with(session, sql, list);
    const char *have[2] = {"", ""}, *want[2] = {ids, cards};
    cr_expect_leq(PQntuples(rows), 1);
    for (int i = 0; i < 2; i++) {
        if (PQntuples(rows) == 1)
            have[i] = PQgetvalue(rows, 0, i);
        cr_expect_str_eq(have[i], want[i], "%s of %d: %s and not %s", i == 0 ? "ids" : "cards", id,
                         have[i], want[i]);
    }
    PQclear(rows);
    free(list);
    free(sql);
}

char *model_document(PGconn *session, int id)
{
    char *list = test_format("{%d}", id), *sql = documents_sql();
    PGresult *rows = rows_with(session, sql, list);
    char *document = strdup(PQntuples(rows) == 1 ? PQgetvalue(rows, 0, 3) : "");
    PQclear(rows);
    free(sql);
    free(list);
    return document;
}

char *model_marks(PGconn *session)
{
    return model_value(session, "select " NAMES " from (select distinct key from stale_marks) s");
}

char *model_changes(PGconn *session)
{
    return model_value(session, "select " NAMES " from (select distinct key from change_log) l");
}

bool model_gates_are_closed(PGconn *session)
{
    return model_number(session, "select count(*) from (select distinct on (gate) is_open"
                                 " from stale_gates order by gate, id desc) g where is_open") == 0;
}

static char *value_of(PGconn *session, const char *format, va_list arguments)
{
    char sql[4096];
    int length = vsnprintf(sql, sizeof(sql), format, arguments);
    cr_assert_lt(length, (int)sizeof(sql));
    PGresult *rows = test_session_rows(session, "%s", sql);
    char *value = strdup(PQntuples(rows) > 0 ? PQgetvalue(rows, 0, 0) : "");
    PQclear(rows);
    return value;
}

char *model_value(PGconn *session, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *value = value_of(session, format, arguments);
    va_end(arguments);
    return value;
}

long model_number(PGconn *session, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *value = value_of(session, format, arguments);
    va_end(arguments);
    long number = strtol(value, NULL, 10);
    free(value);
    return number;
}
