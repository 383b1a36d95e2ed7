/* import/relate.h - the queue of related lists, worked off by two sessions: the importer's own and that
 * of a helper, which reads what has landed while the importer still loads.
 *
 *     relate_init   relate_help   loading ...   relate_rest   relate_finish
 *                        |                      parses ahead ...  makes lists --+
 *                        +--> a thread: reads ..........  makes lists ----------+                    */
#ifndef IMPORT_RELATE_H
#define IMPORT_RELATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "import/session.h"

struct relate;

/* Called by relate_rest between two steps. */
typedef void relate_step_fn(struct relate *relate);

struct relate {
    relate_step_fn *stepped;

    const char *_database_url;
    pthread_t _helper;
    bool _has_helper;
    atomic_bool _is_loaded, _is_over;
};

/* The URL is borrowed until relate_finish. */
void relate_init(struct relate *relate, const char *database_url, relate_step_fn *stepped);

/* Starts the helper, where there is none yet: worth it once an import is large. It does its best: where
 * it fails, relate_rest does its work too. */
void relate_help(struct relate *relate);

/* Blocks until the queue is empty and no list is stale, also of what an earlier run has left and what
 * others have queued meanwhile; or until nothing has moved for 30 s, because others hold what the rest needs: that stays
 * in the queue. False where the session failed. */
bool relate_rest(struct relate *relate, struct session *session);

/* Ends the helper after the step that it is at. */
void relate_finish(struct relate *relate);

/* How many articles wait. */
bool relate_queued(struct session *session, long *ret_n);

#endif
