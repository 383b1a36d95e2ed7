#include "related/vector.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Found with several archives; docs/related.md has the figures. */
static const float saturation =
    4; /* k1 of BM25: the count at which a term has half of its highest weight */
static const float length_share =
    0.5F; /* b of BM25: how far a long article makes its words weigh less */
static const float idf_power = 1.5F;
static const float pair_share = 0.5F;    /* of a pair's idf: its words count already */
static const float tag_count = 4;        /* a tag weighs as a word that occurs so often */
static const float most_articles = 0.3F; /* a word of more articles is a stop word */

static_assert(VECTOR_MAX_TERMS < UINT8_MAX, "an index and 0 fit into a slot");

struct scored {
    uint32_t term;
    float weight, score;
};

static size_t first_slot(const struct query *query, uint32_t term);
static int by_score(const void *a, const void *b);
static int by_term(const void *a, const void *b);

static bool is_frequent(uint64_t having, uint64_t articles)
{
    return having > VECTOR_MIN_FREQUENT && (float)having > most_articles * (float)articles;
}

float vector_idf(enum term_kind kind, uint64_t having, uint64_t articles)
{
    if (is_frequent(having, articles))
        return 0;
    float without = having < articles ? (float)(articles - having) : 0;
    float idf = logf(1 + (without + 0.5F) / ((float)having + 0.5F));
    return powf(idf, idf_power) * (kind == TERM_PAIR ? pair_share : 1);
}

static float saturated(float count, float length)
{
    return count * (saturation + 1) /
           (count + saturation * (1 - length_share + length_share * length));
}

/* 0: it says nothing. */
static float idf_of(const struct terms *terms, size_t i, const uint64_t *having,
                    const struct population *language, const struct population *all)
{
    const struct term *term = &terms->term[i];
    enum term_kind kind = term_kind(term->term);

    if (kind == TERM_TAG)
        return vector_idf(kind, having[i], all->articles);
    if (kind == TERM_PAIR && (is_frequent(having[term->first], language->articles) ||
                              is_frequent(having[term->second], language->articles)))
        return 0;
    return vector_idf(kind, having[i], language->articles);
}

void vector_make(struct vector *vector, const struct terms *terms, const uint64_t *having,
                 const struct population *language, const struct population *all)
{
    struct scored *scored = calloc(terms->count + 1, sizeof(*scored));
    float mean = language->words > 0 ? (float)language->words / (float)language->articles : 1;
    size_t n = 0;

    if (scored == NULL)
        abort();
    for (size_t i = 0; i < terms->count; i++) {
        const struct term *term = &terms->term[i];
        float idf = idf_of(terms, i, having, language, all);
        float weight = term_kind(term->term) == TERM_TAG
                           ? saturated(tag_count, 1)
                           : saturated(term->count, (float)terms->length / mean);
        if (idf > 0)
            scored[n++] = (struct scored){term->term, weight, weight * idf};
    }
    qsort(scored, n, sizeof(*scored), by_score);
    vector->n = n < VECTOR_MAX_TERMS ? (unsigned)n : VECTOR_MAX_TERMS;
    qsort(scored, vector->n, sizeof(*scored), by_term);
    for (unsigned i = 0; i < vector->n; i++) {
        vector->term[i] = scored[i].term;
        vector->weight[i] = scored[i].weight;
    }
    free(scored);
}

/* Highest first. The term decides between equals, so that the choice does not depend on the order. */
static int by_score(const void *a, const void *b)
{
    const struct scored *one = a, *other = b;

    if (one->score != other->score)
        return one->score > other->score ? -1 : 1;
    return by_term(a, b);
}

static int by_term(const void *a, const void *b)
{
    const struct scored *one = a, *other = b;
    return (one->term > other->term) - (one->term < other->term);
}

void query_make(struct query *query, const struct vector *vector, const float *idf)
{
    *query = (struct query){.vector = vector};
    for (unsigned i = 0; i < vector->n; i++) {
        query->tells[i] = vector->weight[i] * idf[i];
        query->self += vector->weight[i] * query->tells[i];
        size_t slot = first_slot(query, vector->term[i]);
        while (query->_slots[slot] != 0)
            slot = (slot + 1) % sizeof(query->_slots);
        query->_slots[slot] = (uint8_t)(i + 1);
    }
}

/* A term is a hash already. */
static size_t first_slot(const struct query *query, uint32_t term)
{
    return (term >> 2) % sizeof(query->_slots);
}

/* The place of the term in the vector of the query, or -1. */
static inline int place_of(const struct query *query, uint32_t term)
{
    for (size_t slot = first_slot(query, term); query->_slots[slot] != 0;
         slot = (slot + 1) % sizeof(query->_slots)) {
        int own = query->_slots[slot] - 1;
        if (query->vector->term[own] == term)
            return own;
    }
    return -1;
}

struct likeness query_compare(const struct query *query, const struct vector *other)
{
    float sum[3] = {0};
    unsigned shared = 0;

    for (unsigned i = 0; i < other->n; i++) {
        int own = place_of(query, other->term[i]);
        if (own >= 0) {
            sum[term_kind(other->term[i])] += query->tells[own] * other->weight[i];
            shared++;
        }
    }
    return (struct likeness){
        .words = sum[TERM_WORD], .pairs = sum[TERM_PAIR], .tags = sum[TERM_TAG], .terms = shared};
}

unsigned query_shared(const struct query *query, const struct vector *other,
                      struct shared_term ret_terms[VECTOR_MAX_TERMS])
{
    unsigned n = 0;

    for (unsigned i = 0; i < other->n; i++) {
        int own = place_of(query, other->term[i]);
        if (own >= 0)
            ret_terms[n++] =
                (struct shared_term){other->term[i], query->tells[own] * other->weight[i]};
    }
    return n;
}
