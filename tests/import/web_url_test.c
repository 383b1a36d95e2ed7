/* Absolute http and https URLs. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "import/web_url.h"

TestSuite(web_url, .timeout = 30);

/* The memory has exactly the size of the text, so that a sanitizer sees a read beyond it. */
static bool is_absolute(const char *text)
{
    size_t bytes = strlen(text);
    char *exact = malloc(bytes > 0 ? bytes : 1);

    memcpy(exact, text, bytes);
    bool answer = web_url_is_absolute(exact, bytes);
    free(exact);
    return answer;
}

Test(web_url, with_a_scheme_and_a_host_is_accepted)
{
    static const char *const cases[] = {
        "http://a",
        "https://example.org/a.jpg",
        "HTTPS://Example.ORG/a.jpg",
        "https://example.org:8443/a?b=c#d",
        "https://example.org:/a",
        "https://user:pass@example.org/a",
        "https://a@b@example.org/a",
        "http://[::1]:80/a",
        "http://127.0.0.1?x",
        "http://a#x",
        "https://example.org/a/{b}|c'\"",
        "https://b\xC3\xBC"
        "cher.example/\xE6\x97\xA5.jpg",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect(is_absolute(cases[i]), "%s", cases[i]);
}

Test(web_url, without_them_or_with_a_blank_is_refused)
{
    static const char *const cases[] = {
        "",
        "http",
        "http://",
        "https:///a",
        "http:/a",
        "//example.org/a",
        "/a.jpg",
        "a.jpg",
        "ftp://example.org/a",
        "javascript:alert(1)",
        "data:image/png;base64,AA",
        "http://?a",
        "http://#a",
        "http://:80/",
        "http://user@/a",
        "http://example.org:port/",
        "http://example.org:65536/",
        "http://example.org:99999999999999999999/",
        "http://[]/",
        "http://[::1/",
        "http://[::1]a/",
        "http://a]/",
        "http://<b>/",
        "http://a\\b/",
        " http://a",
        "http://a ",
        "http://a/b c",
        "http://a/b\tc",
        "http://a/b\nc",
        "http://a/b\x7F",
        "http://a/b\xC2\x85", /* a control character of Unicode */
        "http://a/b\xC2\xA0", /* NO-BREAK SPACE */
        "http://a/b\xE3\x80\x80"
        "c", /* IDEOGRAPHIC SPACE */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_not(is_absolute(cases[i]), "%s", cases[i]);
}
