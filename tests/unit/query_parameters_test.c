#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "handlers/query_parameters.h"

static const char *const names[] = {"page", "q", NULL};

struct query {
    char text[80];
    enum query_parameters_fault fault;
    char name[40];            /* of the fault */
    char page[40], words[40]; /* "-": absent */
};

ParameterizedTestParameters(query_parameters, are_accepted_or_refused)
{
    static struct query cases[] = {
        {"", QUERY_PARAMETERS_FINE, "", "-", "-"},
        {"page=2", QUERY_PARAMETERS_FINE, "", "2", "-"},
        {"q=a%20b&page=2", QUERY_PARAMETERS_FINE, "", "2", "a%20b"},
        {"page=", QUERY_PARAMETERS_FINE, "", "", "-"},
        {"page", QUERY_PARAMETERS_FINE, "", "", "-"},
        {"q=a=b=c", QUERY_PARAMETERS_FINE, "", "-", "a=b=c"},
        {"&&page=2&", QUERY_PARAMETERS_FINE, "", "2", "-"},
        {"page=1&page=2", QUERY_PARAMETERS_REPEATED, "page", "", ""},
        {"page&page", QUERY_PARAMETERS_REPEATED, "page", "", ""},
        {"page=1&size=2", QUERY_PARAMETERS_UNKNOWN, "size", "", ""},
        {"pages=1", QUERY_PARAMETERS_UNKNOWN, "pages", "", ""},
        {"pag=1", QUERY_PARAMETERS_UNKNOWN, "pag", "", ""},
        {"PAGE=1", QUERY_PARAMETERS_UNKNOWN, "PAGE", "", ""},
        {"=1", QUERY_PARAMETERS_UNKNOWN, "", "", ""},
        /* parameters that social networks add */
        {"utm_source=x&utm_medium=y&utm_whatever", QUERY_PARAMETERS_FINE, "", "-", "-"},
        {"utm_source=x&utm_source=y&page=2", QUERY_PARAMETERS_FINE, "", "2", "-"},
        {"UTM_Medium=1&FbClid=2&page=2", QUERY_PARAMETERS_FINE, "", "2", "-"},
        {"Page=2", QUERY_PARAMETERS_UNKNOWN, "Page", "", ""},
        {"fbclid=1&gclid=2&mc_cid=3&mc_eid=4", QUERY_PARAMETERS_FINE, "", "-", "-"},
        {"igshid=1&msclkid=2&twclid=3&ref_src=4", QUERY_PARAMETERS_FINE, "", "-", "-"},
        {"fbclid=1&fbclid=2", QUERY_PARAMETERS_FINE, "", "-", "-"},
        {"utm=1", QUERY_PARAMETERS_UNKNOWN, "utm", "", ""},
        {"%75tm_source=1&utm%5Fa=2&fb%63lid=3&ref%5fsrc", QUERY_PARAMETERS_FINE, "", "-", "-"},
        {"p%61ge=2", QUERY_PARAMETERS_FINE, "", "2", "-"},
        {"page=2&p%61ge=2", QUERY_PARAMETERS_REPEATED, "p%61ge", "", ""},
        {"p%2561ge=2", QUERY_PARAMETERS_UNKNOWN, "p%2561ge", "", ""},
        {"utm%5", QUERY_PARAMETERS_UNKNOWN, "utm%5", "", ""},
        {"%", QUERY_PARAMETERS_UNKNOWN, "%", "", ""},
        {"%zz", QUERY_PARAMETERS_UNKNOWN, "%zz", "", ""},
        {"fbclid%00", QUERY_PARAMETERS_UNKNOWN, "fbclid%00", "", ""},
        {"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", QUERY_PARAMETERS_UNKNOWN,
         "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "", ""},
        {"fbclid2=1", QUERY_PARAMETERS_UNKNOWN, "fbclid2", "", ""},
        {"ref=1", QUERY_PARAMETERS_UNKNOWN, "ref", "", ""},
    };
    return cr_make_param_array(struct query, cases, sizeof(cases) / sizeof(cases[0]));
}

static void expect_value(h2o_iovec_t value, const char *want)
{
    bool is_absent = strcmp(want, "-") == 0;
    cr_assert_eq(value.base == NULL, is_absent);
    if (!is_absent) {
        cr_assert_eq(value.len, strlen(want));
        cr_expect_eq(memcmp(value.base, want, value.len), 0);
    }
}

ParameterizedTest(struct query *c, query_parameters, are_accepted_or_refused)
{
    h2o_iovec_t values[QUERY_MAX_PARAMETERS], name = {NULL, 0};
    enum query_parameters_fault fault =
        query_parameters_read(h2o_iovec_init(c->text, strlen(c->text)), names, values, &name);
    cr_assert_eq(fault, c->fault, "%s: %d", c->text, fault);
    if (fault != QUERY_PARAMETERS_FINE) {
        cr_expect(h2o_memis(name.base, name.len, c->name, strlen(c->name)), "%s: %.*s", c->text,
                  (int)name.len, name.base);
        return;
    }
    expect_value(values[0], c->page);
    expect_value(values[1], c->words);
}
