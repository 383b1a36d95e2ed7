/* lists/builder.h - the lists of a step, and the articles that they may show. For make.c, fill.c and explain.c only.
 *
 * An article is asked for, by builder_want() or builder_want_story(), and read together with all others that are asked
 * for. */
#ifndef LISTS_BUILDER_H
#define LISTS_BUILDER_H

#include "base/table.h"
#include "db/array.h"
#include "lists/maker_private.h"

/* An article that a list of the batch may show, or whose list it is. */
struct known {
    struct table_node node; /* by its id */
    struct known *before;
    struct profile profile;
    struct vector vector;
    int64_t revision;
    struct story *story; /* NULL: there is none, or it is not read */
    bool is_there;       /* it has been read; perhaps it was withdrawn since then */
    enum { STORY_UNKNOWN, STORY_WANTED, STORY_READ } story_state;
};

/* Two articles of which one was left out. */
struct same_story {
    const struct known *one, *other;
};

/* A list of the batch. */
struct list {
    struct rank_stories stories;
    struct builder *builder;
    struct known *article; /* its id may not be there: then the list is empty */
    struct query query;
    struct finalist finalist[RANK_FINALISTS];
    unsigned nfinalists;
    int64_t neighbour
        [RANK_NEIGHBOURS]; /* candidates, best first; the finalists are the first of them */
    unsigned nneighbours;
    int64_t card[RANK_CARDS];
    float score[RANK_CARDS];
    unsigned ncards;
    struct same_story same[RANK_FINALISTS]; /* one for each finalist that was left out, at most */
    unsigned nsame;
    bool lacks_story; /* the choice is not the last one */
};

struct builder {
    struct lists_maker *maker;
    struct table table;     /* of struct known */
    struct known *last;     /* of those that were asked for; each knows the one before */
    struct db_array wanted; /* ids: of vectors, or of stories */
    struct list *list;
    size_t n;
    struct index index;
    bool
        is_first; /* first lists: the index has what is stored of the articles' terms, and no other list is queued */
};

void builder_init(struct builder *builder, struct lists_maker *maker);
void builder_finish(struct builder *builder); /* frees the lists too */

struct known *builder_find(const struct builder *builder,
                           int64_t id); /* NULL: nobody has asked for it */

/* The article, whose terms builder_read_vectors() will read if it has not. */
struct known *builder_want(struct builder *builder, int64_t id);
bool builder_read_vectors(struct builder *builder);

/* Is its story read? Otherwise builder_read_stories() will do so. */
bool builder_want_story(struct builder *builder, struct known *known);
bool builder_read_stories(struct builder *builder);

/* Makes the lists of these articles, once for each builder: all but the writing. is_published: as newly published
 * articles, which are compared with more candidates. False: a statement failed. */
bool builder_make(struct builder *builder, const int64_t *articles, size_t n, bool is_published);

/* An article without a story is the same as no other. */
bool known_are_same(const struct known *one, const struct known *other);

/* A list gets three cards where the section has three other stories among its newest, and one where it has one among
 * its newest thousand. */
bool builder_fill(struct builder *builder);

#endif
