/* related/terms.h - the terms of an article: its words, pairs of neighbouring words, and tags.
 *
 * A term is a hash (XXH3) of the language and the word, so each language has terms of its own. Tags have
 * the same terms in all languages.
 *
 * Threads: each struct belongs to one thread at a time. */
#ifndef RELATED_TERMS_H
#define RELATED_TERMS_H

#include <stddef.h>
#include <stdint.h>

#include "related/language.h"
#include "related/words.h"

enum {
    TERMS_MAX_WORDS = 20000,      /* words of a text that are read */
    TERMS_TEXT_BYTES = 64 * 1024, /* of the body */
};

enum term_kind { TERM_WORD, TERM_PAIR, TERM_TAG };

/* In the sequence: something stands between this word and the one before. */
#define TERM_APART (UINT32_C(1) << 31)

struct term {
    uint32_t term;          /* the lowest two bits are its kind */
    uint16_t count;         /* how often the text has it; of a tag: 1 */
    uint16_t first, second; /* of a pair: the indices of its words */
};

static inline enum term_kind term_kind(uint32_t term)
{
    return (enum term_kind)(term & 3);
}

struct text {
    const char *data; /* UTF-8; NULL: absent */
    size_t bytes;
};

struct article_source { /* borrowed */
    struct text title, summary, body;
    char language[LANGUAGE_SIZE]; /* "": not known */
    const int64_t *tags;          /* their ids */
    size_t ntags;
};

struct terms {
    struct term *
        term; /* the words in the order of their first occurrence, then pairs, then tags; each once */
    size_t count, nwords;
    uint32_t length; /* words of the text, with repetitions */
    uint32_t title_end, body_start;
    uint32_t *sequence; /* the words in the order of the text: an index, and perhaps TERM_APART */

    size_t _capacity;
    uint32_t *_slots; /* a hash table of indices + 1; 0: empty */
    size_t _nslots;   /* a power of two, at least twice _capacity */
};

void terms_init(struct terms *terms);
void terms_finish(struct terms *terms);

/* Makes a copy that has no sequence and takes no more terms. */
void terms_copy(struct terms *copy, const struct terms *terms);

/* Replaces the terms by those of the article. A pair is a term if the article has it twice, or in its title. */
void terms_read(struct terms *terms, struct words *words, const struct article_source *article);

uint32_t term_of_tag(int64_t id);

/* A word or a pair in letters. */
struct spelling {
    uint32_t term;
    char text
        [2 *
         WORD_SPELLING_SIZE]; /* as words_spell(), with a blank between the words of a pair; "": not found */
};

/* Looks for the terms in the article, and writes each as it stands there first. spellings: ascending by term, and the
 * texts empty. */
void terms_spell(struct words *words, const struct article_source *article,
                 struct spelling *spellings, size_t n);

#endif
