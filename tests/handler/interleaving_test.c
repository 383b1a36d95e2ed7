/* No order of a change and a look-up leaves an old answer in memory. Each order that
 * server/lookup.c lists has a test here. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "base/clock.h"
#include "tests/handler/scene.h"

enum { CACHE_BYTES = 1000 * 1000 };

static struct client *one, *two, *three;
static struct answer_cache *answers;

static void connect_three(void)
{
    one = client_connect();
    two = client_connect();
    three = client_connect();
    answers = scene_cache(CACHE_BYTES);
}

TestSuite(interleaving, .init = connect_three, .timeout = 20);

Test(interleaving, a_look_up_that_begins_after_the_news_is_kept)
{
    scene_article_changed(7);
    scene_looks_up(one, "/articles/7");
    scene_answer(7, 3);
    cr_expect_eq(scene_version(one), 3);
    scene_kept(two, "/articles/7", "");
}

struct news {
    int64_t id; /* 0: everything */
};

static void change(int64_t id)
{
    if (id == 0)
        scene_everything_changed();
    else
        scene_article_changed(id);
}

ParameterizedTestParameters(interleaving,
                            a_look_up_with_news_before_its_end_is_answered_but_not_kept)
{
    static struct news cases[] = {{7}, {SCENE_CARD}, {SCENE_CARD + 1}, {0}};
    return cr_make_param_array(struct news, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct news *c, interleaving,
                  a_look_up_with_news_before_its_end_is_answered_but_not_kept)
{
    scene_looks_up(one, "/articles/7");
    client_send(two, "GET /articles/7", "");
    change(c->id);
    scene_looks_up(three, "/articles/7"); /* a new request does not join */

    scene_answer(7, 3);
    cr_expect_eq(scene_version(one), 3);
    cr_expect_eq(scene_version(two), 3);
    cr_assert(!client_has_answer(three));
    cr_expect_eq(counter_get(&answers->stats.items), 0, "the first look-up is not kept");

    client_send(one, "GET /articles/7", ""); /* a request before the end of both joins the second */
    cr_assert_eq(fake_db_nwaiting(), 2);
    scene_answer(7, 4);
    cr_expect_eq(scene_version(three), 4);
    cr_expect_eq(scene_version(one), 4);
    cr_expect_eq(strncmp(scene_kept(two, "/articles/7", "").body, "{\"article\":", 11), 0);
    cr_expect_eq(counter_get(&answers->stats.items), 1);
}

ParameterizedTestParameters(interleaving, the_first_look_up_never_replaces_the_answer_of_the_second)
{
    static struct news cases[] = {{7}, {SCENE_CARD}, {SCENE_CARD + 1}, {0}};
    return cr_make_param_array(struct news, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct news *c, interleaving,
                  the_first_look_up_never_replaces_the_answer_of_the_second)
{
    scene_looks_up(one, "/articles/7");
    change(c->id);
    scene_looks_up(two, "/articles/7");
    scene_answer_newest(7, 4);
    scene_answer(7, 3);
    cr_expect_eq(scene_version(one), 3);
    cr_expect_eq(scene_version(two), 4);
    client_send(three, "GET /articles/7", "");
    cr_assert_eq(fake_db_nwaiting(), 0, "the second is kept");
    cr_expect_eq(scene_version(three), 4);
}

Test(interleaving, a_look_up_with_news_of_another_article_before_its_end_is_kept)
{
    scene_looks_up(one, "/articles/7");
    scene_article_changed(8);
    scene_answer(7, 3);
    scene_version(one);
    scene_kept(two, "/articles/7", "");
}

ParameterizedTestParameters(interleaving,
                            an_answer_with_news_after_the_end_of_its_look_up_is_dropped)
{
    static struct news cases[] = {{7}, {SCENE_CARD}, {SCENE_CARD + 1}, {0}};
    return cr_make_param_array(struct news, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct news *c, interleaving,
                  an_answer_with_news_after_the_end_of_its_look_up_is_dropped)
{
    scene_looks_up(one, "/articles/7");
    scene_answer(7, 3);
    scene_version(one);
    scene_kept(two, "/articles/7", "");
    change(c->id);
    scene_looks_up(two, "/articles/7");
    scene_answer(7, 4);
    cr_expect_eq(scene_version(two), 4);
    client_send(three, "GET /articles/7", "");
    cr_expect_eq(scene_version(three), 4);
}

/* There was no news, and more than max_stale has passed since the look-up began. */
Test(interleaving, a_look_up_without_news_is_not_joined_after_max_stale)
{
    answer_cache_init(answers, CACHE_BYTES, 1);
    scene_looks_up(one, "/articles/7");
    for (uint64_t began_us = clock_us(); clock_us() - began_us <= answers->max_stale_us;)
        ;
    scene_looks_up(two, "/articles/7");
    scene_answer_newest(7, 4);
    scene_answer(7, 3);
    cr_expect_eq(scene_version(one), 3);
    cr_expect_eq(scene_version(two), 4);
}

Test(interleaving,
     a_look_up_without_news_is_joined_before_max_stale_and_its_answer_is_not_shown_afterwards)
{
    answer_cache_init(answers, CACHE_BYTES, 60 * 1000);
    scene_looks_up(one, "/articles/7");
    client_send(two, "GET /articles/7", "");
    cr_assert_eq(fake_db_nwaiting(), 2);
    scene_answer(7, 3);
    cr_expect_eq(scene_version(one), 3);
    cr_expect_eq(scene_version(two), 3);
    scene_looks_up(three, "/articles/7");
}
