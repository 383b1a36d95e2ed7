/* One look-up for all requests that want an article at the same time. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "handlers/article.h"
#include "tests/handler/scene.h"

enum { ON = 1000 * 1000, OFF = 0 }; /* bytes of the cache */

static struct client *one, *two, *three;
static struct answer_cache *answers;

static void connect_three(void)
{
    one = client_connect();
    two = client_connect();
    three = client_connect();
    answers = scene_cache(ON);
}

TestSuite(lookup, .init = connect_three, .timeout = 20);

struct room {
    size_t bytes;
};

ParameterizedTestParameters(lookup, makes_one_query_of_each_kind_for_all_requests)
{
    static struct room cases[] = {{ON}, {OFF}};
    return cr_make_param_array(struct room, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct room *c, lookup, makes_one_query_of_each_kind_for_all_requests)
{
    scene_cache(c->bytes);
    scene_looks_up(one, "/articles/7");
    client_send(two, "GET /articles/7", "");
    client_send(three, "GET /articles/7", "");
    cr_assert_eq(fake_db_nwaiting(), 2);
    cr_expect_eq(counter_get(&answers->stats.joined), 2);

    scene_answer(7, 3);
    struct reply first = client_answer(one), second = client_answer(two);
    cr_expect_eq(first.status, 200);
    cr_expect_not_null(strstr(first.body, "\"related_articles\":[{\"id\":20,"));
    cr_expect_eq(second.status, 200);
    cr_expect_str_eq(second.body, first.body);
    cr_expect_str_eq(client_answer(three).body, first.body);
    cr_expect_eq(fake_db_nwaiting(), 0);
}

Test(lookup, is_not_joined_by_a_request_for_another_article)
{
    scene_looks_up(one, "/articles/7");
    scene_looks_up(two, "/articles/8");
    scene_answer(7, 3);
    scene_answer(8, 4);
    cr_expect_eq(scene_version(one), 3);
    cr_expect_eq(scene_version(two), 4);
}

Test(lookup, gives_each_request_the_part_that_it_asked_for)
{
    scene_looks_up(one, "/articles/7");
    client_send(two, "GET /articles/7/related", "");
    cr_assert_eq(fake_db_nwaiting(), 2);
    scene_answer(7, 3);

    struct reply whole = client_answer(one), list = client_answer(two);
    cr_expect_eq(strncmp(whole.body, "{\"article\":{\"id\":7,", 19), 0, "%s", whole.body);
    cr_expect_eq(strncmp(list.body, "{\"related_articles\":[{\"id\":20,", 30), 0, "%s", list.body);
    cr_expect_not_null(strstr(list.body, "{\"id\":21,"));
    cr_expect_null(strstr(list.body, "harbour-opens"), "%s", list.body);
    cr_expect_str_neq(list.etag, whole.etag);
}

Test(lookup, continues_when_any_of_many_clients_leaves)
{
    scene_looks_up(one, "/articles/7");
    client_send(two, "GET /articles/7", "");
    client_send(three, "GET /articles/7", "");
    client_leave(two);
    client_leave(one);
    cr_assert_eq(fake_db_nwaiting(), 2);
    scene_answer(7, 3);
    cr_expect_eq(scene_version(three), 3);
    cr_expect_eq(fake_db_ncancelled(), 0);
}

struct failure {
    enum db_error error;
    int want;
};

ParameterizedTestParameters(lookup, reports_a_failure_to_all_requests)
{
    static struct failure cases[] = {
        {DB_UNAVAILABLE, 503}, {DB_BUSY, 503}, {DB_FAILED, 503}, {DB_TIMEOUT, 504}};
    return cr_make_param_array(struct failure, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct failure *c, lookup, reports_a_failure_to_all_requests)
{
    scene_looks_up(one, "/articles/7");
    client_send(two, "GET /articles/7", "");
    client_send(three, "GET /articles/7/related", "");
    fake_db_fail(fake_db_waiting(DB_ARTICLE_BY_ID), c->error, "broken");
    cr_expect_eq(client_answer(one).status, c->want);
    cr_expect_eq(client_answer(two).status, c->want);
    cr_expect_eq(client_answer(three).status, c->want);
    cr_expect_eq(fake_db_nwaiting(), 0, "nobody waits for the list when the article failed");
    scene_looks_up(one, "/articles/7"); /* a failure is not kept */
}

Test(lookup, reports_a_failed_list_in_the_way_that_each_part_needs)
{
    scene_looks_up(one, "/articles/7");
    client_send(two, "GET /articles/7/related", "");
    fake_db_fail(fake_db_waiting(DB_RELATED_BY_ID), DB_TIMEOUT, NULL);
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_version(7, 3, 100));
    struct reply whole = client_answer(one);
    cr_expect_eq(whole.status, 200);
    cr_expect_not_null(strstr(whole.head, "related-status: timeout\r\n"));
    cr_expect_eq(client_answer(two).status, 504);
}

Test(lookup, answers_404_to_all_requests_when_the_article_does_not_exist)
{
    scene_looks_up(one, "/articles/7");
    client_send(two, "GET /articles/7/related", "");
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_no_rows());
    cr_expect_eq(client_answer(one).status, 404);
    cr_expect_eq(client_answer(two).status, 404);
}

/* ---- without clients, because libh2o notices that a client has left only when it answers */

static struct lookup_waiter first, second;
static unsigned ndone;

static void wait_for(struct lookup_waiter *waiter, enum article_part part,
                     lookup_waiter_done_fn *done)
{
    struct answer_key key = article_key(7);
    lookup_wait_start(waiter, client_service(), &article_resource, &key, 7, part, done);
}

static void on_never(struct lookup_waiter *waiter, const struct lookup_result *result)
{
    (void)waiter;
    (void)result;
    cr_expect_fail("it was cancelled");
}

Test(lookup, is_cancelled_when_the_last_waiter_is_cancelled)
{
    wait_for(&first, ARTICLE_WHOLE, on_never);
    wait_for(&second, ARTICLE_RELATED, on_never);
    lookup_wait_cancel(&first);
    cr_assert_eq(fake_db_nwaiting(), 2, "the other one still waits");
    lookup_wait_cancel(&first); /* allowed in any state */
    lookup_wait_cancel(&second);
    cr_assert_eq(fake_db_nwaiting(), 0);
    cr_expect_eq(fake_db_ncancelled(), 2);

    scene_looks_up(one, "/articles/7");
    scene_answer(7, 3);
    cr_expect_eq(scene_version(one), 3);
}

Test(lookup, is_cancelled_when_half_of_it_has_arrived)
{
    wait_for(&first, ARTICLE_WHOLE, on_never);
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_version(7, 3, 100));
    lookup_wait_cancel(&first);
    cr_expect_eq(fake_db_nwaiting(), 0);
    cr_expect_eq(fake_db_ncancelled(), 1);
}

Test(lookup, is_cancelled_alone_when_a_newer_one_is_under_way)
{
    wait_for(&first, ARTICLE_WHOLE, on_never);
    scene_article_changed(7);
    scene_looks_up(one, "/articles/7");
    lookup_wait_cancel(&first);
    cr_assert_eq(fake_db_nwaiting(), 2);
    client_send(two, "GET /articles/7", "");
    cr_assert_eq(fake_db_nwaiting(), 2, "the newer one can still be joined");
    scene_answer(7, 4);
    cr_expect_eq(scene_version(one), 4);
    cr_expect_eq(scene_version(two), 4);
}

static void on_first(struct lookup_waiter *waiter, const struct lookup_result *result)
{
    cr_expect_eq(waiter, &first);
    cr_expect_not_null(result->answer);
    ndone++;
    lookup_wait_cancel(&first);
    lookup_wait_cancel(&second);
}

Test(lookup, ends_although_its_last_waiters_are_cancelled_meanwhile)
{
    wait_for(&first, ARTICLE_WHOLE, on_first);
    wait_for(&second, ARTICLE_WHOLE, on_never);
    scene_answer(7, 3);
    cr_expect_eq(ndone, 1);
    lookup_wait_cancel(&second); /* allowed in any state */
}

static void on_again(struct lookup_waiter *waiter, const struct lookup_result *result)
{
    (void)result;
    if (++ndone == 1)
        wait_for(waiter, ARTICLE_WHOLE, on_again);
}

Test(lookup, is_not_joined_by_a_waiter_that_asks_again_while_it_ends)
{
    wait_for(&first, ARTICLE_WHOLE, on_again);
    scene_answer(7, 3);
    cr_assert_eq(ndone, 1);
    cr_assert_eq(fake_db_nwaiting(), 2, "it has a look-up of its own");
    scene_answer(7, 4);
    cr_expect_eq(ndone, 2);
}

Test(lookup, ends_with_the_cache_and_calls_nobody_back)
{
    wait_for(&first, ARTICLE_WHOLE, on_never);
    wait_for(&second, ARTICLE_RELATED, on_never);
    answer_cache_finish(answers);
    cr_expect_eq(fake_db_nwaiting(), 0);
    lookup_wait_cancel(&first);
    lookup_wait_cancel(&second);
    answer_cache_init(answers, ON, 1000);
}
