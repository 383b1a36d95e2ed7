/* Answers in the cache: when they are shown again without a query, and when they are not. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "base/clock.h"
#include "base/entity.h"
#include "handlers/article.h"
#include "tests/handler/scene.h"

enum { CACHE_BYTES = 1000 * 1000, SECOND_US = 1000 * 1000 };

static struct client *one, *two;
static struct answer_cache *answers;

static void connect_two(void)
{
    one = client_connect();
    two = client_connect();
    answers = scene_cache(CACHE_BYTES);
}

TestSuite(answers_kept, .init = connect_two, .timeout = 20);

static void keep_7(void)
{
    scene_looks_up(one, "/articles/7");
    scene_answer(7, 3);
    scene_version(one);
}

static void confirm_at(uint64_t at_us)
{
    answer_cache_on_news(answers,
                         &(struct db_change_feed_news){.confirmed_at_us = at_us, .server = ""});
}

Test(answers_kept, are_shown_again_without_a_query)
{
    scene_looks_up(one, "/articles/7");
    scene_answer(7, 3);
    struct reply first = client_answer(one);
    for (int i = 0; i < 3; i++) {
        struct reply again = scene_kept(two, "/articles/7", "");
        cr_expect_eq(again.status, 200);
        cr_expect_str_eq(again.body, first.body);
        cr_expect_str_eq(again.etag, first.etag);
        cr_expect_not_null(strstr(again.head, "related-status: ok\r\n"));
        cr_expect_not_null(strstr(again.head, "content-type: application/json\r\n"));
    }
    cr_expect_eq(counter_get(&answers->stats.hits), 3);
    cr_expect_eq(counter_get(&answers->stats.misses), 1);
    cr_expect_eq(counter_get(&answers->stats.items), 1);
}

Test(answers_kept, do_not_exist_when_the_cache_is_off)
{
    scene_cache(0);
    keep_7();
    scene_looks_up(two, "/articles/7");
}

Test(answers_kept, are_separate_for_each_part)
{
    keep_7();
    scene_looks_up(one, "/articles/7/related");
    scene_answer(7, 3);
    struct reply list = client_answer(one);
    cr_expect_str_eq(scene_kept(two, "/articles/7/related", "").body, list.body);
    cr_expect_eq(strncmp(scene_kept(two, "/articles/7", "").body, "{\"article\":", 11), 0);
}

Test(answers_kept, have_both_parts_of_one_look_up)
{
    scene_looks_up(one, "/articles/7");
    client_send(two, "GET /articles/7/related", "");
    scene_answer(7, 3);
    client_answer(one);
    client_answer(two);
    scene_kept(one, "/articles/7", "");
    scene_kept(two, "/articles/7/related", "");
    cr_expect_eq(counter_get(&answers->stats.items), 2);
}

Test(answers_kept, are_not_shown_before_the_first_news)
{
    answer_cache_init(answers, CACHE_BYTES, 60 * 1000);
    keep_7();
    scene_looks_up(two, "/articles/7");
}

Test(answers_kept, are_not_shown_when_the_last_news_is_older_than_max_stale)
{
    answer_cache_init(answers, CACHE_BYTES, 100);
    confirm_at(clock_us() - 200 * 1000);
    keep_7();
    scene_looks_up(two, "/articles/7");
    scene_answer(7, 3);
    scene_version(two);

    confirm_at(clock_us() + 60 * SECOND_US);
    scene_kept(two, "/articles/7", ""); /* the cache had it all the time */
}

struct change {
    int64_t id;
    enum entity_kind kind;
    bool drops;
};

ParameterizedTestParameters(answers_kept,
                            are_dropped_by_a_change_of_an_entity_that_they_show_and_by_no_other)
{
    static struct change cases[] = {
        {7, ENTITY_ARTICLE, true},
        {SCENE_CARD, ENTITY_ARTICLE, true},
        {SCENE_CARD + 1, ENTITY_ARTICLE, true},
        {FAKE_SECTION, ENTITY_SECTION, true},
        {FAKE_AUTHOR, ENTITY_AUTHOR, true},
        {FAKE_TAG, ENTITY_TAG, true},
        {SCENE_CARD + 2, ENTITY_ARTICLE, false},
        {6, ENTITY_ARTICLE, false},
        {FAKE_SECTION, ENTITY_ARTICLE, false},
        {7, ENTITY_SECTION, false},
        {FAKE_SECTION, ENTITY_SECTION_LISTING, false},
        {0, ENTITY_ALL_LISTINGS, false},
        {0, ENTITY_LISTING, false},
    };
    return cr_make_param_array(struct change, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct change *c, answers_kept,
                  are_dropped_by_a_change_of_an_entity_that_they_show_and_by_no_other)
{
    keep_7();
    scene_looks_up(one, "/articles/7/related");
    scene_answer(7, 3);
    client_answer(one);

    scene_entity_changed(entity_key(c->kind, c->id));
    cr_expect_eq(counter_get(&answers->stats.dropped), c->drops ? 2 : 0);
    if (!c->drops) {
        scene_kept(one, "/articles/7", "");
        scene_kept(two, "/articles/7/related", "");
        return;
    }
    scene_looks_up(one, "/articles/7");
    client_send(two, "GET /articles/7/related", "");
    scene_answer(7, 4);
    cr_expect_eq(scene_version(one), 4);
    cr_expect_eq(client_answer(two).status, 200);
}

Test(answers_kept, are_dropped_by_a_change_of_everything)
{
    keep_7();
    scene_everything_changed();
    cr_expect_eq(counter_get(&answers->stats.items), 0);
    cr_expect_eq(counter_get(&answers->stats.dropped), 1);
    scene_looks_up(two, "/articles/7");
}

Test(answers_kept, do_not_include_an_article_without_its_list)
{
    scene_looks_up(one, "/articles/7");
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_version(7, 3, 100));
    fake_db_fail(fake_db_waiting(DB_RELATED_BY_ID), DB_TIMEOUT, NULL);
    scene_version(one);
    cr_expect_eq(counter_get(&answers->stats.items), 0);
    scene_looks_up(two, "/articles/7");
}

Test(answers_kept, include_an_article_that_has_no_cards)
{
    scene_looks_up(one, "/articles/7");
    fake_db_answer(fake_db_waiting(DB_RELATED_BY_ID), fake_cards(7, 0, 0));
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_version(7, 3, 100));
    scene_version(one);
    cr_expect_not_null(strstr(scene_kept(two, "/articles/7", "").body, "\"related_articles\":[]}"));
    scene_article_changed(7);
    scene_looks_up(two, "/articles/7");
}

/* ---- articles that do not exist */

struct absent {
    char status[16]; /* of the article; "" for none */
    int want;
};

ParameterizedTestParameters(answers_kept, include_the_absence_of_an_article_for_ten_seconds)
{
    static struct absent cases[] = {{"", 404}, {"draft", 404}, {"withdrawn", 410}};
    return cr_make_param_array(struct absent, cases, sizeof(cases) / sizeof(cases[0]));
}

static void keep_absent(const struct absent *c)
{
    scene_looks_up(one, "/articles/7");
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID),
                   c->status[0] != '\0' ? fake_article(7, c->status) : fake_no_rows());
    cr_assert_eq(client_answer(one).status, c->want);
}

ParameterizedTest(struct absent *c, answers_kept, include_the_absence_of_an_article_for_ten_seconds)
{
    uint64_t before_us = clock_us();
    keep_absent(c);
    uint64_t after_us = clock_us();
    struct reply again = scene_kept(two, "/articles/7", "");
    cr_expect_eq(again.status, c->want);
    cr_expect_not_null(strstr(again.head, "content-type: application/problem+json\r\n"));

    confirm_at(after_us + 60 * SECOND_US);
    struct answer_key key = article_key(7);
    cr_assert_not_null(answer_cache_find(answers, &key, before_us + 10 * SECOND_US - 1));
    cr_expect_null(answer_cache_find(answers, &key, after_us + 10 * SECOND_US));

    answer_cache_find(answers, &key, after_us)->stale_at_us = clock_us();
    scene_looks_up(one, "/articles/7");
    scene_answer(7, 4);
    cr_expect_eq(scene_version(one), 4);
    cr_expect_eq(strncmp(scene_kept(two, "/articles/7", "").body, "{\"article\":", 11), 0);
}

ParameterizedTestParameters(answers_kept, include_the_absence_of_an_article_until_it_appears)
{
    static struct absent cases[] = {{"", 404}, {"draft", 404}, {"withdrawn", 410}};
    return cr_make_param_array(struct absent, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct absent *c, answers_kept,
                  include_the_absence_of_an_article_until_it_appears)
{
    keep_absent(c);
    scene_article_changed(8);
    cr_expect_eq(scene_kept(two, "/articles/7", "").status, c->want);
    scene_article_changed(7);
    scene_looks_up(one, "/articles/7");
    scene_answer(7, 1);
    cr_expect_eq(scene_version(one), 1);
}

Test(answers_kept, do_not_include_the_absence_of_an_article_that_appeared_meanwhile)
{
    scene_looks_up(one, "/articles/7");
    scene_article_changed(7);
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_no_rows());
    cr_expect_eq(client_answer(one).status, 404);
    scene_looks_up(two, "/articles/7");
}

/* ---- while changes may go unreported */

Test(answers_kept, do_not_exist_while_changes_may_go_unreported)
{
    keep_7();
    scene_changes_unreliable("a trigger is missing");
    cr_expect_eq(counter_get(&answers->stats.items), 0);
    scene_looks_up(one, "/articles/7");
    scene_answer(7, 4);
    cr_expect_eq(scene_version(one), 4);
    cr_expect_eq(counter_get(&answers->stats.items), 0);
    scene_looks_up(two, "/articles/7");
}

Test(answers_kept, do_not_include_an_answer_looked_up_while_changes_went_unreported)
{
    scene_changes_unreliable("a trigger is missing");
    scene_looks_up(one, "/articles/7");
    scene_changes_unreliable(NULL);
    scene_answer(7, 3);
    scene_version(one);
    cr_expect_eq(counter_get(&answers->stats.items), 0);
    scene_looks_up(two, "/articles/7");
    scene_answer(7, 4);
    scene_version(two);
    scene_kept(one, "/articles/7", "");
}

Test(answers_kept, are_shown_but_no_more_are_kept_while_the_change_feed_is_lost)
{
    keep_7();
    answer_cache_on_lost(answers);
    scene_kept(one, "/articles/7", "");
    scene_looks_up(one, "/articles/8");
    scene_answer(8, 3);
    scene_version(one);
    scene_looks_up(one, "/articles/8");
    scene_answer(8, 3);
    scene_version(one);
    confirm_at(clock_us());
    scene_looks_up(one, "/articles/8");
    scene_answer(8, 3);
    scene_version(one);
    scene_kept(one, "/articles/8", "");
}

Test(answers_kept, do_not_include_an_answer_from_another_server)
{
    keep_7();
    scene_looks_up(two, "/articles/8");
    answer_cache_drop_all(answers);
    scene_answer(8, 3);
    scene_version(two);
    cr_expect_eq(counter_get(&answers->stats.items), 0);
    scene_looks_up(one, "/articles/7");
}
