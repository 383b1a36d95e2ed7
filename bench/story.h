/* bench/story.h - one made-up article.
 *
 *     story_write(number) --> who, where, what, which numbers --> title, summary, body, tags, authors
 *
 * Each story has a generator of its own, seeded with its number: story i is the same in every run. */
#ifndef BENCH_STORY_H
#define BENCH_STORY_H

#include <stdbool.h>
#include <time.h>

#include "bench/chance.h"
#include "bench/template.h"

enum {
    STORY_MAX_TAGS = 6,
    STORY_MAX_AUTHORS = 2,
    STORY_NAME_BYTES = 64,
};

struct story {
    bool is_demo;
    unsigned number;
    time_t published;
    const char *section;
    char tags[STORY_MAX_TAGS][STORY_NAME_BYTES];
    unsigned ntags;
    char authors[STORY_MAX_AUTHORS][STORY_NAME_BYTES];
    unsigned nauthors;
    struct text title, summary, body;

    struct chance _chance;
    struct slots _slots;
    const struct desk *_desk;
    const struct subject *_subject;
    const char *_town;
    unsigned _tags_told;
    struct deck _facts, _contexts, _praise, _doubts, _said1, _said2, _tag_lines;
};

/* Fills all of `story`. In a corpus (not demo) the text is tuned for size, in a demo for reading. */
void story_write(struct story *story, bool is_demo, unsigned number);

#endif
