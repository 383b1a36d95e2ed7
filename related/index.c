#include "related/index.h"

#include <stdlib.h>
#include <string.h>

static struct index_entry *slot_of(struct index_entry *entries, size_t nslots, uint32_t term);
static void grow(struct index *index);
static struct population *population_of(struct index *index, const char *language);
static float idf_of(struct index *index, const struct population *own, uint32_t term);
static int by_tells(const void *a, const void *b);

static void *need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

void index_init(struct index *index)
{
    *index = (struct index){.nslots = 1024};
    index->entry = need(calloc(index->nslots, sizeof(*index->entry)));
}

void index_finish(struct index *index)
{
    for (size_t i = 0; i < index->nslots; i++)
        postings_finish(&index->entry[i].postings);
    free(index->entry);
}

void index_move(struct index *to, struct index *from)
{
    index_finish(to);
    *to = *from;
    index_init(from);
}

struct index_entry *index_find(const struct index *index, uint32_t term)
{
    struct index_entry *entry = slot_of(index->entry, index->nslots, term);
    return entry->is_used ? entry : NULL;
}

/* The slot of the term, or the empty one for it. A term is a hash already. */
static struct index_entry *slot_of(struct index_entry *entries, size_t nslots, uint32_t term)
{
    size_t i = (term >> 2) & (nslots - 1);

    while (entries[i].is_used && entries[i].term != term)
        i = (i + 1) & (nslots - 1);
    return &entries[i];
}

void index_count(struct index *index, const struct terms *terms, const char *language)
{
    struct population *own = population_of(index, language);

    own->articles++;
    own->words += terms->length;
    index->all.articles++;
    index->all.words += terms->length;
    for (size_t i = 0; i < terms->count; i++) {
        struct index_entry *entry = index_want(index, terms->term[i].term);
        entry->having++;
        entry->is_changed = true;
    }
}

struct index_entry *index_want(struct index *index, uint32_t term)
{
    if (2 * index->count >= index->nslots)
        grow(index);
    struct index_entry *entry = slot_of(index->entry, index->nslots, term);
    index->count += !entry->is_used;
    entry->is_used = true;
    entry->term = term;
    return entry;
}

void index_put_language(struct index *index, const char *language, struct population population)
{
    struct population *own = population_of(index, language);

    own->articles += population.articles;
    own->words += population.words;
    index->all.articles += population.articles;
    index->all.words += population.words;
}

static void take_from(struct population *population, uint32_t length)
{
    population->articles -= population->articles > 0;
    population->words -= population->words < length ? population->words : length;
}

void index_remove(struct index *index, const uint32_t *terms, size_t n, uint32_t length,
                  const char *language, int64_t article)
{
    take_from(population_of(index, language), length);
    take_from(&index->all, length);
    for (size_t i = 0; i < n; i++) {
        struct index_entry *entry = index_want(index, terms[i]);
        entry->having -= entry->having > 0;
        postings_remove(&entry->postings, article);
        entry->is_changed = true;
    }
}

static void grow(struct index *index)
{
    size_t nslots = 2 * index->nslots;
    struct index_entry *entries = need(calloc(nslots, sizeof(*entries)));

    for (size_t i = 0; i < index->nslots; i++) {
        if (index->entry[i].is_used)
            *slot_of(entries, nslots, index->entry[i].term) = index->entry[i];
    }
    free(index->entry);
    index->entry = entries;
    index->nslots = nslots;
}

/* Languages beyond the limit are counted as one. */
static struct population *population_of(struct index *index, const char *language)
{
    size_t i = 0;

    while (i < index->nlanguages && strcmp(index->language[i].code, language) != 0)
        i++;
    if (i == INDEX_MAX_LANGUAGES)
        i--;
    if (i == index->nlanguages)
        language_copy(index->language[index->nlanguages++].code, language);
    return &index->language[i].population;
}

void index_vector(struct index *index, const struct terms *terms, const char *language,
                  struct vector *vector)
{
    uint64_t *having = need(calloc(terms->count + 1, sizeof(*having)));

    for (size_t i = 0; i < terms->count; i++)
        having[i] = slot_of(index->entry, index->nslots, terms->term[i].term)->having;
    vector_make(vector, terms, having, population_of(index, language), &index->all);
    free(having);
}

void index_query(struct index *index, const struct vector *vector, const char *language,
                 struct query *query)
{
    const struct population *own = population_of(index, language);
    float idf[VECTOR_MAX_TERMS];

    for (unsigned i = 0; i < vector->n; i++)
        idf[i] = idf_of(index, own, vector->term[i]);
    query_make(query, vector, idf);
}

static float idf_of(struct index *index, const struct population *own, uint32_t term)
{
    enum term_kind kind = term_kind(term);
    uint64_t having = slot_of(index->entry, index->nslots, term)->having;

    return vector_idf(kind, having, kind == TERM_TAG ? index->all.articles : own->articles);
}

void index_post(struct index *index, const struct vector *vector, const struct profile *article)
{
    for (unsigned i = 0; i < vector->n; i++) {
        struct index_entry *entry = index_want(index, vector->term[i]);
        entry->is_changed = true;
        postings_add(&entry->postings,
                     (struct posting){.article = article->id,
                                      .published_us = article->published_us,
                                      .impact = rank_impact(vector->weight[i], article->self)});
    }
}

struct order {
    unsigned term;
    float tells;
};

unsigned index_candidates(const struct index *index, const struct query *query, int64_t article,
                          struct candidates *candidates, unsigned most, int64_t *ret_articles)
{
    const struct vector *vector = query->vector;
    struct order order[VECTOR_MAX_TERMS] = {{0}};

    for (unsigned i = 0; i < vector->n; i++)
        order[i] = (struct order){i, query->tells[i]};
    qsort(order, vector->n, sizeof(*order), by_tells);
    candidates_clear(candidates);
    for (unsigned i = 0; i < vector->n && i < RANK_TERMS; i++) {
        const struct index_entry *entry = index_find(index, vector->term[order[i].term]);
        if (entry == NULL)
            continue;
        for (const struct posting *p = entry->postings.posting;
             p < entry->postings.posting + entry->postings.n; p++) {
            if (p->article != article)
                candidates_add(candidates, p->article, order[i].tells * p->impact);
        }
    }
    return candidates_best(candidates, most, ret_articles);
}

/* Highest first; a vector is sorted by its terms, which decide between equals. */
static int by_tells(const void *a, const void *b)
{
    const struct order *one = a, *other = b;

    if (one->tells != other->tells)
        return one->tells > other->tells ? -1 : 1;
    return one->term < other->term ? -1 : 1;
}
