/* One fetch: its outcomes, its limits, its redirects. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fetch/scene.h"
#include "tests/support/fail.h"

TestSuite(fetch, .init = scene_begin, .fini = scene_end, .timeout = 60);

static struct scene_fetch self;

static void expect(const char *path, enum fetch_reason reason)
{
    scene_expect(&self, "127.0.0.1", path, reason);
}

static void expect_words(const char *words)
{
    cr_expect_not_null(strstr(self.fetch.detail, words), "\"%s\" in: %s", words, self.fetch.detail);
}

Test(fetch, gives_the_body_of_an_answer)
{
    expect("/ok", FETCH_OK);
    cr_expect_str_eq(self.body, "fine");
    cr_expect_eq(self.fetch.bytes, 4);
    cr_expect_not(self.fetch.is_unchanged);
    expect("/slow?ms=30", FETCH_OK);
    cr_expect_geq(self.fetch.took_us, 30000);
    scene_finish(&self);
}

Test(fetch, says_who_asks_and_decodes_what_is_compressed)
{
    expect("/gzip", FETCH_OK);
    cr_expect_eq(self.fetch.bytes, 5000);
    char *head = endpoint_head(scene_endpoint);
    cr_expect_not_null(strstr(head, "User-Agent: broadsheet/test\r\n"), "%s", head);
    cr_expect_not_null(strstr(head, "Accept-Encoding: gzip\r\n"), "%s", head);
    free(head);
    scene_finish(&self);
}

Test(fetch, names_the_status_of_an_answer_that_is_no_success)
{
    expect("/status?code=500", FETCH_STATUS);
    expect_words("500");
    cr_expect_null(self.body);
    expect("/status?code=204", FETCH_STATUS);
    expect("/elsewhere", FETCH_STATUS);
    expect_words("404");
    scene_finish(&self);
}

Test(fetch, tells_the_pause_that_an_endpoint_asks_for)
{
    expect("/status?code=429&retry=7", FETCH_STATUS);
    cr_expect_eq(self.fetch.retry_after_s, 7);
    expect("/status?code=503&retry=60", FETCH_STATUS);
    cr_expect_eq(self.fetch.retry_after_s, 60);
    expect("/status?code=500&retry=7", FETCH_STATUS);
    cr_expect_eq(self.fetch.retry_after_s, 0);
    expect("/status?code=503&retry=60", FETCH_STATUS);
    expect("/cut", FETCH_CUT_OFF);
    cr_expect_eq(self.fetch.retry_after_s, 0, "that was another answer");
    scene_finish(&self);
}

Test(fetch, tells_the_status_and_the_pause_even_if_the_rest_of_the_answer_is_too_large_or_cut_off)
{
    expect("/status?code=429&retry=7&large=1", FETCH_STATUS);
    cr_expect_eq(self.fetch.retry_after_s, 7);
    expect("/status?code=503&retry=9&cut=1", FETCH_STATUS);
    cr_expect_eq(self.fetch.retry_after_s, 9);
    scene_finish(&self);
}

Test(fetch, tells_an_answer_that_is_cut_off_or_not_http)
{
    expect("/cut", FETCH_CUT_OFF);
    expect("/close", FETCH_CUT_OFF);
    expect("/garbage", FETCH_CUT_OFF);
    scene_finish(&self);
}

Test(fetch, takes_no_more_than_its_limit_of_an_answer)
{
    expect("/huge", FETCH_TOO_LARGE);
    expect_words("1024 KiB");
    expect("/long", FETCH_TOO_LARGE);
    expect("/bomb", FETCH_TOO_LARGE);
    scene_finish(&self);
}

Test(fetch, ends_at_its_deadline_before_and_during_the_answer)
{
    scene_set_fetcher(1, 0, 150, NULL);
    expect("/ok", FETCH_OK); /* the next one uses its connection */
    expect("/hang", FETCH_TIMEOUT);
    expect_words("no answer came");
    expect_words("0.15 s");
    expect("/drip", FETCH_TIMEOUT);
    expect_words("did not come to its end");
    scene_finish(&self);
}

/* A listener that accepts nothing. The kernel makes connections for its queue, and the client waits then. Where the
 * queue is full, no connection is made. */
static void expect_timeout(const char *scheme, int queue, int callers, const char *words)
{
    enum { MAX_CALLERS = 4 };
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0), caller[MAX_CALLERS];
    cr_assert(bind(listener, (struct sockaddr *)&address, length) == 0 &&
              listen(listener, queue) == 0 &&
              getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    for (int i = 0; i < callers; i++) {
        caller[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        cr_assert(connect(caller[i], (struct sockaddr *)&address, length) == 0 ||
                  errno == EINPROGRESS);
    }
    char *url = test_format("%s://127.0.0.1:%d/", scheme, ntohs(address.sin_port));
    scene_set_fetcher(0, 0, 150, NULL);
    scene_expect_url(&self, url, "127.0.0.1", FETCH_TIMEOUT);
    expect_words(words);
    free(url);
    for (int i = 0; i < callers; i++)
        close(caller[i]);
    close(listener);
    scene_finish(&self);
}

Test(fetch, ends_at_its_deadline_while_it_connects)
{
    expect_timeout("http", 0, 4, "no connection was made");
}

Test(fetch, ends_at_its_deadline_while_tls_begins)
{
    expect_timeout("https", 5, 0, "no secure connection was made");
}

Test(fetch, ends_at_its_deadline_while_it_waits_for_a_place)
{
    struct scene_fetch first = {.done = 0};
    scene_set_fetcher(1, 0, 300, NULL);
    scene_start(&first, "127.0.0.2", "/hang");
    scene_start(&self, "127.0.0.1", "/hang");
    cr_assert(TURN_UNTIL(first.done == 1 && self.done == 1));
    cr_expect_eq(first.fetch.reason, FETCH_TIMEOUT);
    cr_expect_eq(self.fetch.reason, FETCH_TIMEOUT);
    scene_finish(&first);
    scene_finish(&self);
}

Test(fetch, tells_a_host_that_refuses_and_a_name_without_an_address)
{
    setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
    scene_expect_url(&self, "http://127.0.0.1:1/", "127.0.0.1", FETCH_REFUSED);
    expect_words("Connection refused");
    scene_expect_url(&self, "http://no-such-host.invalid/", "no-such-host.invalid",
                     FETCH_UNRESOLVED);
    scene_finish(&self);
}

Test(fetch, keeps_no_validator_of_an_answer_without_its_end)
{
    scene_set_fetcher(0, 0, 150, NULL);
    expect("/tagged-drip", FETCH_TIMEOUT);
    cr_expect_str_eq(self.fetch.validators.etag, "");
    scene_finish(&self);
}

Test(fetch, tells_a_refused_address_of_ipv6_as_such)
{
    scene_expect_url(&self, "http://[::1]:1/", "[::1]", FETCH_REFUSED);
    cr_expect_null(strstr(self.fetch.detail, "proxy"), "%s", self.fetch.detail);
    scene_finish(&self);
}

Test(fetch, never_tells_the_password_of_an_address)
{
    static const char *const paths[] = {"/status?code=500", "/cut", "/huge", "/chain?n=9",
                                        "/nowhere"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char *url = endpoint_url(scene_endpoint, "user:secret@127.0.0.1", paths[i]);
        scene_start_url(&self, url);
        cr_assert(TURN_UNTIL(self.done == i + 1));
        cr_expect_neq(self.fetch.reason, FETCH_OK);
        cr_expect_null(strstr(self.fetch.detail, "secret"), "%s", self.fetch.detail);
        cr_expect_null(strstr(self.fetch.detail, "user"), "%s", self.fetch.detail);
        free(url);
    }
    char *head = endpoint_head(scene_endpoint);
    cr_expect_not_null(strstr(head, "Authorization: Basic"), "%s", head);
    free(head);
    scene_finish(&self);
}

/* ---- proxies from the environment */

Test(fetch, asks_the_proxy_of_the_environment)
{
    char *proxy = endpoint_url(scene_endpoint, "127.0.0.1", "");
    setenv("http_proxy", proxy, 1);
    scene_expect_url(&self, "http://news.example/ok", "news.example", FETCH_STATUS);
    expect_words("404");
    char *head = endpoint_head(scene_endpoint);
    cr_expect_eq(strncmp(head, "GET http://news.example/ok ", 27), 0, "%s", head);
    free(head);
    free(proxy);
    scene_finish(&self);
}

Test(fetch, says_that_a_proxy_failed_and_never_tells_its_password)
{
    static const char *const cases[][2] = {{"htp://user:secret@127.0.0.1:1", ""},
                                           {"http://user:secret@127.0.0.1:1", "the proxy for"},
                                           {"user:secret@ftp.corp.invalid:1", ""},
                                           {"http://user:secret@no-such-host.invalid:1", "proxy"}};
    setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        setenv("http_proxy", cases[i][0], 1);
        scene_expect_url(&self, "http://news.example/ok", "news.example",
                         i == 3 ? FETCH_UNRESOLVED : FETCH_REFUSED);
        expect_words(cases[i][1]);
        cr_expect_null(strstr(self.fetch.detail, "secret"), "%s", self.fetch.detail);
        cr_expect_null(strstr(self.fetch.detail, "user"), "%s", self.fetch.detail);
    }
    scene_finish(&self);
}

Test(fetch, says_that_a_proxy_refuses_a_tunnel)
{
    char *proxy = endpoint_url(scene_endpoint, "127.0.0.1", "");
    setenv("https_proxy", proxy, 1);
    scene_expect_url(&self, "https://news.example/ok", "news.example", FETCH_REFUSED);
    expect_words("the proxy for");
    free(proxy);
    scene_finish(&self);
}

/* ---- redirects */

/* The head of the request after a redirect from 127.0.0.1 to the host. */
static char *head_after_redirect(const char *host)
{
    char *to = endpoint_url(scene_endpoint, host, "/ok"), *path = test_format("/to?url=%s", to),
         *url = endpoint_url(scene_endpoint, "us%40er:sec%2Fret@127.0.0.1", path);
    scene_expect_url(&self, url, "127.0.0.1", FETCH_OK);
    free(url);
    free(path);
    free(to);
    return endpoint_head(scene_endpoint);
}

Test(fetch, keeps_the_password_for_a_redirect_within_the_host_and_for_no_other)
{
    char *head = head_after_redirect("127.0.0.1");
    cr_expect_not_null(strstr(head, "Authorization: Basic dXNAZXI6c2VjL3JldA==\r\n"), "%s", head);
    free(head);
    head = head_after_redirect("127.0.0.2");
    cr_expect_null(strstr(head, "Authorization"), "%s", head);
    free(head);
    scene_finish(&self);
}

Test(fetch, says_what_is_wrong_with_the_address_of_a_redirect)
{
    expect("/to?url=http://", FETCH_REDIRECT);
    expect_words("an address that is wrong");
    expect("/to?url=http://\xff.example/", FETCH_REDIRECT);
    expect_words("in ASCII");
    expect("/to?url=https://[::1/", FETCH_REDIRECT);
    expect_words("an address that is wrong");
    scene_finish(&self);
}

Test(fetch, follows_three_redirects_and_no_more)
{
    expect("/chain?n=3", FETCH_OK);
    cr_expect_str_eq(self.body, "fine");
    expect("/chain?n=4", FETCH_REDIRECT);
    expect_words("more than 3 times");
    expect("/nowhere", FETCH_REDIRECT);
    scene_finish(&self);
}

Test(fetch, follows_a_redirect_to_another_host_and_waits_for_a_place_there)
{
    struct scene_fetch other = {.done = 0};
    scene_set_fetcher(0, 1, 0, NULL);
    scene_start(&other, "127.0.0.2", "/slow?ms=100");
    cr_assert(TURN_UNTIL(endpoint_requests(scene_endpoint) == 1));
    char *to = endpoint_url(scene_endpoint, "127.0.0.2", "/ok"),
         *path = test_format("/to?url=%s", to);
    expect(path, FETCH_OK);
    cr_expect_eq(other.done, 1, "the redirected one overtook it");
    free(to);
    free(path);
    scene_finish(&other);
    scene_finish(&self);
}

Test(fetch, follows_no_redirect_to_anything_but_http)
{
    expect("/to?url=file:///etc/passwd", FETCH_REDIRECT);
    expect_words("not http or https");
    expect("/to?url=ftp://127.0.0.1/x", FETCH_REDIRECT);
    expect("/to?url=gopher://127.0.0.1/x", FETCH_REDIRECT);
    scene_finish(&self);
}

/* ---- conditional requests */

Test(fetch, asks_conditionally_when_the_last_answer_had_a_validator)
{
    expect("/tagged", FETCH_OK);
    cr_expect_str_eq(self.fetch.validators.etag, "\"t1\"");
    cr_expect_str_eq(self.body, "fine");
    expect("/tagged", FETCH_OK);
    cr_expect(self.fetch.is_unchanged);
    cr_expect_eq(self.fetch.bytes, 0);
    cr_expect_str_eq(self.fetch.validators.etag, "\"t1\"", "kept");

    expect("/status?code=500", FETCH_STATUS);
    cr_expect_str_eq(self.fetch.validators.etag, "\"t1\"", "a failure changes nothing");
    expect("/ok", FETCH_OK);
    cr_expect_str_eq(self.fetch.validators.etag, "", "of the newest answer");

    expect("/dated", FETCH_OK);
    cr_expect_not(self.fetch.is_unchanged);
    expect("/dated", FETCH_OK);
    cr_expect(self.fetch.is_unchanged);
    scene_finish(&self);
}

Test(fetch, takes_304_for_a_failure_when_it_did_not_ask_conditionally)
{
    expect("/status?code=304", FETCH_STATUS);
    scene_finish(&self);
}
