#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/article_text.h"
#include "tests/support/result.h"

static PGresult *result;

static void clear(void)
{
    PQclear(result);
}

TestSuite(article_text, .fini = clear);
TestSuite(related_text, .fini = clear);

static void put_article(int row, const char *head, const char *body, const char *tail)
{
    result_put_int64(result, row, 0, 7);
    result_put_text(result, row, 1, "published");
    result_put_text(result, row, 2, head);
    result_put_text(result, row, 3, body);
    result_put_text(result, row, 4, tail);
}

/* The row's text must not need the result any more. */
static void expect_article(int row, const char *want)
{
    h2o_iovec_t text = article_text(result, row);
    PQclear(result);
    result = NULL;
    cr_assert_eq(text.len, strlen(want), "%.*s", (int)text.len, text.base);
    cr_expect_arr_eq(text.base, want, text.len);
    free(text.base);
}

Test(article_text, puts_the_body_between_head_and_tail)
{
    result = result_create(5);
    put_article(0, "{\"id\":7", "It opened.", ",\"version\":3}");
    expect_article(0, "{\"id\":7,\"body\":\"It opened.\",\"version\":3}");
}

Test(article_text, escapes_the_body_and_copies_the_rest_as_it_is)
{
    result = result_create(5);
    put_article(0, "{\"title\":\"\\\"a\\\"\"", "\"a\"\n\x01\\ \xf0\x9f\x93\xb0", ",\"x\":null}");
    expect_article(0, "{\"title\":\"\\\"a\\\"\",\"body\":\"\\\"a\\\"\\n\\u0001\\\\ "
                      "\xf0\x9f\x93\xb0\",\"x\":null}");
}

Test(article_text, writes_an_empty_body)
{
    result = result_create(5);
    put_article(0, "{\"id\":7", "", "}");
    expect_article(0, "{\"id\":7,\"body\":\"\"}");
}

Test(article_text, takes_the_row_that_was_asked_for)
{
    result = result_create(5);
    put_article(0, "{\"id\":6", "six", "}");
    put_article(1, "{\"id\":7", "seven", "}");
    put_article(2, "{\"id\":8", "eight", "}");
    expect_article(1, "{\"id\":7,\"body\":\"seven\"}");
}

Test(article_text, writes_a_long_body_whole)
{
    static char body[200 * 1024 + 1], want[sizeof(body) * 2];
    char *to = want + sprintf(want, "{\"id\":7,\"body\":\"");
    for (size_t i = 0; i < sizeof(body) - 1; i++) {
        body[i] = "ab\"c "[i % 5];
        if (body[i] == '"')
            *to++ = '\\';
        *to++ = body[i];
    }
    memcpy(to, "\"}", 3);
    result = result_create(5);
    put_article(0, "{\"id\":7", body, "}");
    expect_article(0, want);
}

/* ---- cards */

static void put_card(int row, int64_t list, int64_t id)
{
    char card[32];
    snprintf(card, sizeof(card), "{\"id\":%d}", (int)id);
    result_put_int64(result, row, 0, list);
    result_put_int64(result, row, 1, id);
    result_put_text(result, row, 2, card);
}

struct list {
    int n, ids[ARTICLE_MAX_CARDS];
    char want[80];
};

ParameterizedTestParameters(related_text, has_the_cards_of_one_list_in_the_order_of_the_rows)
{
    static struct list cases[] = {
        {1, {20}, "{\"id\":20}"},
        {2, {21, 20}, "{\"id\":21},{\"id\":20}"},
        {3, {9, 6, 3}, "{\"id\":9},{\"id\":6},{\"id\":3}"},
        {6,
         {6, 1, 5, 2, 4, 3},
         "{\"id\":6},{\"id\":1},{\"id\":5},{\"id\":2},{\"id\":4},{\"id\":3}"},
    };
    return cr_make_param_array(struct list, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct list *c, related_text, has_the_cards_of_one_list_in_the_order_of_the_rows)
{
    /* Others' rows stand before and behind, as in a batch. */
    result = result_create(3);
    put_card(0, 6, 98);
    for (int i = 0; i < c->n; i++)
        put_card(1 + i, 7, c->ids[i]);
    put_card(1 + c->n, 8, 99);

    struct related_text related = related_text(result, 1, c->n);
    PQclear(result);
    result = NULL;
    cr_assert_eq(related.cards.len, strlen(c->want), "%.*s", (int)related.cards.len,
                 related.cards.base);
    cr_expect_arr_eq(related.cards.base, c->want, related.cards.len);
    cr_assert_eq(related.n, (size_t)c->n);
    for (size_t i = 0; i < related.n; i++)
        cr_expect_eq(related.ids[i], c->ids[i]);
    free(related.cards.base);
}

Test(related_text, is_nothing_for_no_rows)
{
    result = result_create(3);
    struct related_text related = related_text(result, 0, 0);
    cr_expect_null(related.cards.base);
    cr_expect_eq(related.cards.len, 0);
    cr_expect_eq(related.n, 0);
}

Test(related_text, names_an_article_without_a_card_and_shows_the_others)
{
    result = result_create(3);
    for (int row = 0; row < 3; row++)
        put_card(row, 7, 20 + row);
    result_put_null(result, 3, 2);
    result_put_int64(result, 3, 0, 7);
    result_put_int64(result, 3, 1, 30);
    struct related_text related = related_text(result, 0, 4);
    cr_expect_eq(related.n, 4);
    cr_expect_eq(related.ids[3], 30);
    cr_expect_eq(related.cards.base[related.cards.len - 1], '}');
    free(related.cards.base);
    related = related_text(result, 3, 1);
    cr_expect_eq(related.n, 1);
    cr_expect_eq(related.cards.len, 0);
    free(related.cards.base);
}

Test(related_text, aborts_on_more_rows_than_a_list_has, .signal = SIGABRT)
{
    result = result_create(3);
    for (int row = 0; row <= ARTICLE_MAX_CARDS; row++)
        put_card(row, 7, row);
    related_text(result, 0, ARTICLE_MAX_CARDS + 1);
}
