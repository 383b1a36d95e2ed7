/* The import by a role that is not a superuser, in a database with unusual settings. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import/session.h"
#include "tests/import/run.h"
#include "tests/support/database.h"
#include "tests/support/fail.h"

static char *url, *role_url, *database, role[64];

/* The role has rights on the data and owns nothing. */
static void begin(void)
{
    url = test_database_create();
    database = test_url_part(url, "dbname");
    snprintf(role, sizeof(role), "import_test_%d", (int)getpid());
    test_sql(url,
             "create role %s login password 'x'; grant all on schema public to %s;"
             " grant temporary on database %s to %s;"
             " grant all on all tables in schema public to %s;"
             " grant all on all sequences in schema public to %s;"
             " grant execute on all functions in schema public to %s",
             role, role, database, role, role, role, role);
    char *host = test_url_part(url, "host"), *port = test_url_part(url, "port");
    role_url = test_format("postgres://%s:x@%s:%s/%s", role, host, port, database);
    free(host);
    free(port);
}

static void end(void)
{
    test_sql(url, "drop owned by %s cascade; drop role %s", role, role);
    free(role_url);
    free(database);
    free(url);
}

TestSuite(settings, .init = begin, .fini = end, .timeout = 120);

static const struct {
    const char *name, *unusual, *ours; /* NULL: only the unusual setting is tested */
} parameters[] = {
    {"default_transaction_isolation", "serializable", "read committed"},
    {"default_transaction_deferrable", "on", "off"},
    {"statement_timeout", "50ms", "10min"},
    {"lock_timeout", "1ms", "1min"},
    {"idle_in_transaction_session_timeout", "50ms", "0"},
    {"idle_session_timeout", "50ms", "0"},
    {"search_path", "pg_temp, pg_catalog, elsewhere", "public"},
    {"row_security", "off", "on"},
    {"TimeZone", "Asia/Kathmandu", "UTC"},
    {"DateStyle", "German, DMY", "ISO, MDY"},
    {"IntervalStyle", "sql_standard", "postgres"},
    {"standard_conforming_strings", "off", "on"},
    {"client_min_messages", "debug1", "warning"},
    {"client_encoding", "LATIN1", "UTF8"},
    {"bytea_output", "escape", NULL},
    {"extra_float_digits", "-5", NULL},
    {"quote_all_identifiers", "on", NULL},
    {"transform_null_equals", "on", NULL},
};
enum { NPARAMETERS = sizeof(parameters) / sizeof(parameters[0]) };

static void make_unusual(void)
{
    for (size_t i = 0; i < NPARAMETERS; i++) {
        bool is_list = strcmp(parameters[i].name, "search_path") == 0;
        test_sql(url, "alter role %s in database %s set %s = %s%s%s", role, database,
                 parameters[i].name, is_list ? "" : "'", parameters[i].unusual, is_list ? "" : "'");
    }
}

Test(settings, of_the_role_do_not_reach_a_session)
{
    struct session session;

    make_unusual();
    cr_assert(session_init(&session, role_url), "%s", session.error);
    for (size_t i = 0; i < NPARAMETERS; i++) {
        char sql[200];
        long is_ours = -1;
        if (parameters[i].ours == NULL)
            continue;
        snprintf(sql, sizeof(sql), "select (current_setting('%s') = '%s')::int where $1::int = 0",
                 parameters[i].name, parameters[i].ours);
        cr_expect_eq(session_number(&session, sql, 0, &is_ours), SESSION_OK, "%s: %s",
                     parameters[i].name, session.error);
        cr_expect_eq(is_ours, 1, "%s", parameters[i].name);
    }
    session_finish(&session);
}

Test(settings, of_the_role_do_not_change_the_effect_of_an_import)
{
    make_unusual();
    cr_expect_eq(import_of_file(role_url, import_file_of("x", 65, "t"), NULL), 0);
    cr_expect_eq(import_of_file(role_url, import_file_of("x", 65, "T"), NULL), 0);
    cr_expect_eq(import_of_text(role_url,
                                "{\"slug\":\"d\",\"title\":\"t\",\"body\":\"a \\\\ b\",\"section\":"
                                "\"S\\u00e9\",\"published_at\":\"2024-02-03T04:05:06Z\"}",
                                NULL),
                 0);
    cr_expect_eq(test_sql_number(url, "select count(*) from articles where version = 2"), 65);
    cr_expect_eq(
        test_sql_number(url, "select count(*) from articles join sections s on s.id = section_id"
                             " where body = E'a \\\\ b' and name = U&'S\\00e9'"
                             " and published_at = '2024-02-03 04:05:06Z'"),
        1);
    cr_expect_eq(test_sql_number(url, "select count(*) from related_queue"), 0);
}

Test(settings, of_a_read_only_role_are_a_clear_error)
{
    struct session session;

    test_sql(url, "alter role %s set default_transaction_read_only = on", role);
    cr_expect_not(session_init(&session, role_url));
    cr_expect_not_null(strstr(session.error, "read-only"), "%s", session.error);
    session_finish(&session);

    char *any = test_format("%s?target_session_attrs=any", role_url);
    cr_expect(session_init(&session, any), "the URL decides: %s", session.error);
    session_finish(&session);
    free(any);
}
