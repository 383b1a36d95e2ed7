/* server/worker.h - one thread that serves requests: its loop, listener, database connections and answers.
 * Other threads reach it by messages only. */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include <h2o.h>
#include <pthread.h>
#include <semaphore.h>

#include "server/listener.h"
#include "server/service.h"

struct worker_config {
    h2o_globalconf_t *http;
    struct db_pool_config pool; /* without loop and stats */
    struct process *process;
    struct connection_limit *limit;
    unsigned max_stale_ms; /* see db/change_feed.h */
    unsigned related_ms;
    size_t cache_bytes;     /* this worker's share; 0: nothing is kept */
    struct report *weather; /* the first one; lent; NULL: there is no weather */
    int fd;                 /* it listens already; ownership moves in */
    int ready;              /* an eventfd: 1 is added when the worker accepts connections */
};

struct worker {
    struct service service;

    struct worker_config _config;
    h2o_accept_ctx_t _accept;
    struct listener _listener;
    h2o_multithread_receiver_t _messages;
    struct report
        *_Atomic _next_weather; /* not taken yet; NULL: there is none, and no message about one */
    struct timer _linger, _time_limit; /* of the drain */
    bool _has_given_up;
    sem_t _is_set_up;
    pthread_t _thread;
};

/* Starts the thread, and returns when it takes messages. It accepts connections when its connections to the
 * database are up or have failed. worker: zeroed, and never moved. */
void worker_start(struct worker *worker, const struct worker_config *config);

/* From any thread: news of the database; the worker gets a copy. A worker that has ended ignores them. */
void worker_tell(struct worker *worker, const struct db_change_feed_news *news);

/* From any thread: the change feed is down, and there are no news until it is up again. */
void worker_tell_lost(struct worker *worker);

/* From any thread: a new report of the weather. The worker takes a reference of its own. */
void worker_tell_weather(struct worker *worker, struct report *report);

/* From any thread, once: stop accepting, finish the requests in flight, end. Idle connections get 0.4 s for
 * a last request. The drain always ends within the deadline and half a second. It ends at once where no
 * connection is open. */
void worker_drain(struct worker *worker);

/* True: every request was answered. */
bool worker_join(struct worker *worker);

#endif
