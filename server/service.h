/* server/service.h - the parts of a thread and of the process that handlers may use.
 *
 * A thread owns its service. Other threads may only read the counters in it. */
#ifndef SERVER_SERVICE_H
#define SERVER_SERVICE_H

#include <h2o.h>

#include "base/container_of.h"
#include "db/pool.h"
#include "lists/worker.h"
#include "server/answer_cache.h"
#include "server/memory.h"
#include "server/metrics.h"
#include "server/weather_view.h"
#include "weather/weather.h"

struct service;

/* The parts of the process that all threads share. */
struct process {
    struct memory memory;
    struct service **services; /* of all threads; set before the first request */
    size_t nservices;

    /* Written by the background thread, those of the lists by the lists thread; read by any. */
    struct db_change_feed_stats change_feed;
    struct lists_stats related_worker;
    struct lists_worker *_Atomic lists_worker; /* NULL: it has not been started */
    bool has_weather;
    struct weather_stats weather;
};

enum { SERVICE_REASON_SIZE = 256 };

struct service {
    h2o_context_t ctx;
    struct loop loop;
    struct db_pool *pool;
    struct db_pool_stats pool_stats;
    struct answer_cache answers;
    struct weather_view weather;
    struct metrics metrics;
    struct process *process;
    unsigned deadline_ms; /* of a request */
    unsigned related_ms;  /* how long an article waits for its related list */
    bool is_draining;
    char unreliable[SERVICE_REASON_SIZE]; /* why changes may go unreported; "": they are reported */

    h2o_multithread_receiver_t _tasks;
};

struct service_task;
typedef void service_task_fn(struct service_task *task);

/* A call on the thread of a service. Embed it. */
struct service_task {
    h2o_multithread_message_t _message;
    service_task_fn *run;
};

/* On the thread of the service, once: it takes tasks from now on. */
void service_take_tasks(struct service *service);

/* From any thread: task->run is called on the thread of the service. Until then the task is not touched. A service that
 * has ended never calls it. */
void service_run(struct service *service, struct service_task *task);

/* The service of the thread that the request belongs to. */
static inline struct service *service_of(const h2o_req_t *req)
{
    return container_of(req->conn->ctx, struct service, ctx);
}

#endif
