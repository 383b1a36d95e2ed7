/* related/story.h - are two texts the same story, sent again or updated?
 *
 * Texts are compared by their shingles, groups of three neighbouring words (Broder 1997). What counts is the
 * share of the shorter text that the longer one contains, because an update contains the first version.
 *
 * Everything here is a pure function. Threads: any. */
#ifndef RELATED_STORY_H
#define RELATED_STORY_H

#include <stdbool.h>
#include <stdint.h>

#include "related/terms.h"

enum { STORY_MAX_SHINGLES = 2048 };

/* Of a long text: the smallest hashes, which are a fair sample of all. */
struct story {
    uint32_t shingle[STORY_MAX_SHINGLES]; /* ascending, each once */
    unsigned n;
    uint64_t title_hash;
    int64_t published_us;
};

/* A text of a few words is taken with its title. The text itself is not kept. */
void story_read(struct story *story, struct words *words, const struct article_source *article,
                int64_t published_us);

/* The hash of a title, the same for all spellings that differ in case or marks only. */
uint64_t story_title_hash(struct words *words, const struct article_source *article);

/* The share of the shorter text's shingles that the longer one has, 0 to 1. */
float story_containment(const struct story *one, const struct story *other);

/* The same story: nearly all of one text is in the other; or, within three days, most of it, or half of it under
 * the same title. Next week's edition of a report with the same phrases is another story. */
bool story_is_same(const struct story *one, const struct story *other);

#endif
