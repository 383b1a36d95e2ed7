#include "tests/db/model.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/database.h"
#include "tests/support/fail.h"

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
                  "truncate change_log");
    return url;
}

void model_expect_agreement(PGconn *session, const char *after)
{
    char *views = model_value(
        session, "with fresh as (select * from article_views_of(array(select id from articles)))"
                 " select string_agg(d::text, ' / ') from ("
                 "  (select * from article_views except all select * from fresh)"
                 "  union all (select * from fresh except all select * from article_views)) d");
    cr_expect_str_empty(views, "after %s: %s", after, views);
    free(views);
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
