/* related/pack.h - vectors, postings and lists of hashes as bytes, in which the database keeps them.
 *
 *     vector    for each term: the term (32 bits), its weight (a float of 32 bits)
 *     postings  for each: the article (64 bits), its time (64 bits), its impact (a float of 32 bits)
 *     hashes    32 bits for each
 *
 * All numbers are little-endian. A database may be damaged: a vector or postings that no function here can have written
 * are refused. Everything here is a pure function. Threads: any. */
#ifndef RELATED_PACK_H
#define RELATED_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "related/postings.h"
#include "related/story.h"
#include "related/vector.h"

enum {
    PACK_VECTOR_BYTES = 8 * VECTOR_MAX_TERMS,
    PACK_POSTINGS_BYTES = 20 * POSTINGS_MAX,
    PACK_STORY_BYTES = 4 * STORY_MAX_SHINGLES,
};

/* These return the number of bytes. */
size_t pack_vector(char bytes[PACK_VECTOR_BYTES], const struct vector *vector);
size_t pack_postings(char bytes[PACK_POSTINGS_BYTES], const struct postings *postings);
size_t pack_hashes(char *bytes, const uint32_t *hashes, size_t n);

/* False: these are not such bytes, and the result is empty. Postings are zeroed before their first use. */
bool unpack_vector(struct vector *vector, const char *bytes, size_t n);
bool unpack_postings(struct postings *postings, const char *bytes, size_t n);

/* Writes at most `most` hashes, and returns how many. */
size_t unpack_hashes(uint32_t *hashes, size_t most, const char *bytes, size_t n);

#endif
