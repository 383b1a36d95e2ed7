/* lists/bulk.h - works on the queue of related lists with several threads, for programs that wait until it is empty.
 *
 *     start: articles are read, and lists wait, since later articles may belong to them
 *     begin_lists: all the work --> stop                                                  */
#ifndef LISTS_BULK_H
#define LISTS_BULK_H

#include <stdbool.h>

struct db_conninfo;
struct lists_bulk;

enum { LISTS_BULK_MAX_THREADS = 4 }; /* so many can make lists at the same time */

struct lists_bulk_config {
    const struct db_conninfo *conninfo; /* outlives the threads */
    int read_most, make_most;           /* articles of a transaction */
};

/* No thread runs yet. Destroy it with lists_bulk_stop(). */
struct lists_bulk *lists_bulk_create(const struct lists_bulk_config *config);

/* Lets so many threads run, at most LISTS_BULK_MAX_THREADS. Does nothing where as many run already. */
void lists_bulk_add_threads(struct lists_bulk *bulk, unsigned upto);

void lists_bulk_begin_lists(struct lists_bulk *bulk);

/* NULL while a thread works; otherwise why the last one has ended. */
const char *lists_bulk_error(struct lists_bulk *bulk);

/* Ends the threads, which leave what they do in the queue. */
void lists_bulk_stop(struct lists_bulk *bulk);

#endif
