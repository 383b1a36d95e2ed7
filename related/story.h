/* related/story.h - are two texts the same story, sent again or updated?
 *
 * Texts are compared by their shingles, groups of three neighbouring words. What counts is the
 * share of the shorter text that the longer one contains, because an update contains the first version.
 *
 * Everything here is a pure function. Threads: any. */
#ifndef RELATED_STORY_H
#define RELATED_STORY_H

#include <stdbool.h>
#include <stdint.h>

#include "related/terms.h"

enum { STORY_MAX_SHINGLES = 256 };

/* Of a long text: the smallest hashes, which are a fair sample of all (Broder 1997). */
struct story {
    uint32_t shingle[STORY_MAX_SHINGLES]; /* ascending, each once */
    unsigned n;
    uint64_t title_hash;
    int64_t published_us;
};

/* A text of a few words is taken with its title and summary. The hash of a title is the same for all spellings that
 * differ in case or marks only. */
void story_make(struct story *story, const struct terms *terms, int64_t published_us);

/* The share of the shorter text's shingles that the longer one has, 0 to 1. */
float story_containment(const struct story *one, const struct story *other);

/* The same story: nearly all of one text is in the other; or, within three days, most of it, or half of it under
 * the same title. Next week's edition of a report with the same phrases is another story. */
bool story_is_same(const struct story *one, const struct story *other);

#endif
