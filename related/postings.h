/* related/postings.h - the articles that are kept with a term.
 *
 * There are at most POSTINGS_HEAVIEST in which the term weighs most, and POSTINGS_LATEST more that were
 * published last. So the work for an article does not grow with the archive, the best articles are found,
 * and the articles of a running story find each other.
 *
 * The impact of a term in an article is its weight there, divided by a power of the article's likeness to
 * itself: an article that is near to everything counts less. */
#ifndef RELATED_POSTINGS_H
#define RELATED_POSTINGS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    POSTINGS_HEAVIEST = 24,
    POSTINGS_LATEST = 8,
    POSTINGS_MAX = POSTINGS_HEAVIEST + POSTINGS_LATEST
};

struct posting {
    int64_t article;
    int64_t published_us;
    float impact;
};

/* Zeroed at the start: empty. It grows as needed; memory that can't be had aborts. */
struct postings {
    struct posting *posting; /* the heaviest first, then the latest, newest first */
    unsigned n, _room;
};

void postings_finish(struct postings *postings);

/* Empty, with room for so many. Returns the place of the first. */
struct posting *postings_reset(struct postings *postings, unsigned room);

/* Adds an article that is not there. False if it is neither heavy nor late enough. The result depends on
 * the articles, and not on the order in which they come, as long as none is removed. */
bool postings_add(struct postings *postings, struct posting posting);

/* False if the article is not there. */
bool postings_remove(struct postings *postings, int64_t article);

#endif
