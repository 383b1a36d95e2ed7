#include "tests/db/model.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/statements.h"
#include "tests/support/database.h"
#include "tests/support/fail.h"

/* Lists with their ids as "2,3". %s: what finds them for the articles $1, as readers or as they are
 * stored. */
#define DECODED                                                                                \
    "select article_id, (select string_agg(('x' || encode(substr(ids, 8 * i + 1, 8), 'hex'))"  \
    "::bit(64)::bigint::text, ',' order by i) from generate_series(0, length(ids) / 8 - 1) i)" \
    " as ids, cards from (%s) found"

static const char *stored = "select * from related_views where article_id = any ($1)";

static void expect_lists(PGconn *session, const char *found_by, const char *after);
static PGresult *rows_with(PGconn *session, const char *sql, const char *ids);

char *model_create(void)
{
    char *url = test_database_create();
    test_sql(url, "insert into sections (id, name) overriding system value"
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
                  "insert into article_related values (1, 1, 2, 1), (1, 2, 3, 1), (2, 1, 1, 1);"
                  "do 'begin perform related_views_refresh(100); end';"
                  "truncate change_log");
    return url;
}

void model_expect_agreement(PGconn *session, const char *after)
{
    char *views = model_value(
        session, "with fresh as (select * from article_views_of(array(select id from articles))),"
                 "  stored as (select v.article_id, v.status, c.card, v.document"
                 "   from article_views v full join article_cards c using (article_id))"
                 " select string_agg(d::text, ' / ') from ("
                 "  (select * from stored except all select * from fresh)"
                 "  union all (select * from fresh except all select * from stored)) d");
    cr_expect_str_empty(views, "after %s: %s", after, views);
    free(views);
    expect_lists(session, db_statements[DB_RELATED_BY_ID].sql, after);
}

/* The join is written out here once more, and not asked of the functions that are tested. */
static void expect_lists(PGconn *session, const char *found_by, const char *after)
{
    char *decoded = test_format(DECODED, found_by);
    char *sql = test_format(
        "with found as (%s), joined as ("
        " select r.article_id, string_agg(r.related_id::text, ',' order by r.rank) as ids,"
        "  string_agg(c.card, ',' order by r.rank) as cards"
        " from article_related r left join article_cards c on c.article_id = r.related_id"
        " group by r.article_id)"
        " select string_agg(d::text, ' / ') from ("
        " (select 'found' as which, * from (select * from found except all select * from joined) x)"
        " union all (select 'joined', * from (select * from joined except all select * from found)"
        " y)) d",
        decoded);
    char *ids = model_value(session, "select array(select id from articles"
                                     " union select article_id from related_views)");
    PGresult *rows = rows_with(session, sql, ids);
    const char *differences = PQgetvalue(rows, 0, 0);
    cr_expect_str_empty(differences, "after %s: %s", after, differences);
    PQclear(rows);
    free(ids);
    free(sql);
    free(decoded);
}

static PGresult *rows_with(PGconn *session, const char *sql, const char *ids)
{
    PGresult *rows = PQexecParams(session, sql, 1, NULL, (const char *const[]){ids}, NULL, NULL, 0);
    cr_assert_eq(PQresultStatus(rows), PGRES_TUPLES_OK, "%s", PQerrorMessage(session));
    return rows;
}

void model_settle(PGconn *session)
{
    for (int steps = 0; model_number(session, "select related_views_refresh(100)") > 0;)
        cr_assert_lt(steps++, 1000);
}

void model_expect_settled(PGconn *session, const char *after)
{
    model_settle(session);
    expect_lists(session, stored, after);
    for (int steps = 0; model_number(session, "select related_refresh(100)") > 0;)
        cr_assert_lt(steps++, 1000);
    char *marks = model_marks(session);
    cr_expect_str_empty(marks, "after %s: %s", after, marks);
    free(marks);
    expect_lists(session, stored, after);
    model_expect_agreement(session, after);
}

void model_expect_list(PGconn *session, int id, const char *ids, const char *cards)
{
    char *decoded = test_format(DECODED, db_statements[DB_RELATED_BY_ID].sql);
    char *sql = test_format("select ids, (select string_agg(c ->> 'id', ',' order by n)"
                            " from json_array_elements(('[' || cards || ']')::json)"
                            " with ordinality x (c, n)) from (%s) decoded",
                            decoded);
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
    free(decoded);
}

char *model_marks(PGconn *session)
{
    return model_value(session, "select string_agg(article_id::text, ',' order by article_id)"
                                " from (select distinct article_id from related_stale) s");
}

char *model_changes(PGconn *session)
{
    return model_value(session, "select string_agg(article_id::text, ',' order by article_id)"
                                " from (select distinct article_id from change_log) l");
}

static char *value_of(PGconn *session, const char *format, va_list arguments)
{
    char sql[2048];
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
