/* The change log belongs to one history. After a restore, a failover or a time without triggers,
 * the log begins again, and everything is reported as changed, once. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/db/model.h"
#include "tests/support/database.h"
#include "tests/support/fail.h"
#include "tests/support/process.h"

static char *url;
static PGconn *session;

static void open_site(void)
{
    url = model_create();
    session = test_session_open(url);
}

static void close_site(void)
{
    PQfinish(session);
    free(url);
}

TestSuite(history, .init = open_site, .fini = close_site, .timeout = 120);

#define ARTICLE_4 "\\x0000000000000041"

/* One read of the log, as a server does it. */
struct news {
    char reached[400];
    int everything;
    char keys[400];       /* packed, 8 bytes each, in hexadecimal digits */
    char unreliable[400]; /* "" for null */
};

static struct news read_since(PGconn *from, const char *since)
{
    struct news news;
    PGresult *row = PQexecParams(from, model_statement("changes_since"), 1, NULL,
                                 (const char *const[]){since}, NULL, NULL, 0);
    cr_assert_eq(PQresultStatus(row), PGRES_TUPLES_OK, "%s", PQerrorMessage(from));
    cr_assert_eq(PQntuples(row), 1);
    snprintf(news.reached, sizeof(news.reached), "%s", PQgetvalue(row, 0, 0));
    news.everything = atoi(PQgetvalue(row, 0, 1));
    snprintf(news.keys, sizeof(news.keys), "%s", PQgetvalue(row, 0, 2));
    snprintf(news.unreliable, sizeof(news.unreliable), "%s", PQgetvalue(row, 0, 3));
    PQclear(row);
    return news;
}

/* The position after a change of history. Everything was reported once, and then nothing. */
static void expect_everything_once(PGconn *from, const char *since, const char *after)
{
    struct news news = read_since(from, since);
    cr_expect_eq(news.everything, 1, "after %s", after);
    news = read_since(from, news.reached);
    cr_expect_eq(news.everything, 0, "everything is reported a second time after %s", after);
    cr_expect_str_eq(news.keys, "\\x", "after %s: %s", after, news.keys);
    test_session_sql(from, "update articles set body = body || '.' where id = 4");
    news = read_since(from, news.reached);
    cr_expect_eq(news.everything, 0, "after %s", after);
    cr_expect_str_eq(news.keys, ARTICLE_4, "article 4 is reported after %s: %s", after, news.keys);
}

static const char *position(void)
{
    static struct news news;
    news = read_since(session, read_since(session, "").reached);
    cr_expect_eq(news.everything, 0);
    return news.reached;
}

Test(history, of_another_cluster_empties_the_log_and_reports_everything_once)
{
    test_session_sql(
        session,
        "update change_log_state set history = 'other',"
        " trimmed = '9000000000:9000000000:', next = '9000000000:9000000000:';"
        "insert into change_log (xid, key)"
        " select (9000000000 + i)::text::xid8, 16 * i + 1 from generate_series(1, 1000) i");
    char since[] = "9000000900:9000000900: other";
    expect_everything_once(session, since, "a restore into a younger cluster");
    cr_expect_eq(
        model_number(session,
                     "select count(*) from change_log where xid::text::bigint > 9000000000"),
        0);
}

Test(history, that_differs_is_reported_to_all_servers)
{
    char *first = strdup(position()), *second = strdup(position());
    test_session_sql(session, "update change_log_state set history = 'other'");
    struct news of_first = read_since(session, first), of_second = read_since(session, second);
    cr_expect_eq(of_first.everything, 1);
    test_session_sql(session, "update articles set title = title where id = 4");
    of_second = read_since(session, of_second.reached);
    cr_expect_str_eq(of_second.keys, ARTICLE_4);
    free(second);
    free(first);
}

Test(history, gives_the_reason_for_unreported_changes_and_reports_everything_afterwards)
{
    static const struct {
        const char *off, *on, *why;
    } cases[] = {
        {"alter table articles disable trigger articles_update",
         "alter table articles enable trigger articles_update", "triggers"},
        {"alter table tags disable trigger user", "alter table tags enable trigger user",
         "triggers"},
        {"alter table sections disable trigger all", "alter table sections enable trigger all",
         "triggers"},
        {"alter table article_related disable trigger all",
         "alter table article_related enable trigger all", "triggers"},
        {"alter table article_tags enable replica trigger article_tags_insert",
         "alter table article_tags enable trigger article_tags_insert", "triggers"},
        {"drop trigger article_authors_delete on article_authors",
         "create trigger article_authors_delete after delete on article_authors"
         " referencing old table as before_rows for each statement"
         " execute function on_article_rows(article_id, author_id, 3)",
         "triggers"},
        {"drop trigger articles_truncate on articles",
         "create trigger articles_truncate after truncate on articles"
         " for each statement execute function on_rows_truncated()",
         "triggers"},
        {"set session_replication_role = replica", "set session_replication_role = origin",
         "replica"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *since = position();
        test_session_sql(session, "%s", cases[i].off);
        struct news news = read_since(session, since);
        cr_expect(strstr(news.unreliable, cases[i].why) != NULL, "after %s: %s", cases[i].off,
                  news.unreliable);
        test_session_sql(session, "%s", cases[i].on);
        struct news after = read_since(session, news.reached);
        cr_expect_str_empty(after.unreliable, "after %s: %s", cases[i].on, after.unreliable);
        if (strncmp(cases[i].off, "set ", 4) != 0)
            expect_everything_once(session, news.reached, cases[i].on);
    }
}

Test(history, of_a_recreated_table_reports_everything)
{
    const char *since = position();
    test_session_sql(session,
                     "alter table change_log rename to old_log;"
                     "create table change_log (like old_log including all); drop table old_log");
    expect_everything_once(session, since, "another change_log");
}

static void shell(const char *format, const char *from, const char *to)
{
    char *command = test_format(format, from, to);
    free(test_output_of((const char *[]){"bash", "-c", command, NULL}));
    free(command);
}

Test(history, of_a_dump_in_another_database_is_another_one_and_all_work_continues_there)
{
    const char *since = position();
    test_session_sql(session, "update articles set title = 'Dumped' where id = 1");
    char *copy = test_database_create_empty();
    shell("set -o pipefail; pg_dump -d '%s' | psql -XAtq -v ON_ERROR_STOP=1 -d '%s' >/dev/null",
          url, copy);
    PGconn *restored = test_session_open(copy);
    expect_everything_once(restored, since, "pg_dump and psql");
    model_expect_agreement(restored, "pg_dump and psql");
    test_session_sql(restored,
                     "insert into articles (id, slug, section_id, published_at, title, body)"
                     " values (10, 'new', 1, now(), 'New', 'Body')");
    model_expect_settled(restored, "the work after pg_dump and psql");
    cr_expect_gt(model_number(restored, "select count(*) from article_related"), 3,
                 "lists are made");
    PQfinish(restored);
    free(copy);
}

Test(history, continues_after_a_data_only_restore_of_the_six_tables)
{
    test_session_sql(
        session,
        "update articles set image_url = 'https://example.com/a', language = 'de' where id = 1");
    char *copy = test_database_create();
    PGconn *restored = test_session_open(copy);
    struct news before = read_since(restored, "");
    shell("set -o pipefail; pg_dump --data-only -t sections -t authors -t tags -t articles -t "
          "article_authors"
          " -t article_tags -d '%s' | psql -XAtq -v ON_ERROR_STOP=1 -d '%s' >/dev/null",
          url, copy);
    struct news news = read_since(restored, before.reached);
    cr_expect(news.everything == 1 || strstr(news.keys, "0000000000000011") != NULL, "%s",
              news.keys);
    cr_expect_eq(model_number(restored, "select count(*) from article_views"), 5);
    model_add_work(copy);
    model_expect_settled(restored, "a data-only restore");
    cr_expect_gt(model_number(restored, "select count(*) from article_related"), 3,
                 "lists are made");
    PQfinish(restored);
    free(copy);
}
