#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <endian.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/article_text.h"
#include "tests/support/result.h"

enum { COLUMNS = 3 };

static PGresult *result;

static void clear(void)
{
    PQclear(result);
}

TestSuite(article_text, .fini = clear);
TestSuite(related_text, .fini = clear);

static void put_article(int row, const char *document, size_t length)
{
    result_put_int64(result, row, 0, 7);
    result_put_text(result, row, 1, "published");
    result_put(result, row, 2, document, length);
}

/* The text must not need the result any more. */
static void expect_text(h2o_iovec_t text, const char *want, size_t length)
{
    PQclear(result);
    result = NULL;
    cr_assert_eq(text.len, length, "%.*s", (int)text.len, text.base);
    cr_expect_arr_eq(text.base, want, length);
    free(text.base);
}

Test(article_text, is_the_document_byte_for_byte)
{
    static const char document[] = "{\"id\":7,\"title\":\"\\\"a\\\"\","
                                   "\"body\":\"\\n\\u0001\\\\ \xf0\x9f\x93\xb0\"}";
    result = result_create(COLUMNS);
    put_article(0, document, strlen(document));
    expect_text(article_text(result, 0), document, strlen(document));
}

Test(article_text, takes_the_row_that_was_asked_for)
{
    result = result_create(COLUMNS);
    put_article(0, "{\"id\":6}", 8);
    put_article(1, "{\"id\":7,\"x\":1}", 14);
    put_article(2, "{\"id\":8}", 8);
    expect_text(article_text(result, 1), "{\"id\":7,\"x\":1}", 14);
}

Test(article_text, copies_a_long_document_whole)
{
    static char document[400 * 1024];
    for (size_t i = 0; i < sizeof(document); i++)
        document[i] = "ab\\\"c "[i % 6];
    result = result_create(COLUMNS);
    put_article(0, document, sizeof(document));
    expect_text(article_text(result, 0), document, sizeof(document));
}

/* ---- lists */

enum { TOO_MANY = ARTICLE_MAX_CARDS + 1 };

/* cards: NULL for none. nbytes: of the ids. */
static void put_list(int row, int64_t list, const int64_t *ids, size_t nbytes, const char *cards)
{
    uint64_t wire[TOO_MANY];
    for (size_t i = 0; i * sizeof(wire[0]) < nbytes; i++)
        wire[i] = htobe64((uint64_t)ids[i]);
    result_put_int64(result, row, 0, list);
    result_put(result, row, 1, wire, nbytes);
    result_put_text(result, row, 2, cards);
}

struct list {
    size_t n;
    int64_t ids[ARTICLE_MAX_CARDS];
    char cards[80];
};

ParameterizedTestParameters(related_text, has_the_ids_and_the_cards_of_its_row)
{
    static struct list cases[] = {
        {1, {20}, "{\"id\":20}"},
        {2, {21, 20}, "{\"id\":21},{\"id\":20}"},
        {3, {INT64_MAX, 1, 0x0102030405060708}, "{\"id\":1}"}, /* two of them without a card */
        {6,
         {6, 1, 5, 2, 4, 3},
         "{\"id\":6},{\"id\":1},{\"id\":5},{\"id\":2},{\"id\":4},{\"id\":3}"},
    };
    return cr_make_param_array(struct list, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct list *c, related_text, has_the_ids_and_the_cards_of_its_row)
{
    /* Others' rows stand before and behind, as in a batch. */
    result = result_create(COLUMNS);
    put_list(0, 6, (const int64_t[]){98}, 8, "{\"id\":98}");
    put_list(1, 7, c->ids, c->n * 8, c->cards);
    put_list(2, 8, (const int64_t[]){99}, 8, "{\"id\":99}");

    struct related_text related = related_text(result, 1, 1);
    expect_text(related.cards, c->cards, strlen(c->cards));
    cr_assert_eq(related.n, c->n);
    cr_expect_arr_eq(related.ids, c->ids, c->n * sizeof(c->ids[0]));
}

static void expect_no_cards(const struct related_text *related, size_t n)
{
    cr_expect_null(related->cards.base);
    cr_expect_eq(related->cards.len, 0);
    cr_expect_eq(related->n, n);
}

Test(related_text, is_nothing_for_no_rows)
{
    result = result_create(COLUMNS);
    struct related_text related = related_text(result, 0, 0);
    expect_no_cards(&related, 0);
}

Test(related_text, names_its_articles_where_none_of_them_has_a_card)
{
    result = result_create(COLUMNS);
    put_list(0, 7, (const int64_t[]){30, 29}, 16, NULL);
    struct related_text related = related_text(result, 0, 1);
    expect_no_cards(&related, 2);
    cr_expect(related.ids[0] == 30 && related.ids[1] == 29);
}

static const int64_t many[TOO_MANY] = {1, 2, 3, 4, 5, 6, 7};

Test(related_text, aborts_on_more_rows_than_one, .signal = SIGABRT)
{
    result = result_create(COLUMNS);
    put_list(0, 7, many, 8, "{\"id\":1}");
    put_list(1, 7, many, 8, "{\"id\":1}");
    related_text(result, 0, 2);
}

Test(related_text, aborts_on_more_ids_than_a_list_has, .signal = SIGABRT)
{
    result = result_create(COLUMNS);
    put_list(0, 7, many, TOO_MANY * 8, "{\"id\":1}");
    related_text(result, 0, 1);
}

struct length {
    size_t nbytes;
};

ParameterizedTestParameters(related_text, aborts_on_a_part_of_an_id)
{
    static struct length cases[] = {{1}, {7}, {9}, {15}, {47}};
    return cr_make_param_array(struct length, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct length *c, related_text, aborts_on_a_part_of_an_id, .signal = SIGABRT)
{
    result = result_create(COLUMNS);
    put_list(0, 7, many, c->nbytes, "{\"id\":1}");
    related_text(result, 0, 1);
}
