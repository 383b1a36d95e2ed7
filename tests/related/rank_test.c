/* Scores, and the choice of the cards. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "related/rank.h"

TestSuite(rank, .timeout = 60);

static const int64_t day_us = INT64_C(86400000000);

/* An article with these words, all of the same weight. */
static struct vector words_of(const char *letters)
{
    struct vector vector = {0};
    for (int c = 'a'; c <= 'z'; c++) {
        if (strchr(letters, c) != NULL) {
            vector.term[vector.n] = (uint32_t)(c - 'a') * 4;
            vector.weight[vector.n++] = 1;
        }
    }
    return vector;
}

static struct profile profile_of(int64_t id, double day)
{
    return (struct profile){.id = id,
                            .published_us = (int64_t)(day * (double)day_us),
                            .section_id = 1,
                            .title_hash = (uint64_t)id,
                            .self = 10,
                            .language = "en"};
}

static const float idf[] = {[0 ... VECTOR_MAX_TERMS - 1] = 1};

static float score_of(struct profile article, struct profile other)
{
    const struct vector vector = words_of("abcde");
    struct query query;
    query_make(&query, &vector, idf);
    return rank_score(&query, &article, &vector, &other).total;
}

Test(rank, prefers_near_days_and_earlier_articles)
{
    struct profile article = profile_of(1, 1000);
    cr_expect_gt(score_of(article, profile_of(2, 999)), score_of(article, profile_of(2, 990)));
    cr_expect_gt(score_of(article, profile_of(2, 990)), score_of(article, profile_of(2, 100)));
    cr_expect_gt(score_of(article, profile_of(2, 990)), score_of(article, profile_of(2, 1010)));
    cr_expect_gt(score_of(article, profile_of(2, 1001)), score_of(article, profile_of(2, -2000)),
                 "old articles stay reachable, but not before new ones that are as near");
    cr_expect_gt(score_of(article, profile_of(2, -20000)), 0);
}

Test(rank, prefers_the_section_the_language_and_articles_that_are_not_near_to_everything)
{
    struct profile article = profile_of(1, 0), other = profile_of(2, 0), section = other,
                   language = other, broad = other;
    section.section_id = 2;
    strcpy(language.language, "de");
    broad.self = 100;
    cr_expect_gt(score_of(article, other), score_of(article, section));
    cr_expect_gt(score_of(article, other), score_of(article, broad));
    cr_expect_gt(score_of(article, broad), score_of(article, language));
}

Test(rank, candidates_are_the_highest_sums_and_the_later_article_among_equals)
{
    struct candidates candidates;
    int64_t best[RANK_FINALISTS];

    candidates_init(&candidates);
    for (int round = 0; round < 2; round++) {
        candidates_clear(&candidates);
        for (int64_t i = 1; i <= 3000; i++) {
            candidates_add(&candidates, i, 1);
            candidates_add(&candidates, i, i <= 10 ? 1 : 0);
        }
        cr_assert_eq(candidates_best(&candidates, RANK_FINALISTS, best), RANK_FINALISTS);
        for (int i = 0; i < 10; i++)
            cr_expect_eq(best[i], 10 - i);
        for (int i = 10; i < RANK_FINALISTS; i++)
            cr_expect_eq(best[i], 3010 - i);
    }
    candidates_clear(&candidates);
    cr_expect_eq(candidates_best(&candidates, RANK_FINALISTS, best), 0);
    candidates_finish(&candidates);
}

Test(rank, candidates_beyond_the_bound_are_ignored)
{
    struct candidates candidates;
    int64_t best[RANK_FINALISTS];

    candidates_init(&candidates);
    for (int64_t i = 1; i <= 100000; i++)
        candidates_add(&candidates, i, (float)i);
    cr_expect_eq(candidates_best(&candidates, RANK_FINALISTS, best), RANK_FINALISTS);
    candidates_finish(&candidates);
}

/* ---- the choice: finalists of an article with the words a to j, on day 100 */

struct choice {
    struct rank_stories stories;
    const char *same; /* the same story: pairs of ids as digits; 0 is the article */
    const struct finalist *finalists;
    unsigned nasked;
};

static char digit(const struct choice *choice, int index)
{
    return (char)('0' + (index < 0 ? 0 : (int)choice->finalists[index].profile->id));
}

static bool are_same(struct rank_stories *stories, int one, int other)
{
    struct choice *choice = (struct choice *)stories;
    char a = digit(choice, one), b = digit(choice, other);

    choice->nasked++;
    for (const char *pair = choice->same; *pair != '\0'; pair += 2) {
        if ((pair[0] == a && pair[1] == b) || (pair[0] == b && pair[1] == a))
            return true;
    }
    return false;
}

struct other {
    const char *words;
    double day;
};

/* The ids of the cards as digits; the first of `others` has id 1. */
static const char *choose(const struct other *others, unsigned n, const char *same,
                          unsigned *ret_nasked)
{
    static char ids[RANK_CARDS + 1];
    struct vector own = words_of("abcdefghij"), vectors[RANK_FINALISTS];
    struct profile article = profile_of(0, 100), profiles[RANK_FINALISTS];
    struct finalist finalists[RANK_FINALISTS];
    struct query query;
    unsigned cards[RANK_CARDS];
    struct choice choice = {.stories = {are_same}, .same = same, .finalists = finalists};

    query_make(&query, &own, idf);
    for (unsigned i = 0; i < n; i++) {
        vectors[i] = words_of(others[i].words);
        profiles[i] = profile_of(i + 1, others[i].day);
        finalists[i] = (struct finalist){&vectors[i], &profiles[i],
                                         rank_score(&query, &article, &vectors[i], &profiles[i])};
    }
    unsigned ncards = rank_choose(&query, &article, finalists, n, &choice.stories, cards);
    for (unsigned i = 0; i < ncards; i++)
        ids[i] = (char)('0' + finalists[cards[i]].profile->id);
    ids[ncards] = '\0';
    if (ret_nasked != NULL)
        *ret_nasked = choice.nasked;
    return ids;
}

Test(rank, chooses_six_at_most_best_first)
{
    const struct other others[] = {{"ab", 99},     {"abc", 99},     {"abcd", 99},     {"abcde", 99},
                                   {"abcdef", 99}, {"abcdefg", 99}, {"abcdefgh", 99}, {"a", 99}};
    cr_expect_str_eq(choose(others, 8, "", NULL), "765432");
}

Test(rank, leaves_out_articles_that_share_too_little)
{
    const struct other others[] = {{"abc", 99}, {"xyz", 99}, {"", 99}};
    cr_expect_str_eq(choose(others, 3, "", NULL), "1");
}

Test(rank, leaves_out_the_same_story_as_the_article)
{
    const struct other others[] = {{"abcdefghij", 100}, {"abcdefg", 99}};
    cr_expect_str_eq(choose(others, 2, "01", NULL), "2");
}

Test(rank, shows_the_newest_of_several_versions_in_the_place_of_the_best)
{
    const struct other others[] = {{"abcdefg", 90}, {"abcdef", 95}, {"abcde", 92}, {"ab", 99}};
    cr_expect_str_eq(choose(others, 4, "121323", NULL), "24");
}

Test(rank, asks_for_texts_only_where_the_terms_are_much_alike)
{
    const struct other others[] = {{"abkl", 99}, {"cdmn", 99}, {"efop", 99}};
    unsigned nasked;
    cr_expect_str_eq(choose(others, 3, "", &nasked), "321");
    cr_expect_eq(nasked, 3,
                 "each shares half of its terms with the article, and none with another card: %u",
                 nasked);
}

Test(rank, of_no_finalists_is_an_empty_list)
{
    cr_expect_str_eq(choose(NULL, 0, "", NULL), "");
}

Test(rank, knows_the_score_of_an_article_on_the_list_of_its_candidate)
{
    const struct vector vector = words_of("abcde");
    struct profile article = profile_of(1, 5), candidate = profile_of(2, 0), far = candidate;
    struct query query;
    query_make(&query, &vector, idf);
    struct score score = rank_score(&query, &article, &vector, &candidate);
    struct score other = rank_score(&query, &candidate, &vector, &article);
    cr_expect_float_eq(rank_back_score(&score, &article, &candidate), other.total, 1e-6);
    cr_expect_lt(other.total, score.total, "a later article counts less");
    far.self = 1e6F;
    score = rank_score(&query, &article, &vector, &far);
    cr_expect_eq(rank_back_score(&score, &article, &far), 0, "not near enough for that list");
}
