/* related/index.h - the terms of an archive, or those that some articles need: how many articles have each,
 * and the articles that are kept with it.
 *
 *     for all new articles: index_count     then for each: index_vector --> index_post
 *     for a list:           index_query --> index_candidates
 *
 * Articles that are counted together see the same counts, so the order in which they come makes no difference.
 *
 * Threads: a struct belongs to one thread at a time. Memory that can't be had aborts. */
#ifndef RELATED_INDEX_H
#define RELATED_INDEX_H

#include "related/postings.h"
#include "related/rank.h"
#include "related/terms.h"
#include "related/vector.h"

enum { INDEX_MAX_LANGUAGES = 256 };

struct index_entry {
    uint32_t term;
    bool is_used, is_changed; /* is_changed: since index_want() */
    uint64_t having;          /* articles that have the term */
    struct postings postings;
};

struct index {
    struct index_entry *entry; /* a hash table with nslots slots */
    size_t count, nslots;
    struct {
        char code[LANGUAGE_SIZE];
        struct population population;
    } language[INDEX_MAX_LANGUAGES];
    size_t nlanguages;
    struct population all;
};

void index_init(struct index *index);
void index_finish(struct index *index);

/* to: initialised; takes the place of `from`, which is empty afterwards. */
void index_move(struct index *to, struct index *from);

/* Makes room for a term, whose entry the caller fills with what is known of it. Valid until the next call of a
 * function that adds terms. */
struct index_entry *index_want(struct index *index, uint32_t term);

/* NULL if the term is not there. Valid until the next call of a function that adds terms. */
struct index_entry *index_find(const struct index *index, uint32_t term);

/* Sets what is known of a language; each once, and before articles are counted. */
void index_put_language(struct index *index, const char *language, struct population population);

/* Adds an article to the counts. */
void index_count(struct index *index, const struct terms *terms, const char *language);

/* Takes an article out of the counts, where these are its terms, and out of the postings. */
void index_remove(struct index *index, const uint32_t *terms, size_t n, uint32_t length,
                  const char *language, int64_t article);

/* The best terms of an article that is counted. */
void index_vector(struct index *index, const struct terms *terms, const char *language,
                  struct vector *vector);

/* The query borrows the vector. */
void index_query(struct index *index, const struct vector *vector, const char *language,
                 struct query *query);

/* Keeps the article with its terms. */
void index_post(struct index *index, const struct vector *vector, const struct profile *article);

/* The articles that share the best terms of the query's article, best first, `most` or fewer. Returns their number. */
unsigned index_candidates(const struct index *index, const struct query *query, int64_t article,
                          struct candidates *candidates, unsigned most, int64_t *ret_articles);

#endif
