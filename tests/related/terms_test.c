/* The terms of an article. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "related/terms.h"
#include "related/words.h"

static struct words *words;
static struct terms terms;

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

TestSuite(terms, .init = begin, .fini = end, .timeout = 60);

static void read_article(const char *language, const char *title, const char *body,
                         const int64_t *tags, size_t ntags)
{
    struct article_source article = {.title = {title, strlen(title)},
                                     .body = {body, strlen(body)},
                                     .tags = tags,
                                     .ntags = ntags};
    strcpy(article.language, language);
    terms_read(&terms, words, &article);
}

static size_t count_kind(enum term_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < terms.count; i++)
        n += term_kind(terms.term[i].term) == kind;
    return n;
}

Test(terms, are_each_word_once_with_its_count)
{
    read_article("en", "Storm", "The storm. Storms hit.", NULL, 0);
    cr_assert_eq(terms.nwords, 3);
    cr_expect_eq(terms.length, 5);
    cr_expect_eq(terms.term[0].count, 3, "storm");
    cr_expect_eq(terms.term[1].count, 1, "the");
    cr_expect_eq(terms.term[2].count, 1, "hit");
    cr_expect_eq(count_kind(TERM_WORD), 3);
}

Test(terms, are_pairs_that_come_twice_or_in_the_title)
{
    read_article("en", "White House", "New York is large. New York is old. Old Town.", NULL, 0);
    cr_expect_eq(count_kind(TERM_PAIR), 3, "White House, New York, York is");
    for (size_t i = terms.nwords; i < terms.count; i++) {
        cr_expect_lt(terms.term[i].first, terms.nwords);
        cr_expect_lt(terms.term[i].second, terms.nwords);
        cr_expect_geq(terms.term[i].count, 2);
    }
}

Test(terms, never_pair_a_title_with_the_body)
{
    read_article("en", "Alpha beta", "gamma. beta gamma", NULL, 0);
    cr_expect_eq(count_kind(TERM_PAIR), 1);
}

Test(terms, of_tags_are_the_same_in_all_languages_and_of_words_they_differ)
{
    const int64_t tag = 42;
    read_article("en", "word", "", &tag, 1);
    uint32_t word = terms.term[0].term, first_tag = terms.term[terms.count - 1].term;
    cr_expect_eq(term_kind(first_tag), TERM_TAG);
    read_article("xx", "word", "", &tag, 1);
    cr_expect_neq(terms.term[0].term, word);
    cr_expect_eq(terms.term[terms.count - 1].term, first_tag);
}

Test(terms, do_not_remember_the_article_before)
{
    read_article("en", "One two one two", "three four three four", NULL, 0);
    read_article("en", "five", "", NULL, 0);
    cr_expect_eq(terms.count, 1);
    cr_expect_eq(terms.length, 1);
    cr_expect_eq(terms.term[0].count, 1);
}

Test(terms, of_a_very_long_text_are_bounded)
{
    char *text = malloc(TERMS_TEXT_BYTES * 2);
    size_t bytes = 0;
    for (int i = 0; bytes < TERMS_TEXT_BYTES + 20000; i++)
        bytes += (size_t)sprintf(text + bytes, "w%d ", i);
    read_article("xx", "", text, NULL, 0);
    cr_expect_leq(terms.nwords, TERMS_MAX_WORDS);
    cr_expect_gt(terms.nwords, 5000, "the beginning is read");
    free(text);
}

static int by_term(const void *a, const void *b)
{
    uint32_t one = ((const struct spelling *)a)->term, other = ((const struct spelling *)b)->term;
    return (one > other) - (one < other);
}

static void expect_spelled(const struct spelling *spellings, size_t n, const char *text,
                           enum term_kind kind)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(spellings[i].text, text) == 0) {
            cr_expect_eq(term_kind(spellings[i].term), kind);
            return;
        }
    }
    cr_expect_fail("no term is spelled \"%s\"", text);
}

Test(terms, are_spelled_as_they_stand_first_in_the_article)
{
    static const char title[] = "Storms in New York", body[] = "New York fears the storm. Ärger.";
    struct article_source article = {
        .title = {title, strlen(title)}, .body = {body, strlen(body)}, .language = "en"};
    struct spelling spellings[20] = {{0}};

    terms_read(&terms, words, &article);
    cr_assert_lt(terms.count + 1, 20);
    for (size_t i = 0; i < terms.count; i++)
        spellings[i].term = terms.term[i].term;
    spellings[terms.count].term = term_of_tag(7);
    qsort(spellings, terms.count + 1, sizeof(spellings[0]), by_term);
    terms_spell(words, &article, spellings, terms.count + 1);

    expect_spelled(spellings, terms.count + 1, "storms", TERM_WORD);
    expect_spelled(spellings, terms.count + 1, "new york", TERM_PAIR);
    expect_spelled(spellings, terms.count + 1, "fears", TERM_WORD);
    expect_spelled(spellings, terms.count + 1, "ärger", TERM_WORD);
    expect_spelled(spellings, terms.count + 1, "", TERM_TAG);
}
