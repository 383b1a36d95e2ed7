#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "server/negotiate.h"

enum { MAX_HEADERS = 3, MAX_LENGTH = 96 };

/* The headers of one request, in their order. */
struct wanted {
    char values[MAX_HEADERS][MAX_LENGTH]; /* "-": this one and the following ones are not sent */
    bool want;
};

static h2o_mem_pool_t pool;

static void init_pool(void)
{
    h2o_mem_init_pool(&pool);
}

static void clear_pool(void)
{
    h2o_mem_clear_pool(&pool);
}

TestSuite(negotiate, .init = init_pool, .fini = clear_pool);

/* The copy of a value has no NUL after it, so that a sanitizer sees a read beyond the end. */
static h2o_headers_t headers_of(const h2o_token_t *name, const struct wanted *c)
{
    h2o_headers_t headers = {0};
    h2o_add_header(&pool, &headers, H2O_TOKEN_ACCEPT, NULL, H2O_STRLIT("gzip, *, \"a\""));
    for (size_t i = 0; i < MAX_HEADERS && strcmp(c->values[i], "-") != 0; i++) {
        size_t length = strlen(c->values[i]);
        char *copy = h2o_mem_alloc_shared(&pool, length, NULL);
        memcpy(copy, c->values[i], length);
        h2o_add_header(&pool, &headers, name, NULL, copy, length);
    }
    return headers;
}

ParameterizedTestParameters(negotiate, uses_gzip_when_the_client_prefers_it)
{
    static struct wanted cases[] = {
        {{"-"}, false},
        {{"", "-"}, false},
        {{" ", "-"}, false},
        {{"gzip", "-"}, true},
        {{"identity", "-"}, false},
        {{"*", "-"}, true},
        /* the examples of RFC 9110, 12.5.3 */
        {{"compress, gzip", "-"}, true},
        {{"compress;q=0.5, gzip;q=1.0", "-"}, true},
        {{"gzip;q=1.0, identity; q=0.5, *;q=0", "-"}, true},
        /* the headers of browsers and libraries */
        {{"gzip, deflate, br, zstd", "-"}, true},
        {{"br;q=1.0, gzip;q=0.8, *;q=0.1", "-"}, true},
        {{"gzip;q=1.0,deflate;q=0.6,identity;q=0.3", "-"}, true},
        {{"deflate, br", "-"}, false},
        /* not wanted */
        {{"gzip;q=0", "-"}, false},
        {{"gzip;q=0.0", "-"}, false},
        {{"gzip; q=0.000", "-"}, false},
        {{"gzip;q=0, *", "-"}, false},
        {{"*, gzip;q=0", "-"}, false},
        {{"*;q=0", "-"}, false},
        {{"*;q=0, gzip", "-"}, true},
        /* which one the client prefers */
        {{"identity;q=1, gzip;q=0.5", "-"}, false},
        {{"gzip;q=0.5, identity;q=0.4", "-"}, true},
        {{"gzip;q=0.501, identity;q=0.5", "-"}, true},
        {{"gzip;q=0.5, identity;q=0.501", "-"}, false},
        {{"identity, gzip", "-"}, true},
        {{"identity;q=0.5, *;q=0.2", "-"}, false},
        {{"identity;q=0", "-"}, false},
        {{"identity;q=0, gzip;q=0.001", "-"}, true},
        {{"gzip;q=0.001", "-"}, true},
        /* any case, and the old name */
        {{"GZIP", "-"}, true},
        {{"GZip;Q=0.5", "-"}, true},
        {{"x-gzip", "-"}, true},
        {{"X-GZIP;q=0", "-"}, false},
        {{"gzipped", "-"}, false},
        {{"gzi", "-"}, false},
        {{"xgzip", "-"}, false},
        {{"not-gzip", "-"}, false},
        /* blanks and empty members */
        {{"  gzip  ", "-"}, true},
        {{"\tgzip\t;\tq=0.5\t,br", "-"}, true},
        {{"gzip ; q=0", "-"}, false},
        {{",gzip", "-"}, true},
        {{"br,,gzip,", "-"}, true},
        {{",,,", "-"}, false},
        {{";q=1", "-"}, false},
        /* several headers are one list */
        {{"br", "gzip", "-"}, true},
        {{"gzip;q=0", "br", "*"}, false},
        {{"gzip;q=0.5", "", "identity;q=0.7"}, false},
        /* a member that cannot be read has no effect */
        {{"gzip;q=", "-"}, false},
        {{"gzip;q", "-"}, false},
        {{"gzip;q=2", "-"}, false},
        {{"gzip;q=-1", "-"}, false},
        {{"gzip;q=x", "-"}, false},
        {{"gzip;q=1x", "-"}, false},
        {{"gzip;q=0.5x", "-"}, false},
        {{"gzip;q = 1", "-"}, false},
        {{"gzip;level=9", "-"}, false},
        {{"gzip;q=\"1\"", "-"}, false},
        {{"gzip=1", "-"}, false},
        {{"\"gzip\"", "-"}, false},
        {{"g zip", "-"}, false},
    };
    return cr_make_param_array(struct wanted, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct wanted *c, negotiate, uses_gzip_when_the_client_prefers_it)
{
    h2o_headers_t headers = headers_of(H2O_TOKEN_ACCEPT_ENCODING, c);
    cr_expect_eq(negotiate_gzip(&headers), c->want, "%s | %s", c->values[0], c->values[1]);
}

ParameterizedTestParameters(negotiate, finds_the_etag_in_the_list_of_the_client)
{
    static struct wanted cases[] = {
        {{"-"}, false},
        {{"", "-"}, false},
        {{"\"a,b\"", "-"}, true},
        {{"*", "-"}, true},
        {{" * ", "-"}, true},
        {{"W/\"a,b\"", "-"}, true}, /* by weak comparison */
        {{"\"other\"", "-"}, false},
        {{"W/\"other\"", "-"}, false},
        {{"\"A,B\"", "-"}, false},
        {{"\"a,b", "-"}, false},
        {{"a,b\"", "-"}, false},
        {{"a,b", "-"}, false},
        {{"\"a,b \"", "-"}, false},
        {{"\"a,bc\"", "-"}, false},
        {{"\"\"", "-"}, false},
        {{"\"", "-"}, false},
        {{"w/\"a,b\"", "-"}, false}, /* W is in upper case */
        {{"W /\"a,b\"", "-"}, false},
        {{"W/", "-"}, false},
        {{"W", "-"}, false},
        {{"W/a,b", "-"}, false},
        /* lists */
        {{"\"x\", \"a,b\", \"y\"", "-"}, true},
        {{"\"x\",\"a,b\"", "-"}, true},
        {{"\"x\" ,\tW/\"a,b\"", "-"}, true},
        {{",, \"a,b\"", "-"}, true},
        {{"\"x\", W/\"y\", \"z\",", "-"}, false},
        {{"\",\", \"a,b\"", "-"}, true},
        {{"\"\", \"a,b\"", "-"}, true},
        {{"\"x,\"a,b\"", "-"}, false}, /* the quotes are in the wrong places */
        {{"junk, \"a,b\"", "-"}, false},
        /* several headers are one list */
        {{"\"x\"", "\"a,b\"", "-"}, true},
        {{"junk", "\"a,b\"", "-"}, true},
        {{"\"x\"", "\"y\"", "\"z\""}, false},
    };
    return cr_make_param_array(struct wanted, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct wanted *c, negotiate, finds_the_etag_in_the_list_of_the_client)
{
    h2o_headers_t headers = headers_of(H2O_TOKEN_IF_NONE_MATCH, c);
    cr_expect_eq(negotiate_is_known(&headers, h2o_iovec_init(H2O_STRLIT("\"a,b\""))), c->want,
                 "%s | %s", c->values[0], c->values[1]);
}
