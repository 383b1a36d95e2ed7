/* The articles that are kept with a term. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "related/postings.h"

TestSuite(postings, .timeout = 60);

static struct posting posting(int64_t article, float impact, int64_t published_us)
{
    return (struct posting){.article = article, .impact = impact, .published_us = published_us};
}

static bool has(const struct postings *postings, int64_t article)
{
    for (unsigned i = 0; i < postings->n; i++) {
        if (postings->posting[i].article == article)
            return true;
    }
    return false;
}

Test(postings, keep_the_heaviest_and_of_the_others_the_latest)
{
    enum { N = 200 };
    struct postings postings = {0};

    for (int i = 1; i <= N; i++) /* the first articles are heavy, the last ones late */
        postings_add(&postings, posting(i, (float)(N - i), i));
    cr_assert_eq(postings.n, POSTINGS_MAX);
    for (int i = 1; i <= POSTINGS_HEAVIEST; i++)
        cr_expect(has(&postings, i), "the heavy %d", i);
    for (int i = N - POSTINGS_LATEST + 1; i <= N; i++)
        cr_expect(has(&postings, i), "the late %d", i);
    cr_expect_not(postings_add(&postings, posting(N + 1, 0, 1)), "neither heavy nor late");
    cr_expect(postings_add(&postings, posting(N + 2, 0, N + 1)), "late");
    cr_expect(postings_add(&postings, posting(N + 3, N, 0)), "heavy");
    cr_expect_eq(postings.n, POSTINGS_MAX);
    postings_finish(&postings);
}

static int by_chance(const void *a, const void *b)
{
    (void)a;
    (void)b;
    return rand() % 2 == 0 ? -1 : 1;
}

Test(postings, do_not_depend_on_the_order_in_which_the_articles_come)
{
    enum { N = 100, ROUNDS = 200 };
    struct posting list[N];
    struct postings first = {0};

    srand(1);
    for (int i = 0; i < N; i++)
        list[i] = posting(i + 1, (float)(rand() % 20), rand() % 20);
    for (int round = 0; round < ROUNDS; round++) {
        struct postings postings = {0};
        qsort(list, N, sizeof(list[0]), by_chance);
        for (int i = 0; i < N; i++)
            postings_add(&postings, list[i]);
        if (round == 0)
            first = postings;
        cr_assert_eq(postings.n, first.n);
        for (unsigned i = 0; i < first.n; i++)
            cr_assert_eq(postings.posting[i].article, first.posting[i].article, "place %u", i);
        if (round > 0)
            postings_finish(&postings);
    }
    postings_finish(&first);
}

Test(postings, lose_an_article_that_is_removed_and_stay_in_order)
{
    struct postings postings = {0};

    for (int i = 1; i <= 100; i++)
        postings_add(&postings, posting(i, (float)(i * 37 % 101), i * 53 % 103));
    while (postings.n > 0) {
        unsigned heaviest = postings.n < POSTINGS_HEAVIEST ? postings.n : POSTINGS_HEAVIEST;
        for (unsigned i = 1; i < heaviest; i++)
            cr_assert_geq(postings.posting[i - 1].impact, postings.posting[i].impact);
        for (unsigned i = POSTINGS_HEAVIEST + 1; i < postings.n; i++)
            cr_assert_geq(postings.posting[i - 1].published_us, postings.posting[i].published_us);
        int64_t article = postings.posting[postings.n / 2].article;
        unsigned before = postings.n;
        cr_assert(postings_remove(&postings, article));
        cr_assert_not(has(&postings, article));
        cr_assert_not(postings_remove(&postings, article));
        cr_assert_eq(postings.n, before - 1);
    }
    postings_finish(&postings);
}
