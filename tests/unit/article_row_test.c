#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/article_row.h"
#include "tests/support/result.h"

enum { ARTICLE_COLUMNS = 5, LARGE_COLUMNS = 4, RELATED_COLUMNS = 3 };

static PGresult *result;
static struct dependencies dependencies;

static void clear(void)
{
    PQclear(result);
}

TestSuite(article_row, .fini = clear);
TestSuite(large_row, .fini = clear);
TestSuite(related_row, .fini = clear);

static void put_article(int row, const char *status, const char *document, size_t length)
{
    result_put_int64(result, row, 0, 7);
    result_put_text(result, row, 1, status);
    result_put_int32(result, row, 2, (int32_t)length);
    result_put_keys(result, row, 3, (const uint64_t[]){18, 35}, 2);
    if (document != NULL)
        result_put(result, row, 4, document, length);
    else
        result_put_null(result, row, 4);
}

static void expect_text(h2o_iovec_t text, const char *want, size_t length)
{
    cr_assert_eq(text.len, length, "%.*s", (int)text.len, text.base);
    cr_expect_arr_eq(text.base, want, length);
}

static void expect_dependencies(const uint64_t *want, size_t n)
{
    cr_assert_eq(dependencies.n, n);
    for (size_t i = 0; i < n; i++)
        cr_expect_eq(dependencies.keys[i], want[i]);
}

Test(article_row, has_the_document_byte_for_byte)
{
    static const char document[] = "{\"id\":7,\"title\":\"\\\"a\\\"\","
                                   "\"body\":\"\\n\\u0001\\\\ \xf0\x9f\x93\xb0\"}";
    result = result_create(ARTICLE_COLUMNS);
    put_article(0, "published", document, strlen(document));
    struct article_row row = article_row_read(result, 0, &dependencies);
    cr_expect_eq(row.status, ARTICLE_PUBLISHED);
    cr_expect_eq(row.bytes, strlen(document));
    expect_text(row.document, document, strlen(document));
    expect_dependencies((const uint64_t[]){18, 35}, 2);
}

Test(article_row, reads_the_row_that_was_requested)
{
    result = result_create(ARTICLE_COLUMNS);
    put_article(0, "published", "{\"id\":6}", 8);
    put_article(1, "published", "{\"id\":7,\"x\":1}", 14);
    put_article(2, "published", "{\"id\":8}", 8);
    expect_text(article_row_read(result, 1, &dependencies).document, "{\"id\":7,\"x\":1}", 14);
}

Test(article_row, has_the_whole_of_a_long_document)
{
    static char document[ARTICLE_SMALL_MAX_BYTES];
    for (size_t i = 0; i < sizeof(document); i++)
        document[i] = "ab\\\"c "[i % 6];
    result = result_create(ARTICLE_COLUMNS);
    put_article(0, "published", document, sizeof(document));
    expect_text(article_row_read(result, 0, &dependencies).document, document, sizeof(document));
}

Test(article_row, has_the_length_of_a_document_that_is_too_long_for_the_row)
{
    result = result_create(ARTICLE_COLUMNS);
    put_article(0, "published", NULL, ARTICLE_SMALL_MAX_BYTES + 1);
    struct article_row row = article_row_read(result, 0, &dependencies);
    cr_expect_null(row.document.base);
    cr_expect_eq(row.bytes, ARTICLE_SMALL_MAX_BYTES + 1);
}

struct status {
    char name[16];
    enum article_status want;
};

ParameterizedTestParameters(article_row, hides_an_article_that_is_neither_published_nor_withdrawn)
{
    static struct status cases[] = {
        {"published", ARTICLE_PUBLISHED}, {"withdrawn", ARTICLE_WITHDRAWN},
        {"marked", ARTICLE_MARKED},       {"draft", ARTICLE_HIDDEN},
        {"publish", ARTICLE_HIDDEN},      {"", ARTICLE_HIDDEN}};
    return cr_make_param_array(struct status, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct status *c, article_row,
                  hides_an_article_that_is_neither_published_nor_withdrawn)
{
    result = result_create(ARTICLE_COLUMNS);
    put_article(0, c->name, NULL, 0);
    cr_expect_eq(article_row_read(result, 0, &dependencies).status, c->want);
}

Test(article_row, aborts_on_a_length_of_another_type, .signal = SIGABRT)
{
    result = result_create(ARTICLE_COLUMNS);
    put_article(0, "published", "{}", 2);
    result_put_int64(result, 0, 2, 2);
    article_row_read(result, 0, &dependencies);
}

Test(large_row, is_a_piece_of_the_document)
{
    result = result_create(LARGE_COLUMNS);
    result_put_text(result, 0, 0, "published");
    result_put_int32(result, 0, 1, 100000);
    result_put_keys(result, 0, 2, (const uint64_t[]){18}, 1);
    result_put(result, 0, 3, "piece", 5);
    struct article_row row = large_article_row_read(result, 0, &dependencies);
    cr_expect_eq(row.status, ARTICLE_PUBLISHED);
    cr_expect_eq(row.bytes, 100000);
    expect_text(row.document, "piece", 5);
    expect_dependencies((const uint64_t[]){18}, 1);
}

/* ---- lists */

static void put_list(int row, int64_t list, const uint64_t *keys, size_t n, const char *cards)
{
    result_put_int64(result, row, 0, list);
    result_put_keys(result, row, 1, keys, n);
    result_put_text(result, row, 2, cards);
}

Test(related_row, has_the_cards_and_the_keys_of_its_row)
{
    /* The rows of other articles come before and after it, as in a batch. */
    result = result_create(RELATED_COLUMNS);
    put_list(0, 6, (const uint64_t[]){98}, 1, "{\"id\":98}");
    put_list(1, 7, (const uint64_t[]){UINT64_C(0x0102030405060701), 17, 33}, 3,
             "{\"id\":1},{\"id\":2}");
    put_list(2, 8, (const uint64_t[]){99}, 1, "{\"id\":99}");
    expect_text(related_row_read(result, 1, 1, &dependencies), "{\"id\":1},{\"id\":2}", 17);
    expect_dependencies((const uint64_t[]){UINT64_C(0x0102030405060701), 17, 33}, 3);
}

Test(related_row, is_empty_when_there_are_no_rows)
{
    result = result_create(RELATED_COLUMNS);
    cr_expect_eq(related_row_read(result, 0, 0, &dependencies).len, 0);
    expect_dependencies(NULL, 0);
}

Test(related_row, has_its_keys_when_it_has_no_card)
{
    result = result_create(RELATED_COLUMNS);
    put_list(0, 7, (const uint64_t[]){30, 29}, 2, NULL);
    cr_expect_eq(related_row_read(result, 0, 1, &dependencies).len, 0);
    expect_dependencies((const uint64_t[]){30, 29}, 2);
}

Test(related_row, may_have_an_empty_value_and_no_value)
{
    result = result_create(RELATED_COLUMNS);
    put_list(0, 7, NULL, 0, NULL);
    related_row_read(result, 0, 1, &dependencies);
    put_list(1, 8, NULL, 0, NULL);
    result_put_null(result, 1, 1);
    related_row_read(result, 1, 1, &dependencies);
    expect_dependencies(NULL, 0);
}

Test(related_row, aborts_on_more_than_one_row, .signal = SIGABRT)
{
    result = result_create(RELATED_COLUMNS);
    put_list(0, 7, (const uint64_t[]){17}, 1, "{\"id\":1}");
    put_list(1, 7, (const uint64_t[]){17}, 1, "{\"id\":1}");
    related_row_read(result, 0, 2, &dependencies);
}

struct length {
    size_t nbytes;
};

ParameterizedTestParameters(related_row, aborts_on_keys_that_end_in_the_middle_of_one)
{
    static struct length cases[] = {{1}, {7}, {9}, {15}};
    return cr_make_param_array(struct length, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct length *c, related_row, aborts_on_keys_that_end_in_the_middle_of_one,
                  .signal = SIGABRT)
{
    PGresult *whole = result = result_create(RELATED_COLUMNS);
    put_list(0, 7, (const uint64_t[]){17, 33}, 2, "{\"id\":1}");
    char wire[64] = "";
    memcpy(wire, PQgetvalue(whole, 0, 1), (size_t)PQgetlength(whole, 0, 1));
    result_put(result, 0, 1, wire, c->nbytes);
    related_row_read(result, 0, 1, &dependencies);
}
