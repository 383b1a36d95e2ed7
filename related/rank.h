/* related/rank.h - from candidates to the list of an article.
 *
 *     postings of the article's best terms --> candidates_add --> candidates_best: the finalists
 *     finalists with their vectors         --> rank_score     --> rank_choose: the cards
 *
 * Everything here is a pure function. Threads: any; a struct belongs to one thread at a time. */
#ifndef RELATED_RANK_H
#define RELATED_RANK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "related/language.h"
#include "related/vector.h"

enum {
    RANK_TERMS = 96,       /* the terms whose postings are read */
    RANK_FINALISTS = 48,   /* the candidates that are compared in full for a list */
    RANK_NEIGHBOURS = 256, /* the candidates whose lists an article may enter */
    RANK_CARDS = 6,
    RANK_FEWEST_CARDS =
        3, /* where the section has so many: articles of the section fill the list */
};

/* Sums by article. Bounded: RANK_TERMS * POSTINGS_MAX articles. */
struct candidates {
    int64_t *_article; /* 0: empty */
    float *_sum;
    uint16_t *_used; /* the slots that are not empty */
    unsigned _n;
};

void candidates_init(struct candidates *candidates);
void candidates_finish(struct candidates *candidates);
void candidates_clear(struct candidates *candidates);
void candidates_add(struct candidates *candidates, int64_t article, float score);

/* Writes the articles with the highest sums, best first, `most` or fewer (at most RANK_NEIGHBOURS). Returns their number. */
unsigned candidates_best(struct candidates *candidates, unsigned most, int64_t *ret_articles);

/* What is known of an article beside its terms. */
struct profile {
    int64_t id;
    int64_t published_us;
    int64_t section_id;
    uint64_t title_hash; /* of the folded title */
    float self;          /* its likeness to itself */
    char language[LANGUAGE_SIZE];
};

/* The parts of a score, for an explanation. */
struct score {
    struct likeness likeness;
    float nearness; /* in time: factor, at most 1 */
    float recent;   /* factor from 1 */
    float section;  /* factor from 1 */
    float language; /* factor, at most 1 */
    float breadth;  /* divisor: the power of the candidate's likeness to itself */
    float total;
};

/* What a term's posting of an article counts: its weight there, and less if the article is near to everything. */
float rank_impact(float weight, float self);

/* The score of the candidate on the list of the article of `query`. */
struct score rank_score(const struct query *query, const struct profile *article,
                        const struct vector *other, const struct profile *candidate);

/* The article's total on the list of the candidate, where `score` is the candidate's on the list of the article; 0 if
 * the article is too far away to be on that list. */
float rank_back_score(const struct score *score, const struct profile *article,
                      const struct profile *candidate);

/* The total that the article would have on its own list, which totals are compared with. self: its likeness to itself. */
float rank_own_score(float self);

struct finalist {
    const struct vector *vector; /* borrowed, like the profile */
    const struct profile *profile;
    struct score score;
};

/* Answers whether two texts are the same story; embedded by the struct that has the texts. It is asked only about
 * pairs that are much alike. one, other: an index of finalists, or -1 for the article itself. */
struct rank_stories;
typedef bool rank_same_story_fn(struct rank_stories *stories, int one, int other);
struct rank_stories {
    rank_same_story_fn *are_same;
};

/* Sorts the finalists, and writes the indices of the cards, best first. A candidate is left out if
 * its score is low, or if it is the same story as the article or as a better card. Of several versions of a story, the
 * newest is the card. Returns the number of cards. */
unsigned rank_choose(const struct query *query, const struct profile *article,
                     struct finalist *finalists, unsigned n, struct rank_stories *stories,
                     unsigned ret_cards[RANK_CARDS]);

#endif
