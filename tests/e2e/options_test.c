/* The program's command line and its environment. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/fail.h"
#include "tests/support/process.h"
#include "tests/support/site.h"

enum { MAX_WORDS = 4 };

TestSuite(options, .timeout = 60);

static const char *const variables[] = {
    "DATABASE_URL",
    "BROADSHEET_LISTEN",
    "BROADSHEET_THREADS",
    "BROADSHEET_DB_CONNECTIONS",
    "BROADSHEET_CACHE_MB",
    "BROADSHEET_DEADLINE_MS",
    "BROADSHEET_MAX_CONNECTIONS",
    "BROADSHEET_LOG",
};
enum { NVARIABLES = sizeof(variables) / sizeof(variables[0]) };

static struct test_run run_with(const char *const words[MAX_WORDS], const char *const env[])
{
    struct test_run run;
    const char *argv[MAX_WORDS + 2] = {test_program()};
    for (int i = 0; i < MAX_WORDS; i++)
        argv[i + 1] = words[i];
    test_run(&run, argv, env, NULL);
    return run;
}

/* Expects one line on stderr that has `named`, and this exit status. */
static void expect_refusal(struct test_run run, int status, const char *named)
{
    const char *newline = strchr(run.err, '\n');
    cr_expect_eq(run.status, status, "%s: exit status %d, %s", named, run.status, run.err);
    cr_expect(newline != NULL && newline[1] == '\0', "%s: not one line: %s", named, run.err);
    cr_expect(strstr(run.err, named) != NULL, "%s is not named: %s", named, run.err);
    cr_expect_str_eq(run.out, "");
    test_run_finish(&run);
}

Test(options, that_are_bad_end_the_program_with_one_line_and_status_2)
{
    static const struct {
        const char *setting, *named;
    } cases[] = {
        {"BROADSHEET_LISTEN=nowhere", "listen"},
        {"BROADSHEET_LISTEN=127.0.0.1:65536", "listen"},
        {"BROADSHEET_LISTEN=127.0.0.1:", "listen"},
        {"BROADSHEET_LISTEN=127.0.0.1:http", "listen"},
        {"BROADSHEET_LISTEN=", "listen"},
        {"BROADSHEET_LISTEN=127.0.0.1:-1", "listen"},
        {"BROADSHEET_THREADS=-3", "BROADSHEET_THREADS"},
        {"BROADSHEET_THREADS=0", "BROADSHEET_THREADS"},
        {"BROADSHEET_THREADS=two", "BROADSHEET_THREADS"},
        {"BROADSHEET_THREADS=2x", "BROADSHEET_THREADS"},
        {"BROADSHEET_THREADS=99999999999999999999", "BROADSHEET_THREADS"},
        {"BROADSHEET_DB_CONNECTIONS=0", "BROADSHEET_DB_CONNECTIONS"},
        {"BROADSHEET_CACHE_MB=-1", "BROADSHEET_CACHE_MB"},
        {"BROADSHEET_DEADLINE_MS=soon", "BROADSHEET_DEADLINE_MS"},
        {"BROADSHEET_DEADLINE_MS=0", "BROADSHEET_DEADLINE_MS"},
        {"BROADSHEET_MAX_CONNECTIONS=1e4", "BROADSHEET_MAX_CONNECTIONS"},
        {"BROADSHEET_LOG=loud", "BROADSHEET_LOG"},
        {"DATABASE_URL", "DATABASE_URL"},
        {"DATABASE_URL=", "DATABASE_URL"},
        {"DATABASE_URL=postgres://[::1", "DATABASE_URL"},
        {"DATABASE_URL=no_such_key=1", "DATABASE_URL"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool is_url = strncmp(cases[i].setting, "DATABASE_URL", 12) == 0;
        const char *env[] = {cases[i].setting,
                             is_url ? NULL : "DATABASE_URL=postgres://127.0.0.1:1/x", NULL};
        expect_refusal(run_with((const char *[MAX_WORDS]){NULL}, env), 2, cases[i].named);
    }
}

Test(options, that_are_bad_flags_end_the_program_with_one_line_and_status_2)
{
    static const struct {
        const char *words[MAX_WORDS], *named;
    } cases[] = {
        {{"--threads", "none"}, "--threads"},
        {{"--threads=0"}, "--threads"},
        {{"--deadline-ms"}, "--deadline-ms"},
        {{"--surprise"}, "--surprise"},
        {{"-x"}, "-x"},
        {{"surprise"}, "surprise"},
        {{"serve", "surprise"}, "surprise"},
        {{"--listen", "x"}, "listen"},
        {{"--database-url", "x=1"}, "DATABASE_URL"},
        {{"import"}, "import"},
    };
    static const char *const env[] = {"DATABASE_URL=postgres://127.0.0.1:1/x", NULL};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_refusal(run_with(cases[i].words, env), 2, cases[i].named);
}

Test(options, that_are_refused_show_no_password)
{
    static const char *const env[] = {"DATABASE_URL=postgres://me:s3cret@[::1/x?no_such=1", NULL};
    struct test_run run = run_with((const char *[MAX_WORDS]){NULL}, env);
    cr_expect_eq(run.status, 2);
    cr_expect_null(strstr(run.err, "s3cret"), "%s", run.err);
    test_run_finish(&run);
}

Test(options, as_flags_override_variables)
{
    char *url = test_database_create();
    test_articles_insert(url);
    static const char *const env[] = {"BROADSHEET_LISTEN=nowhere", "BROADSHEET_THREADS=many",
                                      "BROADSHEET_LOG=loud", "BROADSHEET_DEADLINE_MS=300", NULL};
    char flag[512];
    snprintf(flag, sizeof(flag), "--database-url=%s", url);
    const char *args[] = {"serve", "--listen",      "127.0.0.1:0", "--threads=1", "--log",
                          "info",  "--deadline-ms", "1500",        flag,          NULL};
    struct test_site site = {
        .url = url, .server = test_server_start("postgres://127.0.0.1:1/nothing", env, args)};

    PGconn *lock = test_lock(url, "article_views");
    struct http_answer a = http_get(site.server, "/articles/1");
    cr_expect_eq(a.status, 504, "%d", a.status);
    cr_expect_gt(a.took_ms, 1000, "the deadline is not that of the flag: %lu ms", a.took_ms);
    http_answer_finish(&a);
    test_unlock(lock);
    test_site_close(&site);
}

Test(options, are_all_in_the_help)
{
    static const char *const env[] = {"DATABASE_URL", NULL};
    struct test_run run = run_with((const char *[MAX_WORDS]){"--help"}, env);
    cr_expect_eq(run.status, 0);
    cr_expect_str_eq(run.err, "");
    for (size_t i = 0; i < NVARIABLES; i++) {
        char flag[64] = "--";
        const char *name =
            strncmp(variables[i], "BROADSHEET_", 11) == 0 ? variables[i] + 11 : variables[i];
        for (size_t c = 0; name[c] != '\0'; c++)
            flag[c + 2] = (char)(name[c] == '_' ? '-' : name[c] | 0x20);
        cr_expect(strstr(run.out, variables[i]) != NULL, "%s is not in the help", variables[i]);
        cr_expect(strstr(run.out, flag) != NULL, "%s is not in the help", flag);
    }
    test_run_finish(&run);
}

Test(options, version_is_printed_without_a_database)
{
    static const char *const env[] = {"DATABASE_URL", NULL};
    struct test_run run = run_with((const char *[MAX_WORDS]){"--version"}, env);
    cr_expect_eq(run.status, 0);
    cr_expect(strncmp(run.out, "broadsheet ", 11) == 0 && strchr(run.out, '.') != NULL, "%s",
              run.out);
    test_run_finish(&run);
}

Test(options, name_the_database_in_each_form_that_libpq_accepts)
{
    char *url = test_database_create();
    test_articles_insert(url);
    char *port = test_url_part(url, "port"), *user = test_url_part(url, "user");
    char *password = test_url_part(url, "password"), *name = test_url_part(url, "dbname");
    char *forms[] = {
        test_format("postgres://%s:%s@127.0.0.1:%s/%s", user, password, port, name),
        test_format("postgresql://%s:%s@localhost:%s/%s?sslmode=prefer&application_name=a%%20b",
                    user, password, port, name),
        test_format("postgresql://%s:%s@127.0.0.1:1,127.0.0.1:%s/%s", user, password, port, name),
        test_format("host=localhost port=%s user=%s password='%s' dbname = %s", port, user,
                    password, name),
        test_format(
            "hostaddr=127.0.0.1 host=not.looked.up.invalid port=%s user=%s password=%s dbname=%s",
            port, user, password, name),
        test_format("postgresql:///%s", name), /* the environment has the rest */
    };
    const char *env[] = {"BROADSHEET_THREADS=1",
                         test_format("PGHOST=%s", "127.0.0.1"),
                         test_format("PGPORT=%s", port),
                         test_format("PGUSER=%s", user),
                         test_format("PGPASSWORD=%s", password),
                         NULL};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct test_server *server = test_server_start(forms[i], env, NULL);
        struct http_answer a = http_get(server, "/articles/1");
        cr_expect(is_article(&a, 1), "form %zu: %d %s", i, a.status, a.body);
        http_answer_finish(&a);
        cr_expect_eq(test_server_stop(server), 0);
        free(forms[i]);
    }
    for (size_t i = 1; env[i] != NULL; i++)
        free((char *)env[i]);
    free(name);
    free(password);
    free(user);
    free(port);
    free(url);
}

static void expect_address_in_use(const char *url, unsigned port)
{
    char listen[64], address[32], *database = test_format("DATABASE_URL=%s", url);
    snprintf(address, sizeof(address), "127.0.0.1:%u", port);
    snprintf(listen, sizeof(listen), "BROADSHEET_LISTEN=%s", address);
    struct test_run run =
        run_with((const char *[MAX_WORDS]){NULL}, (const char *[]){database, listen, NULL});
    const char *newline = strchr(run.err, '\n');
    cr_expect(run.status > 0 && run.status < 128, "exit status %d", run.status);
    cr_expect(newline != NULL && newline[1] == '\0' && strstr(run.err, address) != NULL, "%s",
              run.err);
    test_run_finish(&run);
    free(database);
}

Test(options, that_name_an_address_in_use_end_the_program_with_one_clear_line)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, length), 0);
    cr_assert_eq(listen(fd, 1), 0);
    getsockname(fd, (struct sockaddr *)&address, &length);
    expect_address_in_use("postgres://127.0.0.1:1/x", ntohs(address.sin_port));
    close(fd);
}
