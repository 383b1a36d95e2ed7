/* server/worker.h - one thread with all that it needs: loop, listener, database connections, numbers.
 * Nothing is shared with other workers but the configuration, which never changes, and the cap on
 * connections. A message is the only way in from another thread. */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include <h2o.h>
#include <pthread.h>
#include <semaphore.h>

#include "base/container_of.h"
#include "db/pool.h"
#include "server/answer_cache.h"
#include "server/background.h"
#include "server/listener.h"
#include "server/metrics.h"

struct worker_config {
    h2o_globalconf_t *http;
    struct db_pool_config pool; /* less loop and stats */
    struct connection_limit *limit;
    unsigned max_stale_ms; /* see db/change_feed.h */
    size_t cache_bytes;    /* this worker's share; 0: nothing is kept */
    int fd;                /* bound; taken */
    sem_t *ready;          /* posted once, when the worker accepts connections */
};

struct worker {
    h2o_context_t ctx;
    struct loop loop;
    struct db_pool *pool;
    struct db_pool_stats pool_stats;
    struct metrics metrics;
    struct answer_cache answers;
    struct background background; /* the first worker's runs; the others' is all zero */

    struct worker *all; /* every worker of the process, this one among them */
    size_t nall;

    struct worker_config _config;
    h2o_accept_ctx_t _accept;
    struct listener _listener;
    h2o_multithread_receiver_t _messages;
    struct timer _linger, _patience; /* of the drain */
    bool _is_draining, _has_lost_patience;
    pthread_t _thread;
};

/* The worker that a request belongs to. */
static inline struct worker *worker_of(const h2o_req_t *req)
{
    return container_of(req->conn->ctx, struct worker, ctx);
}

/* Starts the thread. It first waits until its database connections are up, or have failed, and then
 * accepts. worker: zeroed but for all and nall; never moved. */
void worker_start(struct worker *worker, const struct worker_config *config);

/* From any thread, once, and not before every worker is ready: this one watches the database for all. */
void worker_run_background(struct worker *worker);

/* From any thread: news of the database, of which it takes a copy. They may come too late, to a worker
 * that has ended. */
void worker_tell(struct worker *worker, const struct db_change_feed_news *news);
void worker_tell_lost(struct worker *worker); /* the change feed is down */

/* From any thread, once, and not before the worker is ready: stop accepting, finish what is in lookup,
 * end. Connections that are idle are given 0.4 s for a last request; all is over by the deadline and
 * half a second, whatever clients and database do. */
void worker_drain(struct worker *worker);

/* True: every request that it had was answered. */
bool worker_join(struct worker *worker);

static inline bool worker_is_draining(const struct worker *worker)
{
    return worker->_is_draining;
}

#endif
