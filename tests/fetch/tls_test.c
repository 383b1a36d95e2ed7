/* Certificates, and redirects between http and https. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fetch/scene.h"
#include "tests/support/fail.h"
#include "tests/support/process.h"

static char folder[] = "/tmp/broadsheet-fetch-XXXXXX";
static char *certificate, *key;
static struct endpoint *plain;
static struct scene_fetch self;

/* scene_endpoint speaks TLS with a certificate for 127.0.0.1 alone; `plain` does not. */
static void begin(void)
{
    scene_begin();
    plain = scene_endpoint;
    cr_assert_not_null(mkdtemp(folder));
    certificate = test_format("%s/crt", folder);
    key = test_format("%s/key", folder);
    free(test_output_of((const char *[]){"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                                         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                                         "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out",
                                         certificate, NULL}));
    scene_endpoint = endpoint_start(certificate, key);
}

static void end(void)
{
    scene_finish(&self);
    scene_end();
    endpoint_stop(plain);
    unlink(certificate);
    unlink(key);
    rmdir(folder);
    free(certificate);
    free(key);
}

TestSuite(fetch_tls, .init = begin, .fini = end, .timeout = 60);

Test(fetch_tls, takes_an_answer_of_a_host_whose_certificate_is_trusted)
{
    scene_set_fetcher(0, 0, 0, certificate);
    scene_expect(&self, "127.0.0.1", "/ok", FETCH_OK);
    cr_expect_str_eq(self.body, "fine");
}

Test(fetch_tls, refuses_a_certificate_that_is_not_trusted)
{
    scene_expect(&self, "127.0.0.1", "/ok", FETCH_TLS);
    cr_expect_not_null(strstr(self.fetch.detail, "certificate"), "%s", self.fetch.detail);
    cr_expect_eq(endpoint_requests(scene_endpoint), 0);
}

Test(fetch_tls, refuses_a_certificate_of_another_host)
{
    scene_set_fetcher(0, 0, 0, certificate);
    scene_expect(&self, "127.0.0.2", "/ok", FETCH_TLS);
    cr_expect_eq(endpoint_requests(scene_endpoint), 0);
}

Test(fetch_tls, refuses_a_host_that_does_not_speak_tls)
{
    char *url = endpoint_url(plain, "127.0.0.1", "/ok"),
         *secure = test_format("https%s", url + strlen("http"));
    scene_expect_url(&self, secure, "127.0.0.1", FETCH_TLS);
    free(url);
    free(secure);
}

Test(fetch_tls, follows_a_redirect_from_http_to_https_and_none_back)
{
    scene_set_fetcher(0, 0, 0, certificate);
    char *secure = endpoint_url(scene_endpoint, "127.0.0.1", "/ok"),
         *up = test_format("/to?url=%s", secure), *from = endpoint_url(plain, "127.0.0.1", up);
    scene_expect_url(&self, from, "127.0.0.1", FETCH_OK);
    cr_expect_str_eq(self.body, "fine");

    char *open = endpoint_url(plain, "127.0.0.1", "/ok"), *down = test_format("/to?url=%s", open);
    scene_expect(&self, "127.0.0.1", down, FETCH_REDIRECT);
    cr_expect_not_null(strstr(self.fetch.detail, "from https to http"), "%s", self.fetch.detail);
    free(secure);
    free(up);
    free(from);
    free(open);
    free(down);
}
