/* Articles that are too large to come at once, and the memory budget. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/handler/scene.h"

enum {
    CACHE_BYTES = 100 * 1000 * 1000,
    PIECE = 65536,
    LARGE = 3 * PIECE + 1000,
    PIECES = 4,
    BUDGET = 1 << 20,
};

static struct client *one, *two;
static struct answer_cache *answers;
static struct memory *memory;
static char document[LARGE];

static void connect_two(void)
{
    one = client_connect();
    two = client_connect();
    answers = scene_cache(CACHE_BYTES);
    memory = &client_service()->process->memory;
    memset(document, 'x', sizeof(document));
    memcpy(document, "{\"body\":\"", 9);
    memcpy(document + LARGE - 2, "\"}", 2);
}

TestSuite(large_article, .init = connect_two, .timeout = 60);
TestSuite(marked_article, .init = connect_two, .timeout = 60);

/* The handler knows that the article is large, and has asked for its pieces. */
static struct db_query *begin(struct client *client, int64_t id, int bytes)
{
    char path[32];
    snprintf(path, sizeof(path), "/articles/%ld", (long)id);
    scene_looks_up(client, path);
    fake_db_answer(fake_db_newest(DB_ARTICLE_BY_ID), fake_large(id, bytes));
    fake_db_answer(fake_db_newest(DB_RELATED_BY_ID), fake_cards(id, SCENE_CARD, 1));
    return fake_db_newest(DB_LARGE_ARTICLE);
}

static void send_pieces(struct db_query *large, int npieces)
{
    for (int i = 0; i < npieces; i++) {
        size_t length = i < PIECES - 1 ? PIECE : LARGE - (PIECES - 1) * PIECE;
        fake_db_row(large, fake_piece("published", LARGE, document + i * PIECE, length));
    }
}

static void expect_whole(struct client *client)
{
    struct reply head;
    char *body = client_long_answer(client, &head);
    cr_assert_eq(head.status, 200, "%s", head.head);
    cr_expect_not_null(strstr(head.head, "related-status: ok\r\n"));
    cr_expect_eq(strncmp(body, "{\"article\":{\"body\":\"xxx", 23), 0, "%.40s", body);
    cr_expect_arr_eq(body + 11, document, LARGE);
    cr_expect_eq(strncmp(body + 11 + LARGE, ",\"related_articles\":[{\"id\":20,", 30), 0);
    free(body);
}

static void expect_refused(struct client *client)
{
    struct reply reply = client_answer(client);
    cr_expect_eq(reply.status, 503);
    cr_expect_not_null(strstr(reply.body, "overloaded"), "%s", reply.body);
    cr_expect_not_null(strstr(reply.head, "retry-after: "));
    cr_expect_not_null(strstr(reply.head, "content-type: application/problem+json\r\n"));
}

Test(large_article, is_made_of_its_pieces)
{
    struct db_query *large = begin(one, 7, LARGE);
    cr_assert_eq(large->id, 7);
    send_pieces(large, PIECES);
    cr_expect(!client_has_answer(one));
    fake_db_end(large, PIECES);
    expect_whole(one);
    cr_expect_eq(counter_get(&answers->stats.items), 1);
    client_send(two, "GET /articles/7", "");
    cr_expect_eq(fake_db_nwaiting(), 0, "it is kept");
    expect_whole(two);
}

Test(large_article, is_looked_up_once_for_all_requests)
{
    struct db_query *large = begin(one, 7, LARGE);
    client_send(two, "GET /articles/7", "");
    cr_assert_eq(fake_db_nwaiting(), 1);
    size_t used = memory_used(memory);
    send_pieces(large, PIECES);
    fake_db_end(large, PIECES);
    cr_expect_leq(memory_used(memory), used, "both have the same bytes");
    expect_whole(one);
    expect_whole(two);
}

Test(large_article, reserves_its_memory_before_its_query)
{
    begin(one, 7, LARGE);
    cr_expect_geq(memory_used(memory), LARGE);
    cr_expect_lt(memory_used(memory), LARGE + 5000);
}

Test(large_article, is_refused_when_the_budget_has_no_room_while_small_ones_are_served)
{
    memory_init(memory, BUDGET);
    scene_looks_up(one, "/articles/7");
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_large(7, BUDGET));
    expect_refused(one);
    cr_expect_eq(fake_db_nwaiting(), 0, "the handler does not wait for the list");
    cr_expect_eq(memory_refused(memory), 1);
    cr_expect_eq(memory_used(memory), 0);

    scene_looks_up(one, "/articles/8");
    scene_answer(8, 3);
    cr_expect_eq(scene_version(one), 3);
}

Test(large_article, leaves_a_quarter_of_the_budget_for_small_ones)
{
    memory_init(memory, BUDGET);
    begin(one, 7, BUDGET / 4 * 3 - 10000);
    scene_looks_up(two, "/articles/8");
    fake_db_answer(fake_db_newest(DB_ARTICLE_BY_ID), fake_large(8, 100 * 1000));
    expect_refused(two);
    scene_looks_up(two, "/articles/9");
    fake_db_answer(fake_db_newest(DB_ARTICLE_BY_ID), fake_version(9, 3, SCENE_ARTICLE_BYTES));
    fake_db_answer(fake_db_newest(DB_RELATED_BY_ID), fake_cards(9, SCENE_CARD, 1));
    cr_expect_eq(scene_version(two), 3);
}

Test(large_article, of_any_size_is_refused_when_all_of_the_budget_is_in_use)
{
    memory_init(memory, 1000);
    scene_looks_up(one, "/articles/7");
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_version(7, 3, SCENE_ARTICLE_BYTES));
    expect_refused(one);
    cr_expect_eq(memory_used(memory), 0);
}

Test(large_article, of_any_size_is_served_where_only_its_list_has_no_room_in_the_budget)
{
    scene_cache(0);
    memory_init(memory, BUDGET);
    scene_looks_up(one, "/articles/7");
    client_send(two, "GET /articles/7/related", "");
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_version(7, 3, SCENE_ARTICLE_BYTES));
    size_t rest = BUDGET - memory_used(memory);
    cr_assert(memory_reserve(memory, rest));
    fake_db_answer(fake_db_waiting(DB_RELATED_BY_ID), fake_cards(7, SCENE_CARD, 1));
    struct reply whole = client_answer(one);
    cr_assert_eq(whole.status, 200, "%s", whole.head);
    cr_expect_not_null(strstr(whole.head, "related-status: unavailable\r\n"), "%s", whole.head);
    cr_expect_not_null(strstr(whole.head, "cache-control: max-age=1\r\n"), "%s", whole.head);
    cr_expect_not_null(strstr(whole.body, "\"related_articles\":[]}"));
    expect_refused(two);
    client_turn();
    cr_expect_eq(memory_used(memory), rest);
}

Test(large_article, gives_its_memory_back_when_its_client_leaves)
{
    scene_cache(0);
    struct db_query *large = begin(one, 7, LARGE);
    send_pieces(large, PIECES);
    fake_db_end(large, PIECES);
    expect_whole(one);
    client_turn();
    cr_expect_eq(memory_used(memory), 0);
}

Test(large_article, gives_its_memory_back_when_it_fails)
{
    struct db_query *large = begin(one, 7, LARGE);
    send_pieces(large, 2);
    fake_db_fail(large, DB_UNAVAILABLE, "the connection was lost");
    cr_expect_eq(client_answer(one).status, 503);
    client_turn();
    cr_expect_eq(memory_used(memory), 0);
}

Test(large_article, counts_in_the_budget_again_when_the_cache_drops_it_while_it_is_sent)
{
    struct db_query *large = begin(one, 7, LARGE);
    send_pieces(large, PIECES);
    fake_db_end(large, PIECES); /* the client has not read the answer: the socket pair is full */
    cr_assert_lt(memory_used(memory), LARGE);
    scene_article_changed(7);
    cr_expect_geq(memory_used(memory), LARGE);
    expect_whole(one);
    client_turn();
    cr_expect_eq(memory_used(memory), 0);
}

/* ---- the article changes between the two queries */

Test(large_article, has_the_length_of_its_pieces)
{
    struct db_query *large = begin(one, 7, LARGE + 5);
    send_pieces(large, PIECES);
    fake_db_end(large, PIECES);
    expect_whole(one);
}

struct ending {
    char status[16]; /* of the piece; "" for no row */
    int want;
};

ParameterizedTestParameters(large_article, may_disappear_meanwhile)
{
    static struct ending cases[] = {{"", 404}, {"withdrawn", 410}, {"draft", 404}};
    return cr_make_param_array(struct ending, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct ending *c, large_article, may_disappear_meanwhile)
{
    struct db_query *large = begin(one, 7, LARGE);
    if (c->status[0] != '\0')
        fake_db_row(large, fake_piece(c->status, 0, NULL, 0));
    else
        fake_db_end(large, 0);
    cr_expect_eq(client_answer(one).status, c->want);
    cr_expect_eq(fake_db_nwaiting(), 0);
    client_turn();
    cr_expect_eq(memory_used(memory), 0);
}

ParameterizedTestParameters(large_article, is_an_error_when_its_pieces_have_another_length)
{
    static struct ending cases[] = {{"short", PIECES - 1}, {"long", PIECES + 1}};
    return cr_make_param_array(struct ending, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct ending *c, large_article, is_an_error_when_its_pieces_have_another_length)
{
    struct db_query *large = begin(one, 7, LARGE);
    send_pieces(large, c->want > PIECES ? PIECES : c->want);
    if (c->want > PIECES)
        fake_db_row(large, fake_piece("published", LARGE, "more", 4));
    else
        fake_db_end(large, c->want);
    cr_expect_eq(client_answer(one).status, 503);
    client_turn();
    cr_expect_eq(memory_used(memory), 0);
}

/* ---- only when a request wants it */

Test(large_article, is_not_fetched_for_its_list)
{
    scene_looks_up(one, "/articles/7/related");
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_large(7, LARGE));
    cr_expect_eq(fake_db_nwaiting(), 1);
    fake_db_answer(fake_db_waiting(DB_RELATED_BY_ID), fake_cards(7, SCENE_CARD, 1));
    cr_expect_eq(client_answer(one).status, 200);
}

Test(large_article, is_fetched_for_a_request_that_joins_a_look_up_of_the_list)
{
    scene_looks_up(one, "/articles/7/related");
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_large(7, LARGE));
    client_send(two, "GET /articles/7", "");
    fake_db_answer(fake_db_waiting(DB_RELATED_BY_ID), fake_cards(7, SCENE_CARD, 1));
    cr_expect_eq(client_answer(one).status, 200, "the list need not wait for the article");
    client_turn();
    struct db_query *large = fake_db_waiting(DB_LARGE_ARTICLE);
    send_pieces(large, PIECES);
    fake_db_end(large, PIECES);
    expect_whole(two);
}

Test(large_article, lets_a_request_for_the_list_join)
{
    struct db_query *large = begin(one, 7, LARGE);
    client_send(two, "GET /articles/7/related", "");
    cr_assert_eq(fake_db_nwaiting(), 1);
    cr_expect_eq(client_answer(two).status, 200, "the list is there already");
    send_pieces(large, PIECES);
    fake_db_end(large, PIECES);
    expect_whole(one);
}

Test(large_article, is_cancelled_at_the_deadline_of_the_request)
{
    client_service()->deadline_ms = 50;
    begin(one, 7, LARGE);
    cr_expect_eq(client_answer(one).status, 504);
    cr_expect_eq(fake_db_nwaiting(), 0);
}

Test(large_article, is_not_compressed)
{
    enum { HUGE_BYTES = 10 * PIECE };
    char *text = calloc(1, HUGE_BYTES);
    client_send(one, "GET /articles/7", "Accept-Encoding: gzip\r\n");
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_large(7, HUGE_BYTES));
    fake_db_answer(fake_db_waiting(DB_RELATED_BY_ID), fake_cards(7, SCENE_CARD, 1));
    struct db_query *large = fake_db_waiting(DB_LARGE_ARTICLE);
    for (int i = 0; i < 10; i++)
        fake_db_row(large, fake_piece("published", HUGE_BYTES, text + i * PIECE, PIECE));
    fake_db_end(large, 10);
    struct reply head;
    free(client_long_answer(one, &head));
    cr_expect_null(strstr(head.head, "content-encoding"));
    cr_expect_gt(head.length, HUGE_BYTES);
    free(text);
}

/* Its status in article_by_id may be old: it was withdrawn just now. */
static void ask_for_withdrawn(const char *path)
{
    scene_looks_up(one, path);
    fake_db_answer(fake_db_newest(DB_ARTICLE_BY_ID), fake_marked(7, 100));
    fake_db_answer(fake_db_newest(DB_RELATED_BY_ID), fake_cards(7, SCENE_CARD, 1));
    cr_expect_not(client_has_answer(one), "%s", path);
    struct db_query *large = fake_db_newest(DB_LARGE_ARTICLE);
    fake_db_row(large, fake_piece("withdrawn", 0, NULL, 0));
    cr_expect_eq(client_answer(one).status, 410, "%s", path);
}

Test(marked_article, has_the_status_of_large_article)
{
    ask_for_withdrawn("/articles/7");
    ask_for_withdrawn("/articles/7/related");
}

Test(marked_article, has_its_list_when_it_is_published)
{
    scene_looks_up(one, "/articles/7/related");
    fake_db_answer(fake_db_newest(DB_ARTICLE_BY_ID), fake_marked(7, LARGE));
    fake_db_answer(fake_db_newest(DB_RELATED_BY_ID), fake_cards(7, SCENE_CARD, 1));
    struct db_query *large = fake_db_newest(DB_LARGE_ARTICLE);
    send_pieces(large, PIECES);
    fake_db_end(large, PIECES);
    struct reply reply = client_answer(one);
    cr_expect_eq(reply.status, 200);
    cr_expect_eq(strncmp(reply.body, "{\"related_articles\":[{\"id\":20,", 30), 0, "%s",
                 reply.body);
}
