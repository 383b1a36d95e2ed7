#include "related/story.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "related/words.h"

enum { FEW_WORDS = 8, WIDTH = 3 };

static const float nearly_all = 0.9F, most = 0.7F, half = 0.5F;
static const double near_days = 3;

/* The hashes of groups of WIDTH words, and of the last group if there are fewer words. */
struct shingles {
    uint32_t *hash;
    size_t n, capacity;
    uint64_t last[WIDTH];
    size_t nwords;
};

static void add_text(struct shingles *shingles, struct words *words, const char *language,
                     struct text text);
static void add_word(struct shingles *shingles, uint64_t word);
static int by_value(const void *a, const void *b);

void story_read(struct story *story, struct words *words, const struct article_source *article,
                int64_t published_us)
{
    struct shingles shingles = {0};

    add_text(&shingles, words, article->language, article->body);
    if (shingles.nwords < FEW_WORDS) {
        add_text(&shingles, words, article->language, article->title);
        add_text(&shingles, words, article->language, article->summary);
    }
    if (shingles.n > 0)
        qsort(shingles.hash, shingles.n, sizeof(*shingles.hash), by_value);
    *story = (struct story){.title_hash = story_title_hash(words, article),
                            .published_us = published_us};
    for (size_t i = 0; i < shingles.n && story->n < STORY_MAX_SHINGLES; i++) {
        if (i == 0 || shingles.hash[i] != shingles.hash[i - 1])
            story->shingle[story->n++] = shingles.hash[i];
    }
    free(shingles.hash);
}

static void add_text(struct shingles *shingles, struct words *words, const char *language,
                     struct text text)
{
    struct word word;

    if (text.data == NULL)
        return;
    words_begin(words, language, text.data,
                text.bytes < TERMS_TEXT_BYTES ? text.bytes : TERMS_TEXT_BYTES);
    while (words_next(words, &word))
        add_word(shingles, XXH3_64bits(word.text, word.bytes));
}

static void add_word(struct shingles *shingles, uint64_t word)
{
    memmove(shingles->last, shingles->last + 1, (WIDTH - 1) * sizeof(word));
    shingles->last[WIDTH - 1] = word;
    if (++shingles->nwords < WIDTH)
        return;
    if (shingles->n == shingles->capacity) {
        shingles->capacity = shingles->capacity == 0 ? 1024 : 2 * shingles->capacity;
        shingles->hash = realloc(shingles->hash, shingles->capacity * sizeof(*shingles->hash));
        if (shingles->hash == NULL)
            abort();
    }
    shingles->hash[shingles->n++] = (uint32_t)XXH3_64bits(shingles->last, sizeof(shingles->last));
}

uint64_t story_title_hash(struct words *words, const struct article_source *article)
{
    uint64_t hash = 0;
    struct word word;

    if (article->title.data == NULL)
        return 0;
    words_begin(words, article->language, article->title.data, article->title.bytes);
    while (words_next(words, &word))
        hash = XXH3_64bits_withSeed(word.text, word.bytes, hash);
    return hash;
}

static int by_value(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    return (one > other) - (one < other);
}

float story_containment(const struct story *one, const struct story *other)
{
    uint32_t last = UINT32_MAX; /* up to here, both samples are complete */
    unsigned n_one = 0, n_other = 0, both = 0;

    if (one->n == STORY_MAX_SHINGLES)
        last = one->shingle[one->n - 1];
    if (other->n == STORY_MAX_SHINGLES && other->shingle[other->n - 1] < last)
        last = other->shingle[other->n - 1];
    while (n_one < one->n && one->shingle[n_one] <= last)
        n_one++;
    while (n_other < other->n && other->shingle[n_other] <= last)
        n_other++;
    for (unsigned i = 0, j = 0; i < n_one && j < n_other;) {
        uint32_t a = one->shingle[i], b = other->shingle[j];
        both += a == b;
        i += a <= b;
        j += b <= a;
    }
    unsigned least = n_one < n_other ? n_one : n_other;
    return least == 0 ? 0 : (float)both / (float)least;
}

bool story_is_same(const struct story *one, const struct story *other)
{
    float containment = story_containment(one, other);
    double days = fabs((double)(one->published_us - other->published_us) / 86400e6);

    if (containment >= nearly_all)
        return true;
    if (days > near_days)
        return false;
    return containment >= (one->title_hash == other->title_hash ? half : most);
}
