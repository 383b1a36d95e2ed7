/* tests/lists/relater.h - does the work on related lists in the test's own thread, as a server's thread does it.
 *
 * Errors: abort the test, unless a function says otherwise. */
#ifndef TESTS_LISTS_RELATER_H
#define TESTS_LISTS_RELATER_H

#include "lists/maker.h"

struct relater {
    struct lists_maker maker;
    struct lists_session session;
    struct lists_stats stats;
    struct db_conninfo *conninfo;
    struct relater *next; /* of those that are closed */
    char failed[200];     /* the articles that failed, as "15 15 7 " */
    char reason[LISTS_ERROR_SIZE];
};

/* The caller closes it. One at a time in a thread. */
struct relater *relater_open(const char *url);
void relater_close(struct relater *relater);

/* One step of each kind, each for at most so many articles. Returns the sum of what they did; -1: one failed as a
 * whole. */
int relater_round(struct relater *relater, int most);

/* Rounds until nothing is left to do. */
void relater_work(struct relater *relater);

/* The same with a relater of its own. */
void relate(const char *url);

#endif
