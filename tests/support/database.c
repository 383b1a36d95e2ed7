/* Databases for tests.
 *
 *     test_database_create --> template_name: is there a migrated template of these migrations?
 *                                |-- no --> make one under another name, then rename it
 *                                +-- yes -+
 *                          --> create database ... template     at exit --> drop_created
 *
 * The name of a template has a hash of migrations/, so that a change there makes a new one. The
 * test processes run at the same time: an advisory lock lets one make the template while the others wait. */
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/database.h"
#include "tests/support/fail.h"
#include "tests/support/process.h"
#include "tests/support/sql.h"

enum { TEMPLATE_LOCK = 20170301, MAX_CREATED = 16 };

/* The databases that this process made and must drop. */
static struct {
    pid_t owner; /* a fork of the test must not drop the databases that the test uses */
    unsigned n;
    char names[MAX_CREATED][64];
} created;

static char *create_from(const char *template);
static void template_name(PGconn *admin, char *ret_name, size_t size);
static uint64_t hash_of_migrations(void);
static void make_template(PGconn *admin, const char *name);
static void sweep(PGconn *admin);
static void drop_created(void);

char *test_database_create(void)
{
    return create_from("migrated");
}

char *test_database_create_empty(void)
{
    return create_from(NULL);
}

static char *create_from(const char *template)
{
    char *cluster = test_cluster_url();
    PGconn *admin = test_session_open(cluster);
    char name[64] = "template0";
    if (template != NULL)
        template_name(admin, name, sizeof(name));

    if (created.owner != getpid()) {
        created.owner = getpid();
        created.n = 0;
        atexit(drop_created);
    }
    if (created.n == MAX_CREATED)
        test_fail("one test makes more than %d databases", MAX_CREATED);
    char *mine = created.names[created.n++];
    snprintf(mine, sizeof(created.names[0]), "broadsheet_test_%d_%u", (int)getpid(), created.n);
    test_session_sql(admin, "drop database if exists %s (force)", mine);
    /* The copy of the files takes a third of the time of a copy through the WAL. */
    test_session_sql(admin, "create database %s template %s strategy file_copy", mine, name);
    PQfinish(admin);

    char *url = test_url_with_database(cluster, mine);
    free(cluster);
    return url;
}

static void template_name(PGconn *admin, char *ret_name, size_t size)
{
    snprintf(ret_name, size, "broadsheet_template_%016llx",
             (unsigned long long)hash_of_migrations());
    test_session_sql(admin, "select pg_advisory_lock(%d)", TEMPLATE_LOCK);
    PGresult *row =
        test_session_rows(admin, "select 1 from pg_database where datname = '%s'", ret_name);
    if (PQntuples(row) == 0) {
        sweep(admin);
        make_template(admin, ret_name);
    }
    test_session_sql(admin, "select pg_advisory_unlock(%d)", TEMPLATE_LOCK);
    PQclear(row);
}

static void make_template(PGconn *admin, const char *name)
{
    test_session_sql(admin, "drop database if exists broadsheet_template_new (force)");
    test_session_sql(admin, "create database broadsheet_template_new template template0");
    char *cluster = test_cluster_url(),
         *url = test_url_with_database(cluster, "broadsheet_template_new");
    test_database_migrate(url, "up");
    free(url);
    free(cluster);
    test_session_sql(admin, "alter database broadsheet_template_new rename to %s", name);
}

/* Tests that crashed left databases behind. Their process does not exist any more. */
static void sweep(PGconn *admin)
{
    PGresult *rows = test_session_rows(
        admin, "select datname from pg_database where datname like 'broadsheet\\_test\\_%%'");
    for (int i = 0; i < PQntuples(rows); i++) {
        char proc[32];
        long pid = strtol(PQgetvalue(rows, i, 0) + strlen("broadsheet_test_"), NULL, 10);
        snprintf(proc, sizeof(proc), "/proc/%ld", pid);
        if (access(proc, F_OK) != 0)
            test_session_sql(admin, "drop database if exists %s (force)", PQgetvalue(rows, i, 0));
    }
    PQclear(rows);
}

static void drop_created(void)
{
    if (created.owner != getpid())
        return;
    char *cluster = test_cluster_url();
    PGconn *admin = test_session_open(cluster);
    for (unsigned i = 0; i < created.n; i++)
        test_session_sql(admin, "drop database if exists %s (force)", created.names[i]);
    PQfinish(admin);
    free(cluster);
}

void test_database_migrate(const char *url, const char *direction)
{
    const char *steps = strcmp(direction, "down") == 0 ? "all" : NULL;
    test_database_tool(
        url, (const char *[]){BROADSHEET_SOURCE_DIR "/tools/migrate", direction, steps, NULL});
}

void test_database_tool(const char *url, const char *const argv[])
{
    struct test_run run;
    char *address = test_format("DATABASE_URL=%s", url);
    test_run(&run, argv, (const char *[]){address, NULL}, NULL);
    if (run.status != 0)
        test_fail("%s ended with %d: %s%s", argv[0], run.status, run.out, run.err);
    test_run_finish(&run);
    free(address);
}

/* FNV-1a over the names and the contents, in the order of the names. */
static uint64_t hash_of_migrations(void)
{
    uint64_t hash = 0xcbf29ce484222325;
    glob_t files;
    if (glob(BROADSHEET_SOURCE_DIR "/migrations/*.sql", 0, NULL, &files) != 0 ||
        glob(BROADSHEET_SOURCE_DIR "/migrations/functions/*.sql", GLOB_APPEND, NULL, &files) != 0)
        test_fail("no migrations in %s", BROADSHEET_SOURCE_DIR "/migrations");
    for (size_t i = 0; i < files.gl_pathc; i++) {
        FILE *f = fopen(files.gl_pathv[i], "r");
        if (f == NULL)
            test_fail("cannot read %s", files.gl_pathv[i]);
        for (const char *name = files.gl_pathv[i]; *name != '\0'; name++)
            hash = (hash ^ (unsigned char)*name) * 0x100000001b3;
        for (int c; (c = fgetc(f)) != EOF;)
            hash = (hash ^ (unsigned)c) * 0x100000001b3;
        fclose(f);
    }
    globfree(&files);
    return hash;
}

char *test_cluster_url(void)
{
    static char *known; /* once in a process, because the answer costs a program */
    if (known == NULL) {
        const char *url = getenv("BROADSHEET_TEST_DATABASE_URL"),
                   *dir = getenv("BROADSHEET_TEST_CLUSTER");
        if (dir == NULL)
            dir = BROADSHEET_TEST_CLUSTER;
        known = url != NULL ? strdup(url)
                            : test_output_of((const char *[]){
                                  BROADSHEET_SOURCE_DIR "/tools/cluster", "url", dir, NULL});
    }
    return strdup(known);
}

char *test_url_with_database(const char *url, const char *name)
{
    char *error = NULL, *text = test_format("postgresql:///%s", name);
    PQconninfoOption *options = PQconninfoParse(url, &error);
    if (options == NULL)
        test_fail("the database URL of the tests is not valid: %s", error);
    char separator = '?';
    for (PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (o->val == NULL || strcmp(o->keyword, "dbname") == 0)
            continue;
        char escaped[3 * 256 + 1], *end = escaped;
        for (const char *c = o->val; *c != '\0' && end < escaped + sizeof(escaped) - 4; c++)
            end += sprintf(end, "%%%02X", (unsigned char)*c);
        char *longer = test_format("%s%c%s=%s", text, separator, o->keyword, escaped);
        free(text);
        text = longer;
        separator = '&';
    }
    PQconninfoFree(options);
    return text;
}

char *test_url_part(const char *url, const char *keyword)
{
    char *value = NULL;
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++)
        if (strcmp(o->keyword, keyword) == 0 && o->val != NULL)
            value = strdup(o->val);
    PQconninfoFree(options);
    if (value == NULL)
        test_fail("the database URL of the tests has no %s", keyword);
    return value;
}
