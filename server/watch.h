/* server/watch.h - one a process: hears what changes in the database, tells every worker, and has
 * done there what changes make necessary (db/feed.h, db/publisher.h). On the loop of one worker. */
#ifndef SERVER_WATCH_H
#define SERVER_WATCH_H

#include "db/feed.h"
#include "db/publisher.h"

struct worker;

struct watch_config {
    h2o_loop_t *loop;
    h2o_multithread_receiver_t *resolver;
    const struct db_conninfo *conninfo;
    unsigned max_stale_ms;
    struct worker *workers; /* all of them, ready; the first is the one of this loop */
    size_t nworkers;
};

/* Zeroed, and never moved. */
struct watch {
    struct db_feed_stats feed_stats;
    struct db_publisher_stats publisher_stats;

    struct watch_config _config;
    struct db_feed _feed;
    struct db_publisher _publisher;
    bool _is_running;
};

void watch_start(struct watch *watch, const struct watch_config *config);
void watch_stop(struct watch *watch); /* fine where it was not started; no news come any more */

#endif
