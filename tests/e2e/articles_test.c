/* The answers that a reader gets: an article and its related articles in one answer. */
#include <criterion/criterion.h>
#include <json.h>
#include <stdio.h>
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

TestSuite(articles, .init = open_site, .fini = close_site, .timeout = 30);

/* The keys in their order: "id slug title". */
static char *keys_of(struct json_object *object)
{
    char *keys = strdup("");
    json_object_object_foreach(object, key, value)
    {
        (void)value;
        char *longer = test_format("%s%s%s", keys, *keys == '\0' ? "" : " ", key);
        free(keys);
        keys = longer;
    }
    return keys;
}

static void expect_keys(const struct http_answer *answer, const char *pointer, const char *expected)
{
    struct json_object *object = NULL;
    json_pointer_get(answer->json, pointer, &object);
    cr_assert(json_object_is_type(object, json_type_object), "no object at %s: %s", pointer,
              answer->body);
    char *keys = keys_of(object);
    cr_expect_str_eq(keys, expected, "the keys of %s are %s", pointer, keys);
    free(keys);
}

static void expect_text(const struct http_answer *answer, const char *pointer, const char *expected)
{
    const char *text = answer_text(answer, pointer);
    cr_expect(text != NULL && strcmp(text, expected) == 0, "%s is %.200s", pointer, text);
}

static int count_of(const struct http_answer *answer, const char *pointer)
{
    struct json_object *array = NULL;
    if (answer->json == NULL || json_pointer_get(answer->json, pointer, &array) != 0 ||
        !json_object_is_type(array, json_type_array))
        return -1;
    return (int)json_object_array_length(array);
}

Test(articles, come_with_their_related_articles_in_one_answer)
{
    struct http_answer a = http_get(site.server, "/articles/3");

    cr_assert(is_article(&a, 3), "%d %.300s", a.status, a.body);
    cr_expect_str_eq(http_field(&a, "content-type"), "application/json");
    cr_expect_str_eq(http_field(&a, "related-status"), "ok");
    expect_keys(&a, "", "article related_articles");
    expect_keys(
        &a, "/article",
        "id slug title summary body image section authors tags language corrections published_at "
        "updated_at version");
    expect_keys(&a, "/article/section", "slug name");
    expect_keys(&a, "/article/authors/0", "slug name");
    expect_keys(&a, "/article/tags/0", "slug name");
    expect_text(&a, "/article/slug", "article-3");
    expect_text(&a, "/article/title", "Article 3");
    expect_text(&a, "/article/summary", "Summary 3");
    expect_text(&a, "/article/body", "Body 3");
    expect_text(&a, "/article/section/name", "News");
    expect_text(&a, "/article/authors/0/slug", "bo-ek"); /* in the order of the byline, not of names
                                                          * or ids */
    expect_text(&a, "/article/authors/1/name", "Ann Lee");
    cr_expect_eq(count_of(&a, "/article/authors"), 2);
    cr_expect_eq(count_of(&a, "/article/tags"), 2);
    cr_expect_eq(answer_number(&a, "/article/version"), 1);
    http_answer_finish(&a);
}

Test(articles, have_cards_of_the_related_articles_best_first)
{
    struct http_answer a = http_get(site.server, "/articles/38");

    cr_assert_eq(count_of(&a, "/related_articles"), SITE_CARDS, "%.300s", a.body);
    static const long expected[SITE_CARDS] = {39, 40, 1, 2, 3, 4};
    for (int i = 0; i < SITE_CARDS; i++) {
        char pointer[48];
        snprintf(pointer, sizeof(pointer), "/related_articles/%d", i);
        expect_keys(&a, pointer, "id slug title summary image section published_at");
        snprintf(pointer, sizeof(pointer), "/related_articles/%d/id", i);
        cr_expect_eq(answer_number(&a, pointer), expected[i], "card %d is %ld", i,
                     answer_number(&a, pointer));
    }
    expect_keys(&a, "/related_articles/0/section", "slug name");
    expect_text(&a, "/related_articles/0/title", "Article 39");
    expect_text(&a, "/related_articles/0/published_at", "2024-03-03T03:00:00Z");
    http_answer_finish(&a);
}

Test(articles, never_have_a_card_of_an_article_that_is_not_published)
{
    test_sql(site.url, "update articles set status = 'withdrawn' where id = 11;"
                       "update articles set status = 'draft' where id = 12");
    struct http_answer a = http_get(site.server, "/articles/10");

    cr_assert(is_article(&a, 10));
    cr_expect_eq(count_of(&a, "/related_articles"), SITE_CARDS - 2);
    cr_expect_eq(answer_number(&a, "/related_articles/0/id"), 13);
    http_answer_finish(&a);
}

Test(articles, have_their_related_list_also_alone)
{
    struct http_answer both = http_get(site.server, "/articles/5");
    struct http_answer alone = http_get(site.server, "/articles/5/related");

    cr_assert_eq(alone.status, 200);
    expect_keys(&alone, "", "related_articles");
    const char *list = answer_text(&both, "/related_articles");
    expect_text(&alone, "/related_articles", list);
    http_answer_finish(&alone);
    http_answer_finish(&both);
}

Test(articles, have_null_for_a_missing_value_and_always_have_their_arrays)
{
    test_article_insert(site.url, 1000, "bare");
    struct http_answer a = http_get(site.server, "/articles/1000");

    cr_assert(is_article(&a, 1000), "%d %.300s", a.status, a.body);
    cr_expect(strstr(a.body, "\"summary\":null") != NULL, "%s", a.body);
    cr_expect_eq(count_of(&a, "/article/authors"), 0, "%s", a.body);
    cr_expect_eq(count_of(&a, "/article/tags"), 0, "%s", a.body);
    cr_expect_eq(count_of(&a, "/related_articles"), 0, "%s", a.body);
    cr_expect_str_eq(http_field(&a, "related-status"), "ok");
    http_answer_finish(&a);
}

Test(articles, have_times_in_utc)
{
    test_sql(site.url,
             "update articles set published_at = '2024-03-10T01:30:00.250-05:30' where id = 1;"
             "update articles set published_at = '0001-01-01T00:00:00Z' where id = 2;"
             "update articles set published_at = '9999-12-31T23:59:59Z' where id = 3");
    static const char *const expected[] = {"2024-03-10T07:00:00.25", "0001-01-01T00:00:00",
                                           "9999-12-31T23:59:59"};
    for (int i = 0; i < 3; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/articles/%d", i + 1);
        struct http_answer a = http_get(site.server, path);
        const char *time = answer_text(&a, "/article/published_at");
        cr_assert_not_null(time, "%d %.200s", a.status, a.body);
        cr_expect(strncmp(time, expected[i], strlen(expected[i])) == 0, "%s", time);
        cr_expect_eq(time[strlen(time) - 1], 'Z', "%s", time);
        http_answer_finish(&a);
    }
}

Test(articles, are_found_by_their_slug)
{
    struct http_answer a = http_get(site.server, "/articles/article-7");

    cr_expect_eq(a.status, 302);
    cr_expect_str_eq(http_field(&a, "location"), "/articles/7");
    http_answer_finish(&a);
}

Test(articles, have_the_same_answer_to_head_and_get_without_the_body)
{
    struct http_connection c = http_open(site.server);
    static const char *const paths[] = {"/articles/4", "/articles/4/related", "/articles/article-4",
                                        "/articles/0", "/articles/99",        "/healthz",
                                        "/readyz"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        http_send(&c, "GET", paths[i], NULL, NULL);
        struct http_answer get = http_receive(&c, false);
        http_send(&c, "HEAD", paths[i], NULL, NULL);
        struct http_answer head = http_receive(&c, true); /* a body would be read as a part of the
                                                           * next answer */
        cr_assert_neq(get.status, 0, "%s", paths[i]);
        cr_expect_eq(head.status, get.status, "%s: %d", paths[i], head.status);
        const char *length = http_field(&head, "content-length");
        cr_expect(length != NULL && strtoul(length, NULL, 10) == get.length, "%s: %s", paths[i],
                  length);
        http_answer_finish(&head);
        http_answer_finish(&get);
    }
    http_close(&c);
}

Test(articles, come_in_order_to_a_client_that_sends_all_requests_at_once)
{
    struct http_connection c = http_open(site.server);
    char requests[2048] = "";
    for (int id = 1; id <= 20; id++)
        snprintf(requests + strlen(requests), sizeof(requests) - strlen(requests),
                 "GET /articles/%d HTTP/1.1\r\nHost: a\r\n\r\n", id);
    http_send_raw(&c, requests, strlen(requests));
    for (int id = 1; id <= 20; id++) {
        struct http_answer a = http_receive(&c, false);
        cr_expect(is_article(&a, id), "%d: %d %.100s", id, a.status, a.body);
        http_answer_finish(&a);
    }
    http_close(&c);
}

Test(articles, arrive_as_they_were_written_with_any_characters)
{
    test_sql(
        site.url,
        "update articles set body = (select string_agg(chr(n), '') from generate_series(1, 55295) "
        "n)"
        "  || chr(57344) || chr(65533) || chr(65535) || chr(65536) || chr(128240) || chr(1114111)"
        "  where id = 1;"
        "update articles set title = E'\"no\\\\yes\" </script>\\t\\n\\x01\\x1f\\x7f \\u2028\\u2029 "
        "'"
        "  || 'e' || chr(769) || chr(128478) where id = 1");
    char *title = test_sql_value(site.url, "select title from articles where id = 1");
    char *body = test_sql_value(site.url, "select body from articles where id = 1");
    struct http_answer a = http_get(site.server, "/articles/1");

    cr_assert_not_null(a.json, "%d: not strict JSON in UTF-8", a.status);
    expect_text(&a, "/article/title", title);
    const char *got = answer_text(&a, "/article/body");
    cr_expect(got != NULL && strcmp(got, body) == 0, "the body differs");
    http_answer_finish(&a);
    free(body);
    free(title);
}

Test(articles, arrive_whole_at_any_size)
{
    static const long sizes[] = {200 << 10, 5 << 20};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        test_sql(site.url,
                 "update articles set body = left(repeat(%s, 1 + %ld / 20), %ld) where id = 2",
                 "'The quick \"brown\" f. '", sizes[i], sizes[i]);
        char *body = test_sql_value(site.url, "select body from articles where id = 2");
        struct http_answer a = http_get(site.server, "/articles/2");
        const char *got = answer_text(&a, "/article/body");
        cr_assert_eq(strlen(body), (size_t)sizes[i]);
        cr_expect(got != NULL && strcmp(got, body) == 0, "%ld bytes: %d, %zu bytes came", sizes[i],
                  a.status, a.length);
        http_answer_finish(&a);
        free(body);
    }
}
