/* lists/maker.h - makes related lists from the queue that the database keeps: the steps of the work, each a
 * transaction, on a session that blocks.
 *
 *     published just now --> lists_make_first: a list, without anything else
 *     written articles --> lists_read: text --> related/ --> terms, counts, postings; their lists are queued
 *     queued lists     --> lists_make: candidates --> related/ --> cards; the lists that an article enters are queued
 *     marked parts     --> lists_write_marks
 *
 * A step takes a batch. Where the server answers with an error, each article of the batch is tried by itself; one that
 * fails alone is reported, and tried again later. An interrupted step has done nothing.
 *
 * Threads: a maker belongs to the thread of its session. */
#ifndef LISTS_MAKER_H
#define LISTS_MAKER_H

#include "base/counter.h"
#include "lists/session.h"
#include "related/index.h"
#include "related/story.h"
#include "related/terms.h"

/* The version of the analysis and the ranking. A change of related/ that makes other terms, vectors or lists adds one:
 * then all that is stored is made again, in idle time. */
enum { LISTS_ANALYSIS = 1 };

enum lists_size {
    LISTS_FEW,
    LISTS_SHORT,
    LISTS_FULL,
    LISTS_NSIZES
}; /* fewer than 3, fewer than 6, 6 cards */
enum { LISTS_MAX_VERSIONS = 3 };

/* Written by one thread, read by any. */
struct lists_stats {
    struct counter connections[DB_CONN_NSTATES]; /* 1 in the state of the connection */
    struct counter calls, failures; /* transactions, and those that failed as a whole */
    struct counter articles;        /* read, lists made, and marked parts written */
    struct counter failed_articles; /* each failure of an article counts */
    struct counter trimmed;         /* rows of the change log */

    struct counter lists[LISTS_NSIZES], list_us; /* made, and the time that their steps took */

    /* As lists_read_status() has found it last. */
    struct counter queued, queue_age_s; /* rows of the queue, and the age of the oldest */
    struct {
        struct counter analysis, age_s; /* 0 and 0: there is no such version */
    } oldest[LISTS_MAX_VERSIONS];       /* the list that was made longest ago, by version */
};

struct lists_maker;

/* An article made PostgreSQL fail. reason: the words of PostgreSQL; lent. */
typedef void lists_failed_fn(struct lists_maker *maker, int64_t article_id, const char *reason);

struct lists_maker {
    struct lists_session *session;
    struct lists_stats *stats;
    lists_failed_fn *on_failed; /* may be NULL */

    /* Private. */
    struct words *_words;
    struct language *_language; /* NULL: languages are not recognised */
    struct terms _terms;
    struct candidates _candidates;
};

/* The first three members are the caller's. */
void lists_maker_init(struct lists_maker *maker);
void lists_maker_finish(struct lists_maker *maker);

/* These return the number of articles, lists or parts that were worked off, also those that failed; 0: there is nothing
 * to do for this caller now; -1: the step failed as a whole, and lists_session_error() says why. most: of a step. */
int lists_write_marks(struct lists_maker *maker, int most);

/* Makes a first list of articles that are published now and have none: readers wait for it. The articles stay in the
 * queue. Where that fails, 0: the next steps find out why; -1 where the connection is lost, or no longer of use. */
int lists_make_first(struct lists_maker *maker, int most);

int lists_read(struct lists_maker *maker, int most);
int lists_make(struct lists_maker *maker, int most);

/* One step of each kind: first lists, marks, articles, lists. The sum of what they return; -1: one failed as a whole, and
 * the ones after it were left out. most: articles of a step. */
int lists_round(struct lists_maker *maker, int most, int most_marks);

/* Reads the state of the queue and the age of the lists into the stats. False: that failed. */
bool lists_read_status(struct lists_maker *maker);

/* Queues up to `most` lists that were made longest ago and more than `older_than` (an interval of PostgreSQL) ago, or
 * by an older version of the analysis. 0 while there is other work. */
int lists_queue_oldest(struct lists_maker *maker, const char *older_than, int most);

#endif
