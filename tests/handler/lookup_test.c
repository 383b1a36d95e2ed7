/* One look-up for all who want an article at the same time. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "handlers/article_lookup.h"
#include "tests/handler/scene.h"

enum { ON = 1000 * 1000, OFF = 0 }; /* bytes of the answers */

static struct client *one, *two, *three;
static struct answer_cache *answers;

static void connect_three(void)
{
    one = client_connect();
    two = client_connect();
    three = client_connect();
    answers = scene_store(ON);
}

TestSuite(lookup, .init = connect_three, .timeout = 20);

struct room {
    size_t bytes;
};

ParameterizedTestParameters(lookup, makes_one_look_up_of_each_kind_for_all_who_ask_meanwhile)
{
    static struct room cases[] = {{ON}, {OFF}};
    return cr_make_param_array(struct room, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct room *c, lookup, makes_one_look_up_of_each_kind_for_all_who_ask_meanwhile)
{
    scene_store(c->bytes);
    scene_takes_off(one, "/articles/7");
    client_send(two, "GET /articles/7", "");
    client_send(three, "GET /articles/7", "");
    cr_assert_eq(fake_db_nwaiting(), 2);
    cr_expect_eq(counter_get(&answers->stats.joined), 2);

    scene_land(7, 3);
    struct reply first = client_answer(one), second = client_answer(two);
    cr_expect_eq(first.status, 200);
    cr_expect_not_null(strstr(first.body, "\"related_articles\":[{\"id\":20,"));
    cr_expect_eq(second.status, 200);
    cr_expect_str_eq(second.body, first.body);
    cr_expect_str_eq(client_answer(three).body, first.body);
    cr_expect_eq(fake_db_nwaiting(), 0);
}

Test(lookup, is_not_joined_by_who_wants_another_article)
{
    scene_takes_off(one, "/articles/7");
    scene_takes_off(two, "/articles/8");
    scene_land(7, 3);
    scene_land(8, 4);
    cr_expect_eq(scene_version(one), 3);
    cr_expect_eq(scene_version(two), 4);
}

Test(lookup, gives_each_the_part_that_was_asked_for)
{
    scene_takes_off(one, "/articles/7");
    client_send(two, "GET /articles/7/related", "");
    cr_assert_eq(fake_db_nwaiting(), 2);
    scene_land(7, 3);

    struct reply whole = client_answer(one), list = client_answer(two);
    cr_expect_eq(strncmp(whole.body, "{\"article\":{\"id\":7,", 19), 0, "%s", whole.body);
    cr_expect_eq(strncmp(list.body, "{\"related_articles\":[{\"id\":20,", 30), 0, "%s", list.body);
    cr_expect_not_null(strstr(list.body, "{\"id\":21,"));
    cr_expect_null(strstr(list.body, "harbour-opens"), "%s", list.body);
    cr_expect_str_neq(list.etag, whole.etag);
}

Test(lookup, goes_on_when_any_of_many_leaves)
{
    scene_takes_off(one, "/articles/7");
    client_send(two, "GET /articles/7", "");
    client_send(three, "GET /articles/7", "");
    client_leave(two);
    client_leave(one);
    cr_assert_eq(fake_db_nwaiting(), 2);
    scene_land(7, 3);
    cr_expect_eq(scene_version(three), 3);
    cr_expect_eq(fake_db_ncancelled(), 0);
}

struct failure {
    enum db_error error;
    int want;
};

ParameterizedTestParameters(lookup, tells_all_of_a_failure)
{
    static struct failure cases[] = {
        {DB_UNAVAILABLE, 503}, {DB_BUSY, 503}, {DB_FAILED, 503}, {DB_TIMEOUT, 504}};
    return cr_make_param_array(struct failure, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct failure *c, lookup, tells_all_of_a_failure)
{
    scene_takes_off(one, "/articles/7");
    client_send(two, "GET /articles/7", "");
    client_send(three, "GET /articles/7/related", "");
    fake_db_fail(fake_db_waiting(DB_ARTICLE_BY_ID), c->error, "broken");
    cr_expect_eq(client_answer(one).status, c->want);
    cr_expect_eq(client_answer(two).status, c->want);
    cr_expect_eq(client_answer(three).status, c->want);
    cr_expect_eq(fake_db_nwaiting(), 0, "the list of what is not known is not waited for");
    scene_takes_off(one, "/articles/7"); /* a failure is not kept */
}

Test(lookup, tells_of_a_list_that_failed_as_each_part_needs_it)
{
    scene_takes_off(one, "/articles/7");
    client_send(two, "GET /articles/7/related", "");
    fake_db_fail(fake_db_waiting(DB_RELATED_BY_ID), DB_TIMEOUT, NULL);
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_version(7, 3, 100));
    struct reply whole = client_answer(one);
    cr_expect_eq(whole.status, 200);
    cr_expect_not_null(strstr(whole.head, "related-status: timeout\r\n"));
    cr_expect_eq(client_answer(two).status, 504);
}

Test(lookup, tells_all_of_what_is_not_there)
{
    scene_takes_off(one, "/articles/7");
    client_send(two, "GET /articles/7/related", "");
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_no_rows());
    cr_expect_eq(client_answer(one).status, 404);
    cr_expect_eq(client_answer(two).status, 404);
}

/* ---- without clients: libh2o does not notice that one leaves before it is answered */

static struct article_waiter first, second;
static unsigned ndone;

static void on_never(struct article_waiter *waiter, const struct article_fetch *found,
                     struct answer *answer)
{
    (void)waiter;
    (void)found;
    (void)answer;
    cr_expect_fail("it was cancelled");
}

Test(lookup, is_given_up_when_the_last_waiter_is_cancelled)
{
    article_wait_start(&first, answers, NULL, 7, ARTICLE_WHOLE, on_never);
    article_wait_start(&second, answers, NULL, 7, ARTICLE_RELATED, on_never);
    article_wait_cancel(&first);
    cr_assert_eq(fake_db_nwaiting(), 2, "the other one waits still");
    article_wait_cancel(&first); /* fine in any state */
    article_wait_cancel(&second);
    cr_assert_eq(fake_db_nwaiting(), 0);
    cr_expect_eq(fake_db_ncancelled(), 2);

    scene_takes_off(one, "/articles/7");
    scene_land(7, 3);
    cr_expect_eq(scene_version(one), 3);
}

Test(lookup, is_given_up_when_half_of_it_has_arrived)
{
    article_wait_start(&first, answers, NULL, 7, ARTICLE_WHOLE, on_never);
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_version(7, 3, 100));
    article_wait_cancel(&first);
    cr_expect_eq(fake_db_nwaiting(), 0);
    cr_expect_eq(fake_db_ncancelled(), 1);
}

Test(lookup, is_given_up_alone_where_a_newer_one_is_under_way)
{
    article_wait_start(&first, answers, NULL, 7, ARTICLE_WHOLE, on_never);
    scene_told(7);
    scene_takes_off(one, "/articles/7");
    article_wait_cancel(&first);
    cr_assert_eq(fake_db_nwaiting(), 2);
    client_send(two, "GET /articles/7", "");
    cr_assert_eq(fake_db_nwaiting(), 2, "the newer one can still be joined");
    scene_land(7, 4);
    cr_expect_eq(scene_version(one), 4);
    cr_expect_eq(scene_version(two), 4);
}

static void on_first(struct article_waiter *waiter, const struct article_fetch *found,
                     struct answer *answer)
{
    (void)found;
    cr_expect_eq(waiter, &first);
    cr_expect_not_null(answer);
    ndone++;
    article_wait_cancel(&first);
    article_wait_cancel(&second);
}

Test(lookup, lands_though_its_last_waiters_are_cancelled_while_it_does)
{
    article_wait_start(&first, answers, NULL, 7, ARTICLE_WHOLE, on_first);
    article_wait_start(&second, answers, NULL, 7, ARTICLE_WHOLE, on_never);
    scene_land(7, 3);
    cr_expect_eq(ndone, 1);
    article_wait_cancel(&second); /* fine in any state */
}

static void on_again(struct article_waiter *waiter, const struct article_fetch *found,
                     struct answer *answer)
{
    (void)found;
    (void)answer;
    if (++ndone == 1)
        article_wait_start(waiter, answers, NULL, 7, ARTICLE_WHOLE, on_again);
}

Test(lookup, is_not_joined_by_who_asks_again_while_it_lands)
{
    article_wait_start(&first, answers, NULL, 7, ARTICLE_WHOLE, on_again);
    scene_land(7, 3);
    cr_assert_eq(ndone, 1);
    cr_assert_eq(fake_db_nwaiting(), 2, "a look-up of its own");
    scene_land(7, 4);
    cr_expect_eq(ndone, 2);
}
