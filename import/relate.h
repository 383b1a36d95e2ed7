/* import/relate.h - makes the related lists of the queue, in two sessions: the importer's own, and that
 * of a helper thread, which reads new articles while the importer still loads others.
 *
 *     relate_init   relate_help   (loading)     relate_rest       relate_finish
 *                        |                      parses, then makes lists --+
 *                        +--> thread: reads articles,  then makes lists ---+                         */
#ifndef IMPORT_RELATE_H
#define IMPORT_RELATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "import/session.h"

struct relate;

/* Called by relate_rest after each step. */
typedef void relate_step_fn(struct relate *relate);

struct relate {
    relate_step_fn *stepped;

    const char *_database_url;
    long _chunk;
    pthread_t _helper;
    bool _has_helper;
    atomic_bool _is_loaded, _is_over;
};

/* The URL is borrowed until relate_finish. chunk: the articles of a transaction that writes; one that reads takes two
 * chunks, and one that makes lists takes half a chunk. */
void relate_init(struct relate *relate, const char *database_url, unsigned chunk,
                 relate_step_fn *stepped);

/* Starts the helper if there is none yet. This is useful for a large import. If the helper fails,
 * relate_rest does its work too. */
void relate_help(struct relate *relate);

/* Blocks until the queue is empty and no list is stale. This includes entries of an earlier import and
 * of other writers. Also returns true when nothing has changed for 30 s, because others have locked the
 * rest: that stays in the queue. False if the session failed. */
bool relate_rest(struct relate *relate, struct session *session);

/* Ends the helper after its current step. */
void relate_finish(struct relate *relate);

/* The number of articles in the queue. */
bool relate_queued(struct session *session, long *ret_n);

#endif
