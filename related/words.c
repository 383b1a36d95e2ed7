/* The words of a text.
 *
 *     words_begin: UTF-8 --> UTF-16 --> NFKC and folded case --> break iterator
 *     words_next:  next boundary --> is it a word? --> without marks --> UTF-8 --> stem */
#include "related/words.h"

#include <assert.h>
#include <libstemmer.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

/* How a language writes its words. */
enum marks { MARKS_KEPT, MARKS_DROPPED, ACCENTS_DROPPED };

static const struct rules {
    char language[4];
    const char *stemmer;    /* NULL: Snowball does not know the language */
    enum marks marks;       /* ACCENTS: grave and acute only, which mark the stress */
    bool splits_apostrophe; /* l'article: two words */
} all_rules[] = {
    {"ar", "arabic", MARKS_DROPPED, false}, /* vowel points */
    {"be", NULL, ACCENTS_DROPPED, false},    {"bg", NULL, ACCENTS_DROPPED, false},
    {"ca", "catalan", MARKS_KEPT, true},     {"da", "danish", MARKS_KEPT, false},
    {"de", "german", MARKS_KEPT, false},     {"el", "greek", ACCENTS_DROPPED, false},
    {"en", "english", MARKS_DROPPED, false}, {"es", "spanish", MARKS_KEPT, false},
    {"eu", "basque", MARKS_KEPT, false},     {"fa", NULL, MARKS_DROPPED, false},
    {"fi", "finnish", MARKS_KEPT, false},    {"fr", "french", MARKS_KEPT, true},
    {"ga", "irish", MARKS_KEPT, false},      {"he", NULL, MARKS_DROPPED, false},
    {"hi", "hindi", MARKS_KEPT, false},      {"hu", "hungarian", MARKS_KEPT, false},
    {"hy", "armenian", MARKS_KEPT, false},   {"id", "indonesian", MARKS_KEPT, false},
    {"it", "italian", MARKS_KEPT, true},     {"lt", "lithuanian", MARKS_KEPT, false},
    {"mk", NULL, ACCENTS_DROPPED, false},    {"nb", "norwegian", MARKS_KEPT, false},
    {"ne", "nepali", MARKS_KEPT, false},     {"nl", "dutch", MARKS_KEPT, false},
    {"nn", "norwegian", MARKS_KEPT, false},  {"no", "norwegian", MARKS_KEPT, false},
    {"oc", NULL, MARKS_KEPT, true},          {"pt", "portuguese", MARKS_KEPT, true},
    {"ro", "romanian", MARKS_KEPT, true},    {"ru", "russian", ACCENTS_DROPPED, false},
    {"sr", "serbian", MARKS_KEPT, false},    {"sv", "swedish", MARKS_KEPT, false},
    {"ta", "tamil", MARKS_KEPT, false},      {"tr", "turkish", MARKS_KEPT, true},
    {"uk", NULL, ACCENTS_DROPPED, false},    {"ur", NULL, MARKS_DROPPED, false},
    {"yi", "yiddish", MARKS_KEPT, false},
};
enum { NRULES = sizeof(all_rules) / sizeof(all_rules[0]) };
static const struct rules other_rules = {"", NULL, MARKS_KEPT, false};

struct words {
    UBreakIterator *breaks;
    const UNormalizer2 *fold, *decompose, *compose;
    struct sb_stemmer *stemmers[NRULES]; /* made when they are first used */

    const struct rules *rules;
    struct sb_stemmer *stemmer;
    UChar *raw, *text;
    int32_t raw_capacity, capacity, length;
    int32_t at, end; /* the piece of the text between two boundaries that is being read */
    int32_t word_first, word_length; /* the last word in the text */
    bool is_next;
    char word[4 * WORD_MAX_BYTES];
};

static bool next_piece(struct words *words, int32_t *ret_first, int32_t *ret_end);
static bool joins(const struct words *words, int32_t first, int32_t end);
static size_t write_word(struct words *words, const UChar *text, int32_t length);
static int32_t drop_marks(const struct words *words, UChar *text, int32_t length, int32_t capacity);
static void *grow(void *memory, size_t bytes);

struct words *words_create(void)
{
    struct words *words = calloc(1, sizeof(*words));
    UErrorCode error = U_ZERO_ERROR;

    if (words == NULL)
        abort();
    words->breaks = ubrk_open(UBRK_WORD, "", NULL, 0, &error);
    words->fold = unorm2_getNFKCCasefoldInstance(&error);
    words->decompose = unorm2_getNFDInstance(&error);
    words->compose = unorm2_getNFCInstance(&error);
    assert(U_SUCCESS(error));
    return words;
}

void words_destroy(struct words *words)
{
    for (size_t i = 0; i < NRULES; i++) {
        if (words->stemmers[i] != NULL)
            sb_stemmer_delete(words->stemmers[i]);
    }
    ubrk_close(words->breaks);
    free(words->raw);
    free(words->text);
    free(words);
}

static const struct rules *rules_of(const char *language)
{
    for (size_t i = 0; i < NRULES; i++) {
        if (strcmp(all_rules[i].language, language) == 0)
            return &all_rules[i];
    }
    return &other_rules;
}

static void choose_language(struct words *words, const char *language)
{
    words->rules = rules_of(language);
    words->stemmer = NULL;
    if (words->rules->stemmer == NULL)
        return;
    struct sb_stemmer **kept = &words->stemmers[words->rules - all_rules];
    if (*kept == NULL)
        *kept = sb_stemmer_new(words->rules->stemmer, "UTF_8");
    words->stemmer = *kept;
    assert(words->stemmer != NULL);
}

void words_begin(struct words *words, const char *language, const char *text, size_t bytes)
{
    UErrorCode error = U_ZERO_ERROR;
    int32_t nread, length = (int32_t)(bytes < WORDS_MAX_TEXT_BYTES ? bytes : WORDS_MAX_TEXT_BYTES);

    choose_language(words, language);
    if (words->raw_capacity < length + 1) {
        words->raw_capacity = length + 1;
        words->raw = grow(words->raw, (size_t)words->raw_capacity * sizeof(UChar));
    }
    u_strFromUTF8WithSub(words->raw, words->raw_capacity, &nread, text, length, 0xFFFD, NULL,
                         &error);
    assert(U_SUCCESS(error)); /* UTF-16 has no more units than UTF-8 has bytes */
    if (strcmp(words->rules->language, "tr") == 0) { /* its I is the capital of another letter */
        for (int32_t i = 0; i < nread; i++)
            words->raw[i] = words->raw[i] == 'I'     ? 0x131
                            : words->raw[i] == 0x130 ? 'i'
                                                     : words->raw[i];
    }
    for (;;) {
        error = U_ZERO_ERROR;
        words->length =
            unorm2_normalize(words->fold, words->raw, nread, words->text, words->capacity, &error);
        if (error != U_BUFFER_OVERFLOW_ERROR)
            break;
        words->capacity = words->length + 1;
        words->text = grow(words->text, (size_t)words->capacity * sizeof(UChar));
    }
    assert(U_SUCCESS(error));
    error = U_ZERO_ERROR;
    ubrk_setText(words->breaks, words->text, words->length, &error);
    assert(U_SUCCESS(error));
    words->at = words->end = 0;
    words->is_next = false;
}

bool words_next(struct words *words, struct word *ret_word)
{
    int32_t first, end;

    while (next_piece(words, &first, &end)) {
        size_t bytes = write_word(words, words->text + first, end - first);
        if (bytes == 0) {
            words->is_next = false;
            continue;
        }
        *ret_word = (struct word){.text = words->word, .bytes = bytes, .is_next = words->is_next};
        words->is_next = true;
        words->word_first = first;
        words->word_length = end - first;
        return true;
    }
    return false;
}

void words_spell(const struct words *words, char ret_spelling[WORD_SPELLING_SIZE])
{
    UErrorCode error = U_ZERO_ERROR;

    u_strToUTF8WithSub(ret_spelling, WORD_SPELLING_SIZE, NULL, words->text + words->word_first,
                       words->word_length, 0xFFFD, NULL, &error);
    assert(U_SUCCESS(error)); /* UTF-8 has at most three bytes for a unit of UTF-16 */
}

static bool is_apostrophe(UChar c)
{
    return c == '\'' || c == 0x2019;
}

/* The next word, or the next part of a word with an apostrophe. */
static bool next_piece(struct words *words, int32_t *ret_first, int32_t *ret_end)
{
    while (words->at >= words->end) {
        int32_t first = ubrk_current(words->breaks), end = ubrk_next(words->breaks);
        if (end == UBRK_DONE)
            return false;
        if (ubrk_getRuleStatus(words->breaks) < UBRK_WORD_NONE_LIMIT) {
            words->is_next &= joins(words, first, end);
            continue;
        }
        words->at = first;
        words->end = end;
    }
    *ret_first = words->at;
    *ret_end = words->end;
    if (words->rules->splits_apostrophe) {
        for (int32_t i = words->at; i < words->end; i++) {
            if (is_apostrophe(words->text[i])) {
                *ret_end = i;
                break;
            }
        }
    }
    words->at = *ret_end + (*ret_end < words->end); /* beyond the apostrophe */
    return true;
}

/* Between two words of a name: "New York", "Saint-Denis". */
static bool joins(const struct words *words, int32_t first, int32_t end)
{
    UChar c = words->text[first];
    return end - first == 1 && (c == ' ' || c == '-' || c == 0x2010);
}

/* Returns the bytes of the word in words->word; 0: it is too long or says nothing. */
static size_t write_word(struct words *words, const UChar *text, int32_t length)
{
    UChar folded[2 * WORD_MAX_BYTES];
    UErrorCode error = U_ZERO_ERROR;
    int32_t bytes;

    if (length == 0 || length > WORD_MAX_BYTES)
        return 0;
    u_memcpy(folded, text, length);
    for (int32_t i = 0; i < length; i++)
        folded[i] = is_apostrophe(folded[i]) ? '\'' : folded[i];
    length = drop_marks(words, folded, length, 2 * WORD_MAX_BYTES);
    u_strToUTF8(words->word, sizeof(words->word), &bytes, folded, length, &error);
    if (U_FAILURE(error) || bytes > WORD_MAX_BYTES || bytes < 2) /* a single letter or digit */
        return 0;
    if (words->stemmer == NULL)
        return (size_t)bytes;
    const sb_symbol *stem = sb_stemmer_stem(words->stemmer, (const sb_symbol *)words->word, bytes);
    bytes = sb_stemmer_length(words->stemmer);
    if (stem == NULL || bytes > WORD_MAX_BYTES)
        return 0;
    memcpy(words->word, stem, (size_t)bytes);
    return (size_t)bytes;
}

static bool is_ascii(const UChar *text, int32_t length)
{
    for (int32_t i = 0; i < length; i++) {
        if (text[i] >= 0x80)
            return false;
    }
    return true;
}

static bool is_dropped(enum marks marks, UChar32 c)
{
    if (marks == ACCENTS_DROPPED)
        return c == 0x300 || c == 0x301;
    return u_charType(c) == U_NON_SPACING_MARK || c == 0x640; /* the Arabic tatweel */
}

static int32_t drop_marks(const struct words *words, UChar *text, int32_t length, int32_t capacity)
{
    UChar apart[4 * WORD_MAX_BYTES];
    UErrorCode error = U_ZERO_ERROR;
    int32_t kept = 0;

    if (words->rules->marks == MARKS_KEPT || is_ascii(text, length))
        return length;
    int32_t n = unorm2_normalize(words->decompose, text, length, apart, 4 * WORD_MAX_BYTES, &error);
    if (U_FAILURE(error))
        return length;
    for (int32_t i = 0; i < n;) {
        int32_t first = i;
        UChar32 c;
        U16_NEXT(apart, i, n, c);
        if (!is_dropped(words->rules->marks, c)) {
            u_memmove(apart + kept, apart + first, i - first);
            kept += i - first;
        }
    }
    n = unorm2_normalize(words->compose, apart, kept, text, capacity, &error);
    return U_FAILURE(error) ? 0 : n;
}

static void *grow(void *memory, size_t bytes)
{
    memory = realloc(memory, bytes);
    if (memory == NULL)
        abort();
    return memory;
}
