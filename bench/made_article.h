/* bench/made_article.h - one made-up article.
 *
 *     made_article_write(number) --> subject, place, time, people, numbers, tags --> title, summary, body
 *                                --> image, language, corrections
 *
 * Each article has a generator of its own, seeded with its number: article i is the same in every
 * run. */
#ifndef BENCH_MADE_ARTICLE_H
#define BENCH_MADE_ARTICLE_H

#include <stdbool.h>
#include <time.h>

#include "bench/random.h"
#include "bench/template.h"

enum {
    MADE_ARTICLE_MAX_TAGS = 6,
    MADE_ARTICLE_MAX_AUTHORS = 2,
    MADE_ARTICLE_NAME_BYTES = 64,
    MADE_ARTICLE_MAX_CORRECTIONS = 2,
    MADE_ARTICLE_MAX_TEXT_BYTES = 160, /* of an image and of a correction */
};

struct made_image {
    char url[MADE_ARTICLE_MAX_TEXT_BYTES]; /* "": the article has none */
    char alt[MADE_ARTICLE_MAX_TEXT_BYTES], credit[MADE_ARTICLE_MAX_TEXT_BYTES]; /* "": null */
    unsigned width, height;                                                     /* 0: null */
};

struct made_correction {
    char text[MADE_ARTICLE_MAX_TEXT_BYTES];
    time_t at;
};

struct made_article {
    bool is_demo;
    unsigned number;
    time_t published;
    const char *section;
    char tags[MADE_ARTICLE_MAX_TAGS][MADE_ARTICLE_NAME_BYTES];
    unsigned ntags;
    char authors[MADE_ARTICLE_MAX_AUTHORS][MADE_ARTICLE_NAME_BYTES];
    unsigned nauthors;
    struct text title, summary, body;
    struct made_image image;
    const char *language; /* NULL: the site's language */
    struct made_correction corrections[MADE_ARTICLE_MAX_CORRECTIONS];
    unsigned ncorrections;

    struct random _random;
    struct slots _slots;
    const struct section_words *_words;
    const struct subject *_subject;
    const char *_town;
    unsigned _tags_told;
    struct shuffled_list _facts, _contexts, _praise, _doubts, _said1, _said2, _tag_lines;
};

/* Fills all of `article`. The text of a corpus has the right sizes; the text of a demo is for reading. */
void made_article_write(struct made_article *article, bool is_demo, unsigned number);

#endif
