#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/conninfo.h"

static char *error;

/* The environment of the test run must not change the tests. */
static void clear_environment(void)
{
    const char *const variables[] = {
        "PGHOST",       "PGHOSTADDR",           "PGPORT",           "PGDATABASE",
        "PGUSER",       "PGPASSWORD",           "PGSERVICE",        "PGSERVICEFILE",
        "PGSYSCONFDIR", "PGGSSENCMODE",         "PGCLIENTENCODING", "PGSSLMODE",
        "PGAPPNAME",    "PGTARGETSESSIONATTRS", "PGCONNECT_TIMEOUT"};
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        unsetenv(variables[i]);
    error = NULL;
}

static void free_error(void)
{
    free(error);
}

TestSuite(conninfo, .init = clear_environment, .fini = free_error);

/* The hosts as "name/address/port", separated by spaces. Where all three are empty: "//". */
static void hosts_text(const struct db_conninfo *info, char *text, size_t size)
{
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < info->nhosts && n < size; i++)
        n += (size_t)snprintf(text + n, size - n, "%s%s|%s|%s", i > 0 ? " " : "",
                              info->hosts[i].name, info->hosts[i].address, info->hosts[i].port);
}

static const char *value_of(const struct db_conninfo *info, const char *keyword)
{
    const char *value = NULL;
    for (size_t i = 0; info->keywords[i] != NULL; i++) {
        if (strcmp(info->keywords[i], keyword) == 0) {
            cr_expect_null(value, "%s is there twice", keyword);
            value = info->values[i];
        }
    }
    return value;
}

struct form {
    char url[120];
    char variable[64]; /* NAME=VALUE in the environment, or "" */
    char want[120];    /* name|address|port of each host */
};

/* libpq's default port is 5432 unless PGPORT has another one. The port may be filled in or
 * empty. */
ParameterizedTestParameters(conninfo, finds_the_hosts_in_every_form)
{
    static struct form cases[] = {
        {"postgres://u:p@db.example:6000/d", "", "db.example||6000"},
        {"postgresql://u@db.example:6000", "", "db.example||6000"},
        {"postgresql://10.0.0.1:6000/d", "", "10.0.0.1|10.0.0.1|6000"},
        {"postgresql://[2001:db8::1]:6000/d", "", "2001:db8::1|2001:db8::1|6000"},
        {"postgresql://a:1,b:2,c:3/d", "", "a||1 b||2 c||3"},
        {"postgresql:///d?host=/run/pg&port=7", "", "/run/pg||7"},
        {"postgresql://%2Frun%2Fpg:7/d", "", "/run/pg||7"},
        {"postgresql:///d?host=@abstract&port=7", "", "@abstract||7"},
        {"postgresql://h:7/d?hostaddr=127.0.0.2", "", "h|127.0.0.2|7"},
        {"host=h port=7 dbname=d", "", "h||7"},
        {"host=a,b port=7", "", "a||7 b||7"},
        {"host=a,b port=7,8", "", "a||7 b||8"},
        {"host=a,/run/pg,b port=7", "", "a||7 /run/pg||7 b||7"},
        {"hostaddr=127.0.0.1 port=7", "", "|127.0.0.1|7"},
        {"hostaddr=127.0.0.1,::1 port=7", "", "|127.0.0.1|7 |::1|7"},
        {"host=a,b hostaddr=127.0.0.1,::1 port=7", "", "a|127.0.0.1|7 b|::1|7"},
        {"host=a,b hostaddr=127.0.0.1, port=7", "", "a|127.0.0.1|7 b||7"},
        {"port=7", "", "||7"},
        {"port=7", "PGHOST=fromenv", "fromenv||7"},
        {"host=h", "PGPORT=99", "h||99"},
        {"host=h port=7", "PGHOST=fromenv", "h||7"},
        {"postgresql:///d?port=7", "PGHOST=a,b", "a||7 b||7"},
        {"port=7", "PGHOSTADDR=127.0.0.3", "|127.0.0.3|7"},
    };
    return cr_make_param_array(struct form, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct form *c, conninfo, finds_the_hosts_in_every_form)
{
    if (c->variable[0] != '\0')
        putenv(c->variable);
    struct db_conninfo *info = db_conninfo_create(c->url, &error);
    cr_assert_not_null(info, "%s: %s", c->url, error);
    char hosts[256];
    hosts_text(info, hosts, sizeof(hosts));
    cr_expect_str_eq(hosts, c->want);
    cr_expect_null(value_of(info, "host"));
    cr_expect_null(value_of(info, "hostaddr"));
    cr_expect_null(value_of(info, "port"));
    db_conninfo_destroy(info);
}

Test(conninfo, keeps_the_other_parameters_and_asks_for_utf8)
{
    setenv("PGAPPNAME", "someone", 1);
    struct db_conninfo *info = db_conninfo_create(
        "postgresql://u:p%40ss@h/d?sslmode=require&client_encoding=LATIN1&options=-cfoo%3Dbar",
        &error);
    cr_assert_not_null(info, "%s", error);
    cr_expect_str_eq(value_of(info, "user"), "u");
    cr_expect_str_eq(value_of(info, "password"), "p@ss");
    cr_expect_str_eq(value_of(info, "dbname"), "d");
    cr_expect_str_eq(value_of(info, "sslmode"), "require");
    cr_expect_str_eq(value_of(info, "options"), "-cfoo=bar");
    cr_expect_str_eq(value_of(info, "application_name"), "someone");
    cr_expect_str_eq(value_of(info, "client_encoding"), "UTF8");
    cr_expect_str_eq(value_of(info, "fallback_application_name"), "broadsheet");
    cr_expect_str_eq(value_of(info, "gssencmode"), "disable");
    db_conninfo_destroy(info);
}

struct attrs_case {
    char url[64], variable[64], want[16];
};

ParameterizedTestParameters(conninfo, asks_for_a_primary_unless_the_url_says_otherwise)
{
    static struct attrs_case cases[] = {
        {"host=a,b", "", "read-write"},
        {"host=a,b target_session_attrs=any", "", "any"},
        {"postgresql://a/d?target_session_attrs=primary", "", "primary"},
        {"host=a", "PGTARGETSESSIONATTRS=primary", "primary"},
        {"host=a target_session_attrs=any", "PGTARGETSESSIONATTRS=primary", "any"},
    };
    return cr_make_param_array(struct attrs_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct attrs_case *c, conninfo, asks_for_a_primary_unless_the_url_says_otherwise)
{
    if (c->variable[0] != '\0')
        putenv(c->variable);
    struct db_conninfo *info = db_conninfo_create(c->url, &error);
    cr_assert_not_null(info, "%s", error);
    cr_expect_str_eq(value_of(info, "target_session_attrs"), c->want, "%s", c->url);
    db_conninfo_destroy(info);
}

struct timeout_case {
    char url[64];
    unsigned want_s;
};

ParameterizedTestParameters(conninfo, reads_the_connect_timeout_as_libpq_does)
{
    static struct timeout_case cases[] = {
        {"host=a", 0},
        {"host=a connect_timeout=0", 0},
        {"host=a connect_timeout=-1", 0},
        {"host=a connect_timeout=1", 2},
        {"host=a connect_timeout=2", 2},
        {"postgresql://a/d?connect_timeout=30", 30},
    };
    return cr_make_param_array(struct timeout_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct timeout_case *c, conninfo, reads_the_connect_timeout_as_libpq_does)
{
    struct db_conninfo *info = db_conninfo_create(c->url, &error);
    cr_assert_not_null(info, "%s", error);
    cr_expect_eq(info->connect_timeout_s, c->want_s, "%s", c->url);
    db_conninfo_destroy(info);
}

Test(conninfo, uses_kerberos_when_the_url_asks_for_it)
{
    struct db_conninfo *info = db_conninfo_create("host=h gssencmode=prefer", &error);
    cr_assert_not_null(info, "%s", error);
    cr_expect_str_eq(value_of(info, "gssencmode"), "prefer");
    db_conninfo_destroy(info);
}

Test(conninfo, reads_the_host_of_a_service)
{
    char path[] = "/tmp/broadsheet-service-XXXXXX";
    int fd = mkstemp(path);
    dprintf(fd, "[news]\nhost=service.example\nport=77\ndbname=archive\n");
    close(fd);
    setenv("PGSERVICEFILE", path, 1);
    struct db_conninfo *info = db_conninfo_create("service=news", &error);
    unlink(path);
    cr_assert_not_null(info, "%s", error);
    char hosts[64];
    hosts_text(info, hosts, sizeof(hosts));
    cr_expect_str_eq(hosts, "service.example||77");
    cr_expect_str_eq(value_of(info, "dbname"), "archive");
    db_conninfo_destroy(info);
}

struct bad_form {
    char url[160];
};

ParameterizedTestParameters(conninfo, refuses_a_wrong_form_and_shows_no_password)
{
    static struct bad_form cases[] = {
        {"SECRET"},
        {"host=h password=SECRET nonsense"},
        {"host=h passwort=SECRET"},
        {"host=h password='SECRET"},
        {"postgresql://u:SECRET@h:port:5/d?x"},
        {"postgresql://u:SECRET%zz@h/d"},
        {"postgresql://u:SECRET@[::1/d"},
        {"postgresql://u@h/d?password=SECRET&nonsense=1"},
        {"postgresql://u@h/d?SECRET"},
        {"mysql://u:SECRET@h/d"},
        {"http://u:SECRET@h/d"},
        {"host=a,b port=1,2,3 password=SECRET"},
        {"host=a connect_timeout=soon password=SECRET"},
        {"host=a target_session_attrs=best password=SECRET"},
        {"host=a port=1,2 password=SECRET"},
        {"host=a,b hostaddr=127.0.0.1 password=SECRET"},
        {"host=a hostaddr=127.0.0.1,::1 password=SECRET"},
        {"host=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q password=SECRET"}, /* 17 */
        {"hostaddr=1.1.1.1,,,,,,,,,,,,,,,,,, password=SECRET"},
    };
    return cr_make_param_array(struct bad_form, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct bad_form *c, conninfo, refuses_a_wrong_form_and_shows_no_password)
{
    cr_assert_null(db_conninfo_create(c->url, &error), "%s", c->url);
    cr_assert_not_null(error);
    cr_expect_gt(strlen(error), 20);
    cr_expect_null(strstr(error, "SECRET"), "%s", error);
    cr_expect_null(strchr(error, '\n'), "%s", error);
}

Test(conninfo, accepts_16_hosts)
{
    struct db_conninfo *info =
        db_conninfo_create("host=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p port=7", &error);
    cr_assert_not_null(info, "%s", error);
    cr_expect_eq(info->nhosts, DB_CONNINFO_MAX_HOSTS);
    cr_expect_str_eq(info->hosts[15].name, "p");
    cr_expect_str_eq(info->hosts[15].port, "7");
    db_conninfo_destroy(info);
}

struct host_case {
    char name[24], address[24];
    bool is_name;
};

ParameterizedTestParameters(conninfo, knows_which_hosts_are_names_that_need_a_resolver)
{
    static struct host_case cases[] = {
        {"db.example", "", true}, {"localhost", "", true},      {"127.0.0.1", "", true},
        {"", "", false},          {"/run/pg", "", false},       {"@abstract", "", false},
        {"", "127.0.0.1", false}, {"db.example", "::1", false},
    };
    return cr_make_param_array(struct host_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct host_case *c, conninfo, knows_which_hosts_are_names_that_need_a_resolver)
{
    struct db_host host = {.name = c->name, .address = c->address, .port = ""};
    cr_expect_eq(db_host_is_name(&host), c->is_name, "\"%s\" \"%s\"", c->name, c->address);
}

Test(conninfo, accepts_null_in_destroy)
{
    db_conninfo_destroy(NULL);
}
