#include "related/story.h"

#include <math.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { FEW_WORDS = 8, WIDTH = 3 };

static const float nearly_all = 0.9F, most = 0.7F, half = 0.5F;
static const double near_days = 3;

static uint64_t hash_of_title(const struct terms *terms);
static void keep_least(struct story *story, uint32_t *hashes, size_t n);
static int by_value(const void *a, const void *b);

void story_make(struct story *story, const struct terms *terms, int64_t published_us)
{
    uint32_t start = terms->length - terms->body_start < FEW_WORDS ? 0 : terms->body_start;
    uint32_t *hashes = malloc((terms->length - start + 1) * sizeof(*hashes));
    size_t n = 0;

    if (hashes == NULL)
        abort();
    *story = (struct story){.title_hash = hash_of_title(terms), .published_us = published_us};
    for (uint32_t i = start; i + WIDTH <= terms->length; i++) {
        uint32_t group[WIDTH];
        for (unsigned k = 0; k < WIDTH; k++)
            group[k] = terms->term[terms->sequence[i + k] & ~TERM_APART].term;
        hashes[n++] = (uint32_t)XXH3_64bits(group, sizeof(group));
    }
    keep_least(story, hashes, n);
    free(hashes);
}

static uint64_t hash_of_title(const struct terms *terms)
{
    uint64_t hash = 0;

    for (uint32_t i = 0; i < terms->title_end; i++) {
        uint32_t term = terms->term[terms->sequence[i] & ~TERM_APART].term;
        hash = XXH3_64bits_withSeed(&term, sizeof(term), hash);
    }
    return hash;
}

static void keep_least(struct story *story, uint32_t *hashes, size_t n)
{
    qsort(hashes, n, sizeof(*hashes), by_value);
    for (size_t i = 0; i < n && story->n < STORY_MAX_SHINGLES; i++) {
        if (i == 0 || hashes[i] != hashes[i - 1])
            story->shingle[story->n++] = hashes[i];
    }
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
