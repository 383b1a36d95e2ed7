/* An ordinary database: an owner that is not a superuser, roles that may do what they need and
 * nothing else, settings of roles and databases, another locale, another encoding. */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lists/explain.h"
#include "tests/db/model.h"
#include "tests/lists/relater.h"
#include "tests/support/database.h"
#include "tests/support/fail.h"
#include "tests/support/process.h"

static char *url; /* of the superuser */
static char *database, *owner, *writer, *reader;
static char *owner_url, *writer_url, *reader_url;

static char *role_create(const char *kind)
{
    char *name = test_format("broadsheet_%s_%d", kind, (int)getpid());
    test_sql(url, "create role %s login password 'secret'", name);
    return name;
}

static char *url_of(const char *role)
{
    return test_format("%s&user=%s&password=secret", url, role); /* the last one has an effect */
}

static void open_database(void)
{
    url = test_database_create_empty();
    database = test_url_part(url, "dbname");
    owner = role_create("owner");
    writer = role_create("writer");
    reader = role_create("reader");
    owner_url = url_of(owner);
    writer_url = url_of(writer);
    reader_url = url_of(reader);
    test_sql(url, "alter database %s owner to %s", database, owner);
}

static void migrate(const char *command, const char *kind, const char *role)
{
    test_database_tool(owner_url, (const char *[]){BROADSHEET_SOURCE_DIR "/tools/migrate", command,
                                                   kind, role, NULL});
}

static void migrate_and_grant(void)
{
    migrate("up", NULL, NULL);
    migrate("grant", "writer", writer);
    migrate("grant", "reader", reader);
    model_add_work(owner_url);
}

static void close_database(void)
{
    char *cluster = test_cluster_url();
    PGconn *admin = test_session_open(cluster);
    test_session_sql(admin, "drop database if exists %s (force)", database);
    test_session_sql(admin, "drop role %s, %s, %s", owner, writer, reader);
    PQfinish(admin);
    free(cluster);
}

TestSuite(ordinary, .init = open_database, .fini = close_database, .timeout = 120);

/* The work of a CMS with the six tables. Ids begin at `first`. */
static void write_articles(PGconn *cms, int first)
{
    test_session_sql(cms,
                     "insert into public.sections (name) values ('News %1$d'), ('Sport %1$d');"
                     "insert into public.authors (name) values ('Ada %1$d');"
                     "insert into public.tags (name) values ('Tram %1$d'), ('INTERVIEW %1$d')",
                     first);
    test_session_sql(
        cms,
        "insert into public.articles (id, slug, section_id, published_at, title, body)"
        " select %1$d + i, 'a-' || %1$d + i, (select min(id) from public.sections), '2024-01-01Z',"
        " 'Heron ' || i, 'Pond ' || i from generate_series(1, 4) i;"
        "insert into public.article_authors"
        " select id, 1, (select min(id) from public.authors) from public.articles where id > %1$d;"
        "insert into public.article_tags"
        " select id, (select min(id) from public.tags), published_at from public.articles where id "
        "> %1$d",
        first);
    test_session_sql(cms,
                     "update public.articles set title = 'New' where id = %1$d + 1;"
                     "update public.sections set name = 'Town %1$d' where name = 'News %1$d';"
                     "update public.tags set name = 'Rail %1$d' where name = 'Tram %1$d';"
                     "delete from public.article_tags where article_id = %1$d + 2;"
                     "delete from public.articles where id = %1$d + 4",
                     first);
}

static long number(PGconn *session, const char *sql)
{
    PGresult *rows = test_session_rows(session, "%s", sql);
    long n = PQntuples(rows) > 0 ? strtol(PQgetvalue(rows, 0, 0), NULL, 10) : -1;
    PQclear(rows);
    return n;
}

/* The work of a server, and the answers that its readers get. */
static void work_and_read(PGconn *server, int first)
{
    for (int steps = 0; number(server, "select done from public.related_work(100)") > 0;)
        cr_assert_lt(steps++, 100);
    char *sql =
        test_format("select count(*) from public.article_views where article_id in (%d, %d)"
                    " and strpos(document, '\"published_at\":\"2024-01-01T00:00:00Z\"') > 0",
                    first + 1, first + 3);
    cr_expect_eq(number(server, sql), 2);
    free(sql);
    sql =
        test_format("select count(*) from public.article_related where article_id = %d", first + 1);
    cr_expect_gt(number(server, sql), 1, "lists are made");
    free(sql);
}

static bool is_denied(PGconn *session, const char *sql)
{
    PGresult *result = PQexec(session, sql);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool denied = state != NULL && strcmp(state, "42501") == 0;
    PQclear(result);
    return denied;
}

static void expect_statements_run(PGconn *server)
{
    static const struct {
        const char *name, *type, *parameters;
    } with[] = {{"article_by_id", "(bigint[])", "('{1,101,103}')"},
                {"related_by_id", "(bigint[])", "('{1,101,103}')"},
                {"large_article", "(bigint)", "(101)"},
                {"article_by_slug", "(text)", "('a-101')"},
                {"changes_since", "(text)", "('')"},
                {"notify_test", "(text)", "('x')"},
                {"session_settings", "(text)", "('20000')"}};
    glob_t files;
    cr_assert_eq(glob(BROADSHEET_SOURCE_DIR "/db/sql/*.sql", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        char *sql = test_output_of((const char *[]){"cat", files.gl_pathv[i], NULL});
        const char *name = strrchr(files.gl_pathv[i], '/') + 1, *parameters = NULL, *type = "";
        for (size_t w = 0; w < sizeof(with) / sizeof(with[0]); w++) {
            if (strncmp(name, with[w].name, strlen(with[w].name)) == 0) {
                parameters = with[w].parameters;
                type = with[w].type;
            }
        }
        if (parameters == NULL) {
            PQclear(test_session_rows(server, "%s", sql));
        } else {
            test_session_sql(server, "prepare s %s as %s", type, sql);
            PQclear(test_session_rows(server, "execute s %s", parameters));
            test_session_sql(server, "deallocate s");
        }
        free(sql);
    }
    globfree(&files);
}

static void explain(const char *role_url, int64_t article)
{
    struct relater *relater = relater_open(role_url);
    char *json;

    cr_expect_eq(lists_explain(&relater->maker, article, &json), LISTS_EXPLAINED, "%s",
                 lists_session_error(&relater->session));
    free(json);
    relater_close(relater);
}

Test(ordinary, an_owner_that_is_not_a_superuser_migrates_and_grants_each_role_its_rights)
{
    migrate_and_grant();
    PGconn *cms = test_session_open(writer_url), *server = test_session_open(reader_url);
    write_articles(cms, 100);
    work_and_read(server, 100);
    expect_statements_run(server);
    test_session_sql(cms, "update articles set body = 'New' where id = 101");
    relate(reader_url);
    explain(reader_url, 101);
    cr_expect_eq(number(server, "select count(*) from related_queue"), 0);
    cr_expect_eq(number(server, "select count(*) from article_views"), 3);

    static const char *const inner[] = {"article_views",    "article_cards", "related_views",
                                        "stale_marks",      "stale_gates",   "change_log",
                                        "change_log_state", "related_queue", "related_failures",
                                        "article_related",  "article_terms", "related_terms",
                                        "schema_functions", "related_made"};
    for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++) {
        char *sql = test_format("delete from %s", inner[i]);
        cr_expect(is_denied(cms, sql), "a writer: %s", sql);
        cr_expect(is_denied(server, sql), "a reader: %s", sql);
        free(sql);
    }
    static const char *const writes[] = {"update articles set title = 'x'", "delete from tags",
                                         "insert into sections (name) values ('x')",
                                         "truncate articles cascade",
                                         "create table public.mine (i int)"};
    for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
        cr_expect(is_denied(server, writes[i]), "a reader: %s", writes[i]);
    static const char *const calls[] = {"select related_take(1)",
                                        "select close_gates()",
                                        "select change_log_since('')",
                                        "select change_log_trim('0')",
                                        "select article_views_write('{1}')",
                                        "select work_marks(1)"};
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        cr_expect(is_denied(cms, calls[i]), "a writer: %s", calls[i]);
    PQfinish(server);
    PQfinish(cms);
}

/* Settings of different kinds are set together. */
static const char *const settings[][12] = {
    {"default_transaction_isolation = 'serializable'", "statement_timeout = '20s'",
     "lock_timeout = '15s'", "DateStyle = 'German, DMY'", "TimeZone = 'Asia/Kathmandu'",
     "search_path = pg_temp", "default_transaction_deferrable = on", "extra_float_digits = 0",
     "standard_conforming_strings = off", "IntervalStyle = 'sql_standard'",
     "bytea_output = 'escape'"},
    {"default_transaction_isolation = 'repeatable read'", "row_security = off",
     "search_path = elsewhere"},
    {"search_path = ''"},
};

Test(ordinary, settings_of_the_database_and_its_roles_change_nothing)
{
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        test_sql(url, "drop schema if exists elsewhere; create schema elsewhere");
        for (size_t k = 0; settings[i][k] != NULL; k++)
            test_sql(url, "alter database %s set %s", database, settings[i][k]);
        migrate_and_grant();
        PGconn *cms = test_session_open(writer_url), *server = test_session_open(reader_url);
        write_articles(cms, 100 + 10 * (int)i);
        test_session_sql(
            server,
            "set default_transaction_isolation = 'read committed'"); /* session_settings.sql */
        test_session_sql(server, "set search_path = public, pg_temp");
        work_and_read(server, 100 + 10 * (int)i);
        PQfinish(server);
        PQfinish(cms);
        test_sql(url, "alter database %s reset all", database);
    }
}

/* Our functions and tables by name, in schemas that come first in the path. */
Test(ordinary, functions_and_temporary_tables_of_the_same_names_have_no_effect)
{
    migrate_and_grant();
    test_sql(url,
             "create schema elsewhere; grant usage on schema elsewhere to public;"
             "do $d$ declare f record; begin for f in"
             " select proname, pg_get_function_identity_arguments(oid) as arguments from pg_proc p"
             " where pronamespace = 'public'::regnamespace and prokind = 'f' and prorettype <> "
             "'trigger'::regtype"
             "  and not exists (select from unnest(coalesce(proargmodes, '{}')) m where m <> 'i')"
             " loop execute format('create function elsewhere.%%I(%%s) returns integer language "
             "plpgsql as"
             " $f$ begin raise exception ''diverted''; end $f$', f.proname, f.arguments); end "
             "loop; end $d$");
    PGconn *cms = test_session_open(writer_url), *server = test_session_open(reader_url);
    for (int i = 0; i < 2; i++) {
        PGconn *session = i == 0 ? cms : server;
        test_session_sql(session, "set search_path = elsewhere, pg_temp, public");
        PGresult *tables =
            test_session_rows(session, "select relname from pg_class where relnamespace = "
                                       "'public'::regnamespace and relkind = 'r'");
        for (int t = 0; t < PQntuples(tables); t++)
            test_session_sql(session,
                             "create temporary table %s (id bigint, article_id bigint, key bigint)",
                             PQgetvalue(tables, t, 0));
        PQclear(tables);
    }
    write_articles(cms, 100);
    work_and_read(server, 100);
    PQfinish(server);
    PQfinish(cms);
}

static void expect_refused(const char *encoding, const char *locale)
{
    char *cluster = test_cluster_url(), *name = test_format("broadsheet_test_%d_e", (int)getpid());
    PGconn *admin = test_session_open(cluster);
    test_session_sql(admin, "drop database if exists %s (force)", name);
    test_session_sql(admin, "create database %s template template0 encoding '%s' locale '%s'", name,
                     encoding, locale);
    char *other = test_url_with_database(cluster, name),
         *address = test_format("DATABASE_URL=%s", other);
    struct test_run run;
    test_run(&run, (const char *[]){BROADSHEET_SOURCE_DIR "/tools/migrate", "up", NULL},
             (const char *[]){address, NULL}, NULL);
    cr_expect_neq(run.status, 0);
    cr_expect_not_null(strstr(run.err, encoding), "%s", run.err);
    cr_expect_eq(
        test_sql_number(
            other, "select count(*) from pg_class where relnamespace = 'public'::regnamespace"),
        0);
    test_run_finish(&run);
    test_session_sql(admin, "drop database %s (force)", name);
    PQfinish(admin);
    free(address);
    free(other);
    free(name);
    free(cluster);
}

Test(ordinary, a_database_in_another_encoding_is_refused_before_anything_is_written)
{
    expect_refused("SQL_ASCII", "C");
    expect_refused("LATIN1", "C");
}

Test(ordinary, a_turkish_database_gives_the_same_slugs)
{
    char *cluster = test_cluster_url(), *name = test_format("broadsheet_test_%d_t", (int)getpid());
    PGconn *admin = test_session_open(cluster);
    test_session_sql(admin, "drop database if exists %s (force)", name);
    test_session_sql(admin,
                     "create database %s template template0 encoding 'UTF8'"
                     " locale_provider icu icu_locale 'tr-TR' owner %s",
                     name, owner);
    char *turkish = test_url_with_database(cluster, name);
    char *as_owner = test_format("%s&user=%s&password=secret", turkish, owner);
    test_database_migrate(as_owner, "up");
    model_add_work(as_owner);
    PGconn *session = test_session_open(as_owner);
    write_articles(session, 100);
    work_and_read(session, 100);
    cr_expect_eq(number(session, "select count(*) from tags where slug = 'interview-100'"), 1);
    cr_expect_eq(number(session, "select (slug_base('INTERVIEW') = 'interview')::int"), 1);
    cr_expect_eq(number(session, "select (slug_base('\u0130stanbul I\u0131') is not null)::int"),
                 1);
    test_session_sql(session, "update articles set language = 'TR-IQ', image_url = "
                              "'https://example.com/I' where id = 101");
    PQfinish(session);
    test_session_sql(admin, "drop database %s (force)", name);
    PQfinish(admin);
    free(as_owner);
    free(turkish);
    free(name);
    free(cluster);
}
