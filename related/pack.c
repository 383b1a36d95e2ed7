#include "related/pack.h"

#include <endian.h>
#include <math.h>
#include <string.h>

enum { TERM_BYTES = 8, POSTING_BYTES = 20 };

static void put_32(char *bytes, uint32_t value)
{
    value = htole32(value);
    memcpy(bytes, &value, sizeof(value));
}

static void put_64(char *bytes, uint64_t value)
{
    value = htole64(value);
    memcpy(bytes, &value, sizeof(value));
}

static void put_float(char *bytes, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    put_32(bytes, bits);
}

static uint32_t get_32(const char *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof(value));
    return le32toh(value);
}

static uint64_t get_64(const char *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof(value));
    return le64toh(value);
}

static float get_float(const char *bytes)
{
    uint32_t bits = get_32(bytes);
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static bool is_weight(float value)
{
    return isfinite(value) && value >= 0;
}

size_t pack_vector(char bytes[PACK_VECTOR_BYTES], const struct vector *vector)
{
    for (unsigned i = 0; i < vector->n; i++) {
        put_32(bytes + (size_t)i * TERM_BYTES, vector->term[i]);
        put_float(bytes + (size_t)i * TERM_BYTES + 4, vector->weight[i]);
    }
    return (size_t)vector->n * TERM_BYTES;
}

bool unpack_vector(struct vector *vector, const char *bytes, size_t n)
{
    vector->n = 0;
    if (n % TERM_BYTES != 0 || n > PACK_VECTOR_BYTES)
        return false;
    for (unsigned i = 0; i < n / TERM_BYTES; i++) {
        vector->term[i] = get_32(bytes + (size_t)i * TERM_BYTES);
        vector->weight[i] = get_float(bytes + (size_t)i * TERM_BYTES + 4);
        if (!is_weight(vector->weight[i]) || (i > 0 && vector->term[i] <= vector->term[i - 1]))
            return false;
    }
    vector->n = (unsigned)(n / TERM_BYTES);
    return true;
}

size_t pack_postings(char bytes[PACK_POSTINGS_BYTES], const struct postings *postings)
{
    char *to = bytes;
    for (unsigned i = 0; i < postings->n; i++, to += POSTING_BYTES) {
        put_64(to, (uint64_t)postings->posting[i].article);
        put_64(to + 8, (uint64_t)postings->posting[i].published_us);
        put_float(to + 16, postings->posting[i].impact);
    }
    return (size_t)(to - bytes);
}

bool unpack_postings(struct postings *postings, const char *bytes, size_t n)
{
    postings->n = 0;
    if (n % POSTING_BYTES != 0 || n > PACK_POSTINGS_BYTES)
        return false;
    struct posting *posting = postings_reset(postings, (unsigned)(n / POSTING_BYTES));
    for (unsigned i = 0; i < n / POSTING_BYTES; i++, posting++, bytes += POSTING_BYTES) {
        posting->article = (int64_t)get_64(bytes);
        posting->published_us = (int64_t)get_64(bytes + 8);
        posting->impact = get_float(bytes + 16);
        if (posting->article <= 0 || !is_weight(posting->impact))
            return false;
    }
    postings->n = (unsigned)(n / POSTING_BYTES);
    return true;
}

size_t pack_hashes(char *bytes, const uint32_t *hashes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put_32(bytes + 4 * i, hashes[i]);
    return 4 * n;
}

size_t unpack_hashes(uint32_t *hashes, size_t most, const char *bytes, size_t n)
{
    size_t i = 0;
    for (; i < most && 4 * (i + 1) <= n; i++)
        hashes[i] = get_32(bytes + 4 * i);
    return i;
}
