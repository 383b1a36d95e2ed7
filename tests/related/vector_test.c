/* The best terms of an article, and the likeness of two articles. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "related/vector.h"

TestSuite(vector, .timeout = 60);

enum { WORD = 4, PAIR = 5, TAG = 6 }; /* the lowest bits are the kind */

Test(vector, idf_is_higher_for_rarer_terms_and_0_for_stop_words)
{
    cr_expect_gt(vector_idf(TERM_WORD, 1, 1000), vector_idf(TERM_WORD, 2, 1000));
    cr_expect_gt(vector_idf(TERM_WORD, 299, 1000), 0);
    cr_expect_eq(vector_idf(TERM_WORD, 301, 1000), 0);
    cr_expect_gt(vector_idf(TERM_WORD, 30, 30), 0, "a small archive has no stop words");
    cr_expect_lt(vector_idf(TERM_WORD, 30, 30), 0.1, "but what all have says little");
    cr_expect_lt(vector_idf(TERM_PAIR, 5, 1000), vector_idf(TERM_WORD, 5, 1000));
    cr_expect_gt(vector_idf(TERM_WORD, 1000, 900), -1, "a count that is too high does no harm");
}

static struct vector vector_of(struct term *list, size_t n, const uint64_t *having)
{
    struct terms terms = {.term = list, .count = n, .length = 100};
    const struct population all = {.articles = 1000, .words = 100000};
    struct vector vector;

    for (size_t i = 0; i < n; i++)
        terms.nwords += term_kind(list[i].term) == TERM_WORD;
    vector_make(&vector, &terms, having, &all, &all);
    return vector;
}

static float weight_of(const struct vector *vector, uint32_t term)
{
    for (unsigned i = 0; i < vector->n; i++) {
        if (vector->term[i] == term)
            return vector->weight[i];
    }
    return 0;
}

Test(vector, weights_grow_with_the_count_and_never_beyond_a_bound)
{
    struct term list[] = {
        {.term = 4, .count = 1}, {.term = 8, .count = 2}, {.term = 12, .count = 60000}};
    const uint64_t having[] = {10, 10, 10};
    struct vector vector = vector_of(list, 3, having);

    cr_expect_lt(weight_of(&vector, 4), weight_of(&vector, 8));
    cr_expect_lt(weight_of(&vector, 8), weight_of(&vector, 12));
    cr_expect_leq(weight_of(&vector, 12), 5);
}

Test(vector, leaves_out_stop_words_and_pairs_with_a_stop_word)
{
    struct term list[] = {{.term = 4, .count = 5},
                          {.term = 8, .count = 5},
                          {.term = 13, .count = 2, .first = 0, .second = 1},
                          {.term = 17, .count = 2, .first = 1, .second = 1}};
    const uint64_t having[] = {500, 10, 10, 10};
    struct vector vector = vector_of(list, 4, having);

    cr_expect_eq(vector.n, 2);
    cr_expect_gt(weight_of(&vector, 8), 0);
    cr_expect_gt(weight_of(&vector, 17), 0);
}

Test(vector, keeps_the_best_terms_of_many_in_ascending_order)
{
    enum { N = 1000 };
    struct term *list = calloc(N, sizeof(*list));
    uint64_t *having = calloc(N, sizeof(*having));

    for (uint32_t i = 0; i < N; i++) {
        list[i] = (struct term){.term = (i * 7919 % N) * 4, .count = 1};
        having[i] = 1 + list[i].term / 16; /* the smaller the term, the rarer */
    }
    struct vector vector = vector_of(list, N, having);
    cr_assert_eq(vector.n, VECTOR_MAX_TERMS);
    for (unsigned i = 0; i < vector.n; i++)
        cr_expect_eq(vector.term[i], 4 * i);
    free(list);
    free(having);
}

Test(vector, likeness_is_the_sum_of_shared_terms_by_kind)
{
    const struct vector own = {.term = {WORD, PAIR, TAG, 8, 12}, .weight = {1, 2, 3, 4, 5}, .n = 5},
                        other = {
                            .term = {WORD, PAIR, TAG, 12, 16}, .weight = {1, 1, 1, 2, 9}, .n = 5};
    const float idf[] = {10, 1, 1, 1, 0.5F};
    struct query query;

    query_make(&query, &own, idf);
    struct likeness likeness = query_compare(&query, &other);
    cr_expect_float_eq(likeness.words, 1 * 10 * 1 + 5 * 0.5 * 2, 1e-5);
    cr_expect_float_eq(likeness.pairs, 2, 1e-5);
    cr_expect_float_eq(likeness.tags, 3, 1e-5);
    cr_expect_eq(likeness.terms, 4);
    cr_expect_float_eq(likeness_sum(query_compare(&query, &own)), query.self, 1e-4);
}

Test(vector, likeness_equals_a_plain_loop_over_all_terms)
{
    srand(1);
    for (int round = 0; round < 300; round++) {
        struct vector one = {0}, other = {0};
        float idf[VECTOR_MAX_TERMS], want = 0;
        struct query query;
        uint32_t a = 0, b = 0;
        for (unsigned i = 0; i < VECTOR_MAX_TERMS; i++) {
            one.term[one.n++] = (a += 1 + (uint32_t)rand() % 3) * 4;
            other.term[other.n++] = (b += 1 + (uint32_t)rand() % 3) * 4;
            one.weight[i] = (float)(rand() % 5);
            other.weight[i] = (float)(rand() % 5);
            idf[i] = (float)(rand() % 5);
        }
        for (unsigned i = 0; i < one.n; i++) {
            for (unsigned k = 0; k < other.n; k++)
                want += one.term[i] == other.term[k] ? one.weight[i] * idf[i] * other.weight[k] : 0;
        }
        query_make(&query, &one, idf);
        cr_expect_float_eq(query_compare(&query, &other).words, want, 0.01);
    }
}

Test(vector, likeness_is_the_sum_of_what_the_shared_terms_add)
{
    const struct vector one = {.term = {4, 9, 14, 20}, .weight = {1, 2, 3, 4}, .n = 4},
                        other = {.term = {4, 8, 9, 14}, .weight = {5, 1, 2, 1}, .n = 4};
    const float idf[] = {1, 2, 3, 4};
    struct query query;
    struct shared_term shared[VECTOR_MAX_TERMS];

    query_make(&query, &one, idf);
    cr_assert_eq(query_shared(&query, &other, shared), 3);
    cr_expect_eq(shared[0].term, 4);
    cr_expect_eq(shared[1].term, 9);
    cr_expect_eq(shared[2].term, 14);
    struct likeness likeness = query_compare(&query, &other);
    cr_expect_eq(likeness.words, shared[0].adds);
    cr_expect_eq(likeness.pairs, shared[1].adds);
    cr_expect_eq(likeness.tags, shared[2].adds);
    cr_expect_eq(likeness.terms, 3);
}
