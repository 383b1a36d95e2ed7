/* From texts to candidates, in one index. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "related/index.h"
#include "related/words.h"

TestSuite(index, .timeout = 60);

static const struct {
    const char *language, *title, *body;
} texts[] = {
    {"en", "Harbour fire", "The fire brigade of the harbour saved forty people from the fire."},
    {"en", "Fire station",
     "The new fire station is near the harbour, and the brigade moves there."},
    {"en", "Budget", "The parliament has passed the budget, and the taxes on fuel rise."},
    {"en", "Fuel tax", "The tax on fuel rises in April, says the parliament."},
    {"de", "Haushalt", "Der Bundestag hat den Haushalt beschlossen, und die Steuern steigen."},
    {"de", "Steuern", "Die Steuern steigen im April, sagt der Bundestag."},
};
enum { N = sizeof(texts) / sizeof(texts[0]) };

static struct index all;
static struct vector vectors[N];

static void read_all(const int *order)
{
    struct words *words = words_create();
    struct terms terms[N];

    index_init(&all);
    for (int i = 0; i < N; i++) {
        int k = order[i];
        struct article_source source = {.title = {texts[k].title, strlen(texts[k].title)},
                                        .body = {texts[k].body, strlen(texts[k].body)}};
        strcpy(source.language, texts[k].language);
        terms_init(&terms[k]);
        terms_read(&terms[k], words, &source);
        index_count(&all, &terms[k], texts[k].language);
    }
    for (int i = 0; i < N; i++) {
        int k = order[i];
        struct profile profile = {.id = k + 1, .self = 1};
        index_vector(&all, &terms[k], texts[k].language, &vectors[k]);
        index_post(&all, &vectors[k], &profile);
        terms_finish(&terms[k]);
    }
    words_destroy(words);
}

static unsigned candidates_of(int k, int64_t *best)
{
    struct candidates candidates;
    struct query query;

    candidates_init(&candidates);
    index_query(&all, &vectors[k], texts[k].language, &query);
    unsigned n = index_candidates(&all, &query, k + 1, &candidates, RANK_FINALISTS, best);
    candidates_finish(&candidates);
    return n;
}

Test(index, finds_the_article_of_the_same_subject_in_the_same_language)
{
    static const int64_t nearest[N] = {2, 1, 4, 3, 6, 5};
    int64_t best[RANK_FINALISTS];

    read_all((const int[]){0, 1, 2, 3, 4, 5});
    for (int k = 0; k < N; k++) {
        cr_assert_geq(candidates_of(k, best), 1);
        cr_expect_eq(best[0], nearest[k], "%s: %d", texts[k].title, (int)best[0]);
    }
    cr_expect_eq(all.nlanguages, 2);
    cr_expect_eq(all.language[0].population.articles, 4);
    cr_expect_eq(all.all.articles, 6);
    index_finish(&all);
}

Test(index, finds_the_same_in_any_order_of_the_articles)
{
    struct vector before[N];

    read_all((const int[]){0, 1, 2, 3, 4, 5});
    memcpy(before, vectors, sizeof(before));
    index_finish(&all);
    read_all((const int[]){5, 3, 1, 4, 2, 0});
    for (int k = 0; k < N; k++) {
        cr_assert_eq(vectors[k].n, before[k].n);
        for (unsigned i = 0; i < before[k].n; i++) {
            cr_expect_eq(vectors[k].term[i], before[k].term[i]);
            cr_expect_eq(vectors[k].weight[i], before[k].weight[i]);
        }
    }
    index_finish(&all);
}

Test(index, forgets_an_article_that_is_removed)
{
    int64_t best[RANK_FINALISTS];

    read_all((const int[]){0, 1, 2, 3, 4, 5});
    cr_assert_geq(candidates_of(0, best), 1);
    uint64_t before = index_find(&all, vectors[1].term[0])->having;
    index_remove(&all, vectors[1].term, vectors[1].n, 10, "en", 2);
    cr_expect_eq(index_find(&all, vectors[1].term[0])->having, before - 1);
    cr_expect_eq(all.language[0].population.articles, 3);
    cr_expect_eq(all.all.articles, 5);
    unsigned n = candidates_of(0, best);
    for (unsigned i = 0; i < n; i++)
        cr_expect_neq(best[i], 2);
    index_finish(&all);
}

Test(index, counts_languages_beyond_its_bound_as_one)
{
    struct terms none = {0};

    index_init(&all);
    for (int i = 0; i < INDEX_MAX_LANGUAGES + 50; i++) {
        const char code[] = {(char)('a' + i / 26 % 26), (char)('a' + i % 26), 'x', '\0'};
        index_count(&all, &none, code);
    }
    cr_expect_eq(all.nlanguages, INDEX_MAX_LANGUAGES);
    cr_expect_eq(all.all.articles, INDEX_MAX_LANGUAGES + 50);
    index_finish(&all);
}
