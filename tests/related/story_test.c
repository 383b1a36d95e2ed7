/* Which texts are the same story. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "related/story.h"
#include "related/words.h"

static struct words *words;
static struct terms terms;
static const int64_t day_us = INT64_C(86400000000);

static void begin(void)
{
    words = words_create();
    terms_init(&terms);
}

static void end(void)
{
    terms_finish(&terms);
    words_destroy(words);
}

TestSuite(story, .init = begin, .fini = end, .timeout = 60);

static struct story story_of(const char *title, const char *body, double day)
{
    static struct story story;
    struct article_source article = {
        .title = {title, strlen(title)}, .body = {body, strlen(body)}, .language = "en"};
    terms_read(&terms, words, &article);
    story_make(&story, &terms, (int64_t)(day * (double)day_us));
    return story;
}

#define FIRST                                                                                      \
    "A fire broke out in the old harbour on Friday night. Forty people left their houses. Nobody " \
    "was hurt, and the "                                                                           \
    "brigade had the fire under control at two in the morning."
#define MORE                                                                                      \
    " The mayor thanked the crews on Saturday and promised help to the families. The cause is "   \
    "not known yet. Police "                                                                      \
    "have asked witnesses to call. The warehouse belonged to a shipping company that closed ten " \
    "years ago. Its "                                                                             \
    "owner had planned to pull it down this summer, and a heritage group had gone to court "      \
    "against the plan."
#define OTHER                                                                                 \
    "Parliament has passed the budget for the coming year after a debate of nine hours. Two " \
    "parties voted against "                                                                  \
    "it. The finance minister said that taxes on fuel would rise in April, and that schools " \
    "would get more money."

Test(story, of_an_update_is_the_same_whenever_it_contains_the_first_version)
{
    struct story first = story_of("Fire in the harbour", FIRST, 0),
                 update = story_of("Cause unknown", FIRST MORE, 40);
    cr_expect(story_is_same(&first, &update));
    cr_expect(story_is_same(&update, &first));
    cr_expect_gt(story_containment(&first, &update), 0.9);
}

Test(story, of_two_different_texts_is_not_the_same_even_under_one_title)
{
    struct story one = story_of("News at noon", FIRST, 0),
                 other = story_of("News at noon", OTHER, 0);
    cr_expect_not(story_is_same(&one, &other));
    cr_expect_lt(story_containment(&one, &other), 0.1);
}

Test(story, under_the_same_title_is_the_same_when_half_of_the_text_agrees)
{
    struct story one = story_of("Harbour fire", FIRST OTHER, 0),
                 other = story_of("Harbour FIRE", FIRST MORE, 1),
                 third = story_of("Another title", FIRST MORE, 1);
    cr_expect(story_is_same(&one, &other) == (story_containment(&one, &other) >= 0.5));
    cr_expect_not(story_is_same(&one, &third));
}

/* The same phrases each week, with other figures. */
static struct story weekly(int week)
{
    char body[2000] = "";
    for (int i = 0; i < 20; i++) {
        char line[100];
        snprintf(line, sizeof(line),
                 "The price of product %d at the market in the city was %d cents per kilo. ", i,
                 100 + i * 7 + week * 13 % 11);
        strcat(body, line);
    }
    return story_of("Market report", body, week * 7.0);
}

Test(story, of_last_weeks_edition_of_a_report_is_another_one)
{
    struct story one = weekly(1), next = weekly(2);
    cr_expect_gt(story_containment(&one, &next), 0.4, "the phrases are the same: %g",
                 (double)story_containment(&one, &next));
    cr_expect_not(story_is_same(&one, &next));
}

Test(story, of_short_texts_counts_their_titles)
{
    struct story one = story_of("Mayor resigns", "Details follow.", 0),
                 other = story_of("Bridge closed", "Details follow.", 0),
                 again = story_of("Mayor resigns", "Details follow.", 0);
    cr_expect_not(story_is_same(&one, &other));
    cr_expect(story_is_same(&one, &again));
}

Test(story, of_an_empty_text_is_the_same_as_no_other)
{
    struct story one = story_of("", "", 0), other = story_of("", "", 0);
    cr_expect_not(story_is_same(&one, &other));
}

/* Of a long text, only a sample of the shingles is kept. The estimate stays near. */
Test(story, of_long_texts_is_compared_by_a_fair_sample)
{
    enum { WORDS = 8000 };
    char *one = malloc(WORDS * 8), *other = malloc(WORDS * 8);
    size_t a = 0, b = 0;
    for (int i = 0; i < WORDS; i++) {
        a += (size_t)sprintf(one + a, "w%d ", i);
        b += (size_t)sprintf(other + b, "%c%d ", i < WORDS * 7 / 10 ? 'w' : 'v', i);
    }
    struct story x = story_of("a", one, 0), y = story_of("b", other, 0);
    cr_expect_eq(x.n, STORY_MAX_SHINGLES);
    cr_expect_float_eq(story_containment(&x, &y), 0.7, 0.08, "%g",
                       (double)story_containment(&x, &y));
    free(one);
    free(other);
}

Test(story, title_hash_ignores_case_and_marks)
{
    struct story one = story_of("Naïve Plans", OTHER, 0), other = story_of("NAIVE plans", OTHER, 0),
                 third = story_of("Other plans", OTHER, 0);
    cr_expect_eq(one.title_hash, other.title_hash);
    cr_expect_neq(one.title_hash, third.title_hash);
}
