/* One answer in two codings: which one the server sends, with which ETag, and when it sends 304
 * instead. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <libdeflate.h>
#include <stdio.h>
#include <string.h>

#include "tests/handler/scene.h"

enum { CACHE_BYTES = 1000 * 1000 };

#define GZIP "Accept-Encoding: gzip\r\n"

static struct client *client;

static void connect_one(void)
{
    client = client_connect();
    scene_cache(CACHE_BYTES);
}

TestSuite(coding, .init = connect_one, .timeout = 20);

/* The answer to the first request, about 2,600 bytes. The cache keeps it. */
static struct reply plain(void)
{
    scene_looks_up(client, "/articles/7");
    scene_answer(7, 3);
    struct reply reply = client_answer(client);
    cr_assert_eq(reply.status, 200);
    return reply;
}

static void expect_decompresses_to(const struct reply *reply, const char *want)
{
    char text[sizeof(reply->body)];
    size_t length = 0;
    struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
    enum libdeflate_result result = libdeflate_gzip_decompress(
        decompressor, reply->body, reply->length, text, sizeof(text) - 1, &length);
    libdeflate_free_decompressor(decompressor);
    cr_assert_eq(result, LIBDEFLATE_SUCCESS);
    text[length] = '\0';
    cr_expect_str_eq(text, want);
}

struct preference {
    char header[80];
    bool gzip;
};

ParameterizedTestParameters(coding, is_the_one_that_the_client_prefers)
{
    static struct preference cases[] = {
        {"", false},
        {"Accept-Encoding: gzip\r\n", true},
        {"Accept-Encoding: GZip, deflate, br\r\n", true},
        {"Accept-Encoding: *\r\n", true},
        {"Accept-Encoding: gzip;q=0\r\n", false},
        {"Accept-Encoding: identity\r\n", false},
        {"Accept-Encoding: identity;q=1, gzip;q=0.5\r\n", false},
        {"Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n", true},
        {"Accept-Encoding: \r\n", false},
    };
    return cr_make_param_array(struct preference, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct preference *c, coding, is_the_one_that_the_client_prefers)
{
    struct reply want = plain(), got = scene_kept(client, "/articles/7", c->header);
    cr_expect_eq(got.status, 200);
    cr_expect_eq(strstr(got.head, "content-encoding: gzip\r\n") != NULL, c->gzip, "%s", got.head);
    cr_expect_eq(strcmp(got.etag, want.etag) != 0, c->gzip, "%s", got.etag);
    if (c->gzip)
        expect_decompresses_to(&got, want.body);
    else
        cr_expect_str_eq(got.body, want.body);
}

Test(coding, is_negotiated_also_for_an_answer_that_was_just_looked_up)
{
    client_send(client, "GET /articles/7", GZIP);
    scene_answer(7, 3);
    struct reply packed = client_answer(client);
    cr_expect_not_null(strstr(packed.head, "content-encoding: gzip\r\n"));
    expect_decompresses_to(&packed, scene_kept(client, "/articles/7", "").body);
}

Test(coding, is_negotiated_also_without_a_cache)
{
    scene_cache(0);
    struct reply want = plain();
    client_send(client, "GET /articles/7", GZIP);
    scene_answer(7, 3);
    struct reply packed = client_answer(client);
    cr_expect_not_null(strstr(packed.head, "content-encoding: gzip\r\n"));
    expect_decompresses_to(&packed, want.body);
}

Test(coding, has_a_strong_etag_of_its_own)
{
    struct reply first = plain(), packed = scene_kept(client, "/articles/7", GZIP);
    cr_expect_eq(first.etag[0], '"');
    cr_expect_eq(first.etag[strlen(first.etag) - 1], '"');
    cr_expect_eq(packed.etag[0], '"');
    cr_expect_str_neq(packed.etag, first.etag);
    cr_expect_str_eq(scene_kept(client, "/articles/7", "").etag, first.etag);
    cr_expect_str_eq(scene_kept(client, "/articles/7", GZIP).etag, packed.etag);
    cr_expect_lt(packed.length, first.length);
}

Test(coding, is_never_gzip_below_a_kilobyte)
{
    client_send(client, "GET /articles/7", GZIP);
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_version(7, 3, 10));
    fake_db_answer(fake_db_waiting(DB_RELATED_BY_ID), fake_cards(7, SCENE_CARD, 0));
    struct reply first = client_answer(client), again = scene_kept(client, "/articles/7", GZIP);
    cr_assert_lt(first.length, 1024);
    cr_expect_eq(strncmp(first.body, "{\"article\":", 11), 0);
    cr_expect_null(strstr(first.head, "content-encoding"));
    cr_expect_not_null(strstr(first.head, "vary: accept-encoding\r\n"));
    cr_expect_str_eq(again.body, first.body);
    cr_expect_str_eq(again.etag, first.etag);
}

Test(coding, counts_its_memory)
{
    struct answer_cache *answers = &client_service()->answers;
    plain();
    uint64_t before = counter_get(&answers->stats.bytes);
    struct reply packed = scene_kept(client, "/articles/7", GZIP);
    uint64_t after = counter_get(&answers->stats.bytes);
    cr_expect(after >= before + packed.length && after <= before + packed.length + 32);
    scene_kept(client, "/articles/7", GZIP);
    cr_expect_eq(counter_get(&answers->stats.bytes), after, "it is compressed once");
}

/* ---- 304 */

static void expect_not_modified(const char *preference, const char *etag)
{
    char headers[160];
    snprintf(headers, sizeof(headers), "%sIf-None-Match: %s\r\n", preference, etag);
    struct reply reply = scene_kept(client, "/articles/7", headers);
    cr_assert_eq(reply.status, 304, "%s", headers);
    cr_expect_not_null(strstr(etag, reply.etag));
    cr_expect_not_null(strstr(reply.head, "vary: accept-encoding\r\n"));
    cr_expect_null(strstr(reply.head, "content-encoding"));
    cr_expect_null(strstr(reply.head, "transfer-encoding"));
    cr_expect(reply.length != 0, "content-length would be that of an answer that is not sent");
    cr_expect_null(strstr(reply.head, "connection: close"));
    cr_expect(!client_has_answer(client), "it has no body");
}

Test(coding, is_named_by_a_304_without_a_query)
{
    struct reply first = plain(), packed = scene_kept(client, "/articles/7", GZIP);
    expect_not_modified("", first.etag);
    expect_not_modified(GZIP, packed.etag);
    char many[128];
    snprintf(many, sizeof(many), "\"a,b\", W/%s", first.etag);
    expect_not_modified("", many);
    cr_expect_eq(scene_kept(client, "/articles/7", "").status, 200, "the connection stays open");
}

Test(coding, is_named_by_a_304_when_it_was_just_looked_up)
{
    scene_cache(0);
    struct reply first = plain();
    char headers[64];
    snprintf(headers, sizeof(headers), "If-None-Match: %s\r\n", first.etag);
    client_send(client, "GET /articles/7", headers);
    scene_answer(7, 3);
    cr_expect_eq(client_answer(client).status, 304);
    client_send(client, "GET /articles/7", headers);
    scene_answer(7, 4);
    cr_expect_eq(scene_version(client), 4);
}

Test(coding, is_answered_with_304_when_the_client_names_any_etag)
{
    plain();
    cr_expect_eq(scene_kept(client, "/articles/7", "If-None-Match: *\r\n").status, 304);
}

Test(coding, is_sent_to_a_client_that_has_the_other_one)
{
    struct reply first = plain(), packed = scene_kept(client, "/articles/7", GZIP);
    char headers[128];
    snprintf(headers, sizeof(headers), GZIP "If-None-Match: %s\r\n", first.etag);
    cr_expect_eq(scene_kept(client, "/articles/7", headers).status, 200);
    snprintf(headers, sizeof(headers), "If-None-Match: %s\r\n", packed.etag);
    cr_expect_eq(scene_kept(client, "/articles/7", headers).status, 200);
}

Test(coding, is_never_a_304_for_an_article_that_does_not_exist)
{
    scene_looks_up(client, "/articles/7");
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_no_rows());
    cr_expect_eq(client_answer(client).status, 404);
    cr_expect_eq(scene_kept(client, "/articles/7", "If-None-Match: *\r\n").status, 404);
}

/* ---- HEAD */

struct head {
    char headers[64];
};

ParameterizedTestParameters(coding, has_the_same_length_for_head_and_for_get)
{
    static struct head cases[] = {{""}, {GZIP}};
    return cr_make_param_array(struct head, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct head *c, coding, has_the_same_length_for_head_and_for_get)
{
    plain();
    struct reply want = scene_kept(client, "/articles/7", c->headers);
    client_send(client, "HEAD /articles/7", c->headers);
    cr_assert_eq(fake_db_nwaiting(), 0);
    struct reply head = client_answer_head(client);
    cr_expect_eq(head.status, 200);
    cr_expect_eq(head.length, want.length);
    cr_expect_str_eq(head.etag, want.etag);
    cr_expect_eq(strstr(head.head, "content-encoding: gzip\r\n") != NULL, c->headers[0] != '\0');
    cr_expect(!client_has_answer(client), "no body follows");
    cr_expect_eq(scene_kept(client, "/articles/7", "").status, 200, "the connection stays open");
}
