/* import/relate.h - waits until the queue of related lists is empty, while the threads of lists/bulk.h work on it.
 *
 *     relate_init   relate_help (loading)       relate_rest                    relate_finish
 *                        +--> a thread: reads articles --+--> all threads: make lists --+     */
#ifndef IMPORT_RELATE_H
#define IMPORT_RELATE_H

#include <stdbool.h>

#include "import/session.h"

struct relate;

/* Called by relate_rest every now and then. */
typedef void relate_step_fn(struct relate *relate);

struct relate {
    relate_step_fn *stepped;
    char error[512]; /* one line, after relate_rest has returned false */

    struct db_conninfo *_conninfo;
    struct lists_bulk *_bulk;
    unsigned _chunk;
};

/* False: the URL can't be read. chunk: the articles of a transaction that writes; one that reads articles takes four
 * chunks, and one that makes lists takes one. */
bool relate_init(struct relate *relate, const char *database_url, unsigned chunk,
                 relate_step_fn *stepped);

/* Starts one thread, if there is none yet, while others still write articles: useful for a large import. */
void relate_help(struct relate *relate);

/* Blocks until the queue is empty and no part is marked. This includes entries of an earlier import and of other
 * writers. Also returns true when nothing has changed for 30 s, because others have locked the rest: that stays in the
 * queue. False and an error if the database failed. session: of the caller, for questions. */
bool relate_rest(struct relate *relate, struct session *session);

/* Ends the threads at once. What they do stays in the queue. */
void relate_finish(struct relate *relate);

/* The number of articles in the queue. */
bool relate_queued(struct session *session, long *ret_n);

#endif
