/* The terms of an article.
 *
 *     title, summary, body --> words --> the sequence of their indices --> pairs of neighbours
 *                                                                      --> tags                */
#include "related/terms.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static void read_text(struct terms *terms, struct words *words, const char *language,
                      struct text text, size_t max_bytes, uint64_t seed);
static uint32_t term_of(uint32_t hash, enum term_kind kind);
static uint32_t term_of_word(const struct word *word, uint64_t seed);
static uint32_t term_of_pair(uint32_t first, uint32_t second, uint64_t seed);
static uint32_t add(struct terms *terms, uint32_t term);
static uint32_t *slot_of(struct terms *terms, uint32_t term);
static void make_room(struct terms *terms, size_t capacity);
static void forget_slots(struct terms *terms);
static void add_pairs(struct terms *terms, size_t first, size_t end, uint64_t seed, bool is_title);
static void drop_rare_pairs(struct terms *terms);
static void *grow(void *memory, size_t bytes);

void terms_init(struct terms *terms)
{
    *terms = (struct terms){0};
    terms->sequence = grow(NULL, TERMS_MAX_WORDS * sizeof(*terms->sequence));
    make_room(terms, 1024);
}

void terms_finish(struct terms *terms)
{
    free(terms->term);
    free(terms->sequence);
    free(terms->_slots);
}

void terms_copy(struct terms *copy, const struct terms *terms)
{
    *copy = *terms;
    copy->term = grow(NULL, (terms->count + 1) * sizeof(*copy->term));
    memcpy(copy->term, terms->term, terms->count * sizeof(*copy->term));
    copy->sequence = copy->_slots = NULL;
    copy->_capacity = copy->_nslots = 0;
}

/* The terms of each language have another seed. */
static uint64_t seed_of(const char *language)
{
    return XXH3_64bits(language, strlen(language));
}

void terms_read(struct terms *terms, struct words *words, const struct article_source *article)
{
    uint64_t seed = seed_of(article->language);

    forget_slots(terms);
    terms->count = terms->length = 0;
    read_text(terms, words, article->language, article->title, TERMS_TEXT_BYTES, seed);
    terms->title_end = terms->length;
    read_text(terms, words, article->language, article->summary, TERMS_TEXT_BYTES, seed);
    terms->body_start = terms->length;
    read_text(terms, words, article->language, article->body, TERMS_TEXT_BYTES, seed);
    terms->nwords = terms->count;
    add_pairs(terms, 0, terms->title_end, seed, true);
    add_pairs(terms, terms->title_end, terms->length, seed, false);
    drop_rare_pairs(terms);
    for (size_t i = 0; i < article->ntags; i++)
        add(terms, term_of_tag(article->tags[i]));
}

static uint32_t term_of(uint32_t hash, enum term_kind kind)
{
    return (hash & ~3u) | kind;
}

static uint32_t term_of_word(const struct word *word, uint64_t seed)
{
    return term_of((uint32_t)XXH3_64bits_withSeed(word->text, word->bytes, seed), TERM_WORD);
}

static uint32_t term_of_pair(uint32_t first, uint32_t second, uint64_t seed)
{
    const uint32_t both[] = {first, second};
    return term_of((uint32_t)XXH3_64bits_withSeed(both, sizeof(both), seed), TERM_PAIR);
}

uint32_t term_of_tag(int64_t id)
{
    return term_of((uint32_t)XXH3_64bits(&id, sizeof(id)), TERM_TAG);
}

static void read_text(struct terms *terms, struct words *words, const char *language,
                      struct text text, size_t max_bytes, uint64_t seed)
{
    struct word word;

    if (text.data == NULL)
        return;
    words_begin(words, language, text.data, text.bytes < max_bytes ? text.bytes : max_bytes);
    while (terms->length < TERMS_MAX_WORDS && words_next(words, &word)) {
        uint32_t index = add(terms, term_of_word(&word, seed));
        terms->sequence[terms->length++] = word.is_next ? index : index | TERM_APART;
    }
}

/* Returns its index. */
static uint32_t add(struct terms *terms, uint32_t term)
{
    uint32_t *slot = slot_of(terms, term);

    if (*slot != 0) {
        struct term *found = &terms->term[*slot - 1];
        found->count += found->count < UINT16_MAX;
        return *slot - 1;
    }
    if (terms->count == terms->_capacity) {
        make_room(terms, 2 * terms->_capacity);
        slot = slot_of(terms, term);
    }
    terms->term[terms->count] = (struct term){.term = term, .count = 1};
    *slot = (uint32_t)++terms->count;
    return *slot - 1;
}

/* The slot of the term, or the empty one for it. */
static uint32_t *slot_of(struct terms *terms, uint32_t term)
{
    size_t i = (term * UINT64_C(0x9E3779B97F4A7C15)) >> 32 & (terms->_nslots - 1);

    while (terms->_slots[i] != 0 && terms->term[terms->_slots[i] - 1].term != term)
        i = (i + 1) & (terms->_nslots - 1);
    return &terms->_slots[i];
}

static void make_room(struct terms *terms, size_t capacity)
{
    terms->_capacity = capacity;
    terms->term = grow(terms->term, capacity * sizeof(*terms->term));
    terms->_nslots = 2 * capacity;
    free(terms->_slots);
    terms->_slots = calloc(terms->_nslots, sizeof(*terms->_slots));
    if (terms->_slots == NULL)
        abort();
    for (size_t i = 0; i < terms->count; i++)
        *slot_of(terms, terms->term[i].term) = (uint32_t)i + 1;
}

/* Empties the table. */
static void forget_slots(struct terms *terms)
{
    memset(terms->_slots, 0, terms->_nslots * sizeof(*terms->_slots));
}

static void add_pairs(struct terms *terms, size_t first, size_t end, uint64_t seed, bool is_title)
{
    for (size_t i = first + 1; i < end; i++) {
        if (terms->sequence[i] & TERM_APART)
            continue;
        uint32_t one = terms->sequence[i - 1] & ~TERM_APART, other = terms->sequence[i];
        uint32_t index =
            add(terms, term_of_pair(terms->term[one].term, terms->term[other].term, seed));
        terms->term[index].first = (uint16_t)one;
        terms->term[index].second = (uint16_t)other;
        if (is_title && terms->term[index].count == 1)
            terms->term[index].count = 2; /* counts as repeated */
    }
}

static void drop_rare_pairs(struct terms *terms)
{
    size_t kept = terms->nwords;

    for (size_t i = terms->nwords; i < terms->count; i++) {
        if (terms->term[i].count >= 2)
            terms->term[kept++] = terms->term[i];
    }
    terms->count = kept;
    forget_slots(terms); /* the indices have changed; no tag is a word or a pair */
}

static struct spelling *find_spelling(struct spelling *spellings, size_t n, uint32_t term)
{
    size_t first = 0, end = n;

    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (spellings[middle].term < term)
            first = middle + 1;
        else
            end = middle;
    }
    return first < n && spellings[first].term == term && spellings[first].text[0] == '\0'
               ? &spellings[first]
               : NULL;
}

void terms_spell(struct words *words, const struct article_source *article,
                 struct spelling *spellings, size_t n)
{
    const struct text texts[] = {article->title, article->summary, article->body};
    uint64_t seed = seed_of(article->language);
    char last[WORD_SPELLING_SIZE] = "", now[WORD_SPELLING_SIZE];
    uint32_t last_term = 0;
    struct word word;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].data == NULL)
            continue;
        words_begin(words, article->language, texts[i].data,
                    texts[i].bytes < TERMS_TEXT_BYTES ? texts[i].bytes : TERMS_TEXT_BYTES);
        while (words_next(words, &word)) {
            uint32_t term = term_of_word(&word, seed);
            words_spell(words, now);
            struct spelling *own = find_spelling(spellings, n, term);
            if (own != NULL)
                memcpy(own->text, now, sizeof(now));
            struct spelling *pair =
                word.is_next ? find_spelling(spellings, n, term_of_pair(last_term, term, seed))
                             : NULL;
            if (pair != NULL)
                snprintf(pair->text, sizeof(pair->text), "%s %s", last, now);
            memcpy(last, now, sizeof(last));
            last_term = term;
        }
    }
}

static void *grow(void *memory, size_t bytes)
{
    memory = realloc(memory, bytes);
    if (memory == NULL)
        abort();
    return memory;
}
