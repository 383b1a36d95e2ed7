/* related/words.h - the words of a text, for languages of all scripts.
 *
 * A word is found by Unicode's rules for word boundaries (UAX #29; Chinese, Japanese, Thai, Khmer, Lao
 * and Burmese by ICU's dictionaries), folded (NFKC, case, and the marks that have no meaning in its
 * language), and reduced to its stem by Snowball where Snowball knows the language.
 *
 * Threads: each struct belongs to one thread at a time. Memory that can't be had aborts. */
#ifndef RELATED_WORDS_H
#define RELATED_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    WORD_MAX_BYTES = 64,            /* longer words are left out */
    WORDS_MAX_TEXT_BYTES = 1 << 18, /* of a text; the rest is not read */
    WORD_SPELLING_SIZE = 3 * WORD_MAX_BYTES + 1,
};

struct words;

struct word {
    const char *text; /* UTF-8; valid until the next call */
    size_t bytes;
    bool
        is_next; /* it follows the word before it with nothing but a blank or a hyphen between them */
};

struct words *words_create(void);
void words_destroy(struct words *words);

/* Begins a text in UTF-8. language: a BCP 47 primary subtag in small letters ("en"), or "" if it is not
 * known. The text is copied. */
void words_begin(struct words *words, const char *language, const char *text, size_t bytes);

/* False: there are no more words. */
bool words_next(struct words *words, struct word *ret_word);

/* Writes the word that words_next() returned last: folded, but with its marks and its ending. */
void words_spell(const struct words *words, char ret_spelling[WORD_SPELLING_SIZE]);

#endif
