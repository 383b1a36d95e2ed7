/* related/vector.h - an article as its best terms, and the likeness of two articles.
 *
 * A term weighs the more, the more often the article has it (the saturating count of BM25, Robertson and
 * Zaragoza 2009), and the fewer articles have it (inverse document frequency, here to the power 1.5: it
 * favours the names of people and places).
 *
 * Everything here is a pure function. Threads: any. */
#ifndef RELATED_VECTOR_H
#define RELATED_VECTOR_H

#include <stdint.h>

#include "related/terms.h"

enum {
    VECTOR_MAX_TERMS = 200,
    VECTOR_MIN_FREQUENT = 30, /* with so many articles or fewer, a term is never a stop word */
};

struct vector {
    uint32_t term[VECTOR_MAX_TERMS]; /* ascending */
    float weight[VECTOR_MAX_TERMS];  /* by the count in the article alone */
    unsigned n;
};

/* All articles that were read, or those in one language. */
struct population {
    uint64_t articles;
    uint64_t words; /* the sum of the lengths */
};

/* How much a term says that `having` of the articles have. More than 30 % of them: 0. */
float vector_idf(enum term_kind kind, uint64_t having, uint64_t articles);

/* Chooses the best terms. having[i]: the number of articles that have terms->term[i], this one included.
 * Stop words, and pairs with a stop word, are left out. `language` is the population of the article's
 * language, `all` that of all articles, which counts for tags. */
void vector_make(struct vector *vector, const struct terms *terms, const uint64_t *having,
                 const struct population *language, const struct population *all);

/* The weights of an article's terms, times what they say about the whole: the other side of a likeness. */
struct query {
    const struct vector *vector; /* borrowed */
    float tells[VECTOR_MAX_TERMS];
    float self; /* the likeness of the article to itself */

    uint8_t _slots[1024]; /* a hash table of indices + 1; 0: empty */
};

/* idf[i] is that of vector->term[i]. */
void query_make(struct query *query, const struct vector *vector, const float *idf);

/* What two articles share. */
struct likeness {
    float words, pairs, tags;
    unsigned terms; /* their number */
};

struct likeness query_compare(const struct query *query, const struct vector *other);

/* A term that two articles share, and what it adds to their likeness. */
struct shared_term {
    uint32_t term;
    float adds;
};

/* Writes the terms that both have, in the order of the terms. Returns their number. */
unsigned query_shared(const struct query *query, const struct vector *other,
                      struct shared_term ret_terms[VECTOR_MAX_TERMS]);

static inline float likeness_sum(struct likeness likeness)
{
    return likeness.words + likeness.pairs + likeness.tags;
}

#endif
