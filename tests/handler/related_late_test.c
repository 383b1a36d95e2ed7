/* The related list has a lower priority than the article. The article waits for the list for a
 * limited time. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/handler/scene.h"
#include "tests/support/wait.h"

enum { CACHE_BYTES = 1000 * 1000, NEVER_MS = 600 * 1000, ALL_MS = 20 * 1000 };

static struct client *one, *two;
static struct answer_cache *answers;
static struct service *service;

static void connect_two(void)
{
    one = client_connect();
    two = client_connect();
    answers = scene_cache(CACHE_BYTES);
    service = client_service();
    service->related_ms = 1;
}

TestSuite(related_late, .init = connect_two, .timeout = 60);

static void answer_article(int version)
{
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID),
                   fake_version(7, version, SCENE_ARTICLE_BYTES));
}

static void answer_list(void)
{
    fake_db_answer(fake_db_waiting(DB_RELATED_BY_ID), fake_cards(7, SCENE_CARD, 2));
}

static void expect_without_list(struct client *client)
{
    struct reply reply = client_answer(client);
    cr_assert_eq(reply.status, 200);
    cr_expect_not_null(strstr(reply.head, "related-status: timeout\r\n"), "%s", reply.head);
    cr_expect_not_null(strstr(reply.head, "cache-control: max-age=1\r\n"), "%s", reply.head);
    cr_expect_not_null(strstr(reply.body, "\"version\":3},\"related_articles\":[]}"), "%s",
                       reply.body);
}

static void expect_with_list(const struct reply *reply)
{
    cr_assert_eq(reply->status, 200);
    cr_expect_not_null(strstr(reply->head, "related-status: ok\r\n"), "%s", reply->head);
    cr_expect_null(strstr(reply->head, "cache-control"), "%s", reply->head);
    cr_expect_not_null(strstr(reply->body, "\"version\":3},\"related_articles\":[{\"id\":20,"),
                       "%s", reply->body);
}

/* Returns after the timer has answered all waiting requests: both clients have their answers. */
static void both_get_the_article_without_its_list(void)
{
    scene_looks_up(one, "/articles/7");
    client_send(two, "GET /articles/7", "");
    answer_article(3);
    expect_without_list(one);
    expect_without_list(two);
}

Test(related_late, does_not_delay_the_article_for_all_waiting_requests)
{
    both_get_the_article_without_its_list();
    cr_expect_eq(fake_db_nwaiting(), 1, "the list is still looked up");
    cr_expect_eq(fake_db_ncancelled(), 0);
}

Test(related_late, delays_the_article_for_the_time_of_the_setting)
{
    service->related_ms = NEVER_MS;
    scene_looks_up(one, "/articles/7");
    answer_article(3);
    cr_expect(!client_has_answer(one));
    answer_list();
    struct reply reply = client_answer(one);
    expect_with_list(&reply);
}

Test(related_late, has_its_time_counted_from_the_moment_the_article_is_available)
{
    scene_looks_up(one, "/articles/7");
    uint64_t start_ms = test_now_ms();
    while (test_now_ms() < start_ms + 20)
        client_turn();
    cr_expect(!client_has_answer(one), "the article is not there yet");
    answer_article(3);
    expect_without_list(one);
}

Test(related_late, is_kept_with_the_article_when_it_comes)
{
    both_get_the_article_without_its_list();
    cr_expect_eq(counter_get(&answers->stats.items), 0);
    answer_list();
    cr_expect_eq(counter_get(&answers->stats.items), 1);
    struct reply reply = scene_kept(one, "/articles/7", "");
    expect_with_list(&reply);
}

Test(related_late, is_not_kept_when_its_dependency_has_changed_meanwhile)
{
    both_get_the_article_without_its_list();
    scene_article_changed(SCENE_CARD);
    answer_list();
    cr_expect_eq(counter_get(&answers->stats.items), 0);
    cr_expect_eq(fake_db_nwaiting(), 0);
}

Test(related_late, is_in_the_answer_of_a_later_request_that_joins)
{
    both_get_the_article_without_its_list();
    service->related_ms = NEVER_MS;
    client_send(one, "GET /articles/7", "");
    cr_assert_eq(fake_db_nwaiting(), 1, "it joins");
    cr_expect(!client_has_answer(one));
    answer_list();
    struct reply reply = client_answer(one);
    expect_with_list(&reply);
}

Test(related_late, delays_a_later_request_no_longer_than_the_first)
{
    both_get_the_article_without_its_list();
    client_send(one, "GET /articles/7", "");
    cr_assert_eq(fake_db_nwaiting(), 1, "it joins");
    expect_without_list(one);
}

Test(related_late, may_take_until_the_deadline_when_only_the_list_was_requested)
{
    scene_looks_up(one, "/articles/7");
    client_send(two, "GET /articles/7/related", "");
    answer_article(3);
    expect_without_list(one);
    cr_expect(!client_has_answer(two));
    answer_list();
    struct reply list = client_answer(two);
    cr_expect_eq(list.status, 200);
    cr_expect_eq(strncmp(list.body, "{\"related_articles\":[{\"id\":20,", 30), 0, "%s", list.body);
    cr_expect_eq(counter_get(&answers->stats.items), 2, "both are kept");
}

Test(related_late, ends_the_look_up_when_it_fails)
{
    both_get_the_article_without_its_list();
    fake_db_fail(fake_db_waiting(DB_RELATED_BY_ID), DB_TIMEOUT, NULL);
    cr_expect_eq(counter_get(&answers->stats.items), 0);
    scene_looks_up(one, "/articles/7");
}

Test(related_late, continues_when_its_clients_have_left)
{
    both_get_the_article_without_its_list();
    client_leave(one);
    client_leave(two);
    cr_assert_eq(fake_db_nwaiting(), 1);
    answer_list();
    cr_expect_eq(counter_get(&answers->stats.items), 1);
}

Test(related_late, uses_no_memory_of_the_budget_after_it_is_kept)
{
    both_get_the_article_without_its_list();
    cr_expect_gt(memory_used(&service->process->memory), 0, "the article waits for its list");
    answer_list();
    client_turn();
    cr_expect_eq(memory_used(&service->process->memory), 0);
}

Test(related_late, ends_with_the_cache)
{
    both_get_the_article_without_its_list();
    answer_cache_finish(answers);
    cr_expect_eq(fake_db_nwaiting(), 0);
    cr_expect_eq(memory_used(&service->process->memory), 0);
    answer_cache_init(answers, CACHE_BYTES, 1000);
}
