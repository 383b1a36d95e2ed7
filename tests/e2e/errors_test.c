/* The answer to a wrong request, or to a request for an article that does not exist: RFC 9457, and
 * never a 500. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fail.h"
#include "tests/support/site.h"

static struct test_site site;

static void open_site(void)
{
    site = test_site_open(NULL);
}

static void close_site(void)
{
    test_site_close(&site);
}

TestSuite(errors, .init = open_site, .fini = close_site, .timeout = 30);

static void expect_problem_at(const char *path, int status)
{
    struct http_answer a = http_get(site.server, path);
    expect_problem(&a, status, path);
    http_answer_finish(&a);
}

Test(errors, are_400_for_a_text_that_is_neither_an_id_nor_a_slug)
{
    static const char *const paths[] = {
        "/articles/0",
        "/articles/00",
        "/articles/-1",
        "/articles/+1",
        "/articles/1.0",

        "/articles/9223372036854775808",
        "/articles/99999999999999999999999999999999999999",
        "/articles/1%00",
        "/articles/%001",
        "/articles/A%20B",
        "/articles/%20",
        "/articles/Upper",
        "/articles/a--b",
        "/articles/-a",
        "/articles/a-",
        "/articles/a_b",
        "/articles/%C3%A9t%C3%A9",
        "/articles/%ff%fe",
        "/articles/0/related",
        "/articles/1%00/related",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        expect_problem_at(paths[i], 400);
}

Test(errors, are_400_for_a_slug_that_is_too_long)
{
    char path[300] = "/articles/";
    memset(path + strlen(path), 'a', 200);
    expect_problem_at(path, 404);
    path[strlen(path)] = 'a';
    expect_problem_at(path, 400);
}

Test(errors, name_the_unknown_query_parameter)
{
    static const char *const paths[] = {"/articles/1?surprise=1", "/articles/1/related?surprise",
                                        "/articles/article-1?surprise=a%20b&x=1",
                                        "/articles/999?surprise=%00"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct http_answer a = http_get(site.server, paths[i]);
        expect_problem(&a, 400, paths[i]);
        cr_expect(strstr(answer_text(&a, "/detail"), "surprise") != NULL, "%s: %s", paths[i],
                  a.body);
        http_answer_finish(&a);
    }
}

Test(errors, are_valid_json_for_any_parameter_name)
{
    char path[9000] = "/articles/1?";
    memset(path + strlen(path), 'q', 8000);
    static const char *const paths[] = {"/articles/1?%22%3Cscript%3E%5C=1", "/articles/1?%00=1",
                                        "/articles/1?%ff=1", "/articles/1?a%0d%0aSet-Cookie:%20x=1",
                                        "/articles/1?%zz"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        expect_problem_at(paths[i], 400);
    expect_problem_at(path, 400);
}

Test(errors, are_404_for_an_article_that_does_not_exist)
{
    static const char *const paths[] = {
        "/articles/999999999",
        "/articles/9223372036854775807",
        "/articles/no-such-slug",
        "/articles/999999999/related",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        expect_problem_at(paths[i], 404);
}

Test(errors, are_404_for_a_path_that_does_not_exist)
{
    static const char *const paths[] = {
        "/",
        "/nothing",
        "/articlesx",
        "/articles/1/nothing",
        "/articles/1/related/2",
        "/healthz/x",
        "/metrics/x",
        "/%2e%2e/etc/passwd",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        expect_problem_at(paths[i], 404);
}

Test(errors, are_404_for_a_draft_at_each_of_its_paths)
{
    test_sql(site.url, "update articles set status = 'draft' where id = 6");
    expect_problem_at("/articles/6", 404);
    expect_problem_at("/articles/article-6", 404);
    expect_problem_at("/articles/6/related", 404);
}

Test(errors, are_410_for_a_withdrawn_article)
{
    test_sql(site.url, "update articles set status = 'withdrawn' where id = 6");
    expect_problem_at("/articles/6", 410);
    expect_problem_at("/articles/6/related", 410);

    struct http_answer a =
        http_get(site.server, "/articles/article-6"); /* directly, or by the redirect of its slug */
    cr_expect(a.status == 410 ||
                  (a.status == 302 && strcmp(http_field(&a, "location"), "/articles/6") == 0),
              "%d %s", a.status, a.body);
    http_answer_finish(&a);
}

Test(errors, are_405_with_the_allowed_methods)
{
    static const char *const methods[] = {"POST", "PUT", "DELETE", "PATCH"};
    static const char *const paths[] = {
        "/articles/1", "/articles/article-1", "/articles/1/related", "/healthz", "/readyz",
        "/metrics"};
    for (size_t m = 0; m < sizeof(methods) / sizeof(methods[0]); m++) {
        for (size_t p = 0; p < sizeof(paths) / sizeof(paths[0]); p++) {
            struct http_answer a = http_request(site.server, methods[m], paths[p], NULL, "{}");
            expect_problem(&a, 405, paths[p]);
            const char *allow = http_field(&a, "allow");
            cr_expect(allow != NULL && strstr(allow, "GET") != NULL &&
                          strstr(allow, "HEAD") != NULL,
                      "%s %s: Allow is %s", methods[m], paths[p], allow);
            http_answer_finish(&a);
        }
    }
}

Test(errors, are_413_for_a_body_that_is_too_large)
{
    static const char *const fields[] = {"Content-Length: 4294967296\r\n",
                                         "Content-Length: 33554433\r\n"};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct http_answer a = http_request(site.server, "POST", "/articles/1", fields[i], NULL);
        expect_problem(&a, 413, fields[i]);
        http_answer_finish(&a);
    }
}

Test(errors, are_never_500_for_any_request)
{
    static const char *const requests[] = {
        "GET /articles/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: \xff\xfe\r\n\r\n",
        "GET //articles//1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /articles/./../articles/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET http://a/articles/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "TRACE /articles/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "CONNECT a:80 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "get /articles/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /articles/1? HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /articles/1#x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "POST /articles/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "GET /articles/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nRange: "
        "bytes=0-1\r\nIf-None-Match: *\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct http_connection c = http_open(site.server);
        http_send_raw(&c, requests[i], strlen(requests[i]));
        struct http_answer a = http_receive(&c, false);
        cr_expect(a.status >= 200 && a.status < 500, "%s: %d", requests[i], a.status);
        http_answer_finish(&a);
        http_close(&c);
    }
}
