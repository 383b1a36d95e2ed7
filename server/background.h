/* server/background.h - one a process: hears what changes in the database, tells every worker, and has
 * done there what changes make necessary (db/change_feed.h, db/related_worker.h). On the loop of one worker. */
#ifndef SERVER_BACKGROUND_H
#define SERVER_BACKGROUND_H

#include "db/change_feed.h"
#include "db/related_worker.h"

struct worker;

struct background_config {
    struct loop *loop;
    const struct db_conninfo *conninfo;
    unsigned max_stale_ms;
    struct worker *workers; /* all of them, ready; the first is the one of this loop */
    size_t nworkers;
};

/* Zeroed, and never moved. */
struct background {
    struct db_change_feed_stats change_feed_stats;
    struct db_related_worker_stats related_worker_stats;

    struct background_config _config;
    struct db_change_feed _change_feed;
    struct db_related_worker _related_worker;
    bool _is_running;
};

void background_start(struct background *watch, const struct background_config *config);
void background_stop(
    struct background *watch); /* fine where it was not started; no news come any more */

#endif
