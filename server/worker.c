/*     worker_start --> [thread] run: wait for the database --> accept, serve ... --> finish
 *     worker_run_background --> [thread] on_message --> background_start ... worker_tell
 *     worker_tell  --> [thread] on_message --> on_news
 *     worker_drain --> [thread] on_message --> drain --> on_linger_over --> (on_patience_over)       */
#include "server/worker.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/log.h"

enum { LINGER_MS = 400, PATIENCE_MS = 500 };

enum message_kind { MESSAGE_RUN_BACKGROUND, MESSAGE_NEWS, MESSAGE_LOST, MESSAGE_DRAIN };

/* The ways in from another thread. */
struct message {
    h2o_multithread_message_t super;
    enum message_kind kind;
    struct db_change_feed_news news; /* its keys are behind it */
    char server[DB_IDENTITY_BYTES];
    uint64_t keys[];
};

static void *run(void *worker);
static void set_up(struct worker *worker);
static struct message *new_message(enum message_kind kind, size_t nkeys);
static void on_message(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages);
static void watch(struct worker *worker);
static void on_news(struct worker *worker, const struct db_change_feed_news *news);
static void drain(struct worker *worker);
static timer_fn on_linger_over, on_patience_over;
static bool is_over(const struct worker *worker);

void worker_start(struct worker *worker, const struct worker_config *config)
{
    worker->_config = *config;
    int failed = pthread_create(&worker->_thread, NULL, run, worker);
    assert(!failed);
}

static void *run(void *p)
{
    struct worker *worker = p;
    set_up(worker);
    h2o_loop_t *loop = worker->ctx.loop;

    while (!db_pool_has_settled(worker->pool))
        h2o_evloop_run(loop, INT32_MAX);
    listener_open(&worker->_listener, &worker->loop, worker->_config.fd, &worker->_accept,
                  worker->_config.limit, &worker->metrics);
    sem_post(worker->_config.ready);

    while (!is_over(worker))
        h2o_evloop_run(loop, INT32_MAX);

    /* The context stays: a look-up of a host name that was given up may still send it a message. */
    if (!worker->_has_lost_patience) {
        db_pool_destroy(worker->pool);
        answer_cache_finish(&worker->answers);
    }
    return NULL;
}

/* On the worker's own thread: libh2o recycles the buffers of sockets on a list of the thread that made
 * the socket, and a loop has sockets from its first moment. */
static void set_up(struct worker *worker)
{
    h2o_context_init(&worker->ctx, h2o_evloop_create(), worker->_config.http);
    worker->_accept = (h2o_accept_ctx_t){.ctx = &worker->ctx, .hosts = worker->_config.http->hosts};
    h2o_multithread_register_receiver(worker->ctx.queue, &worker->_messages, on_message);
    answer_cache_init(&worker->answers, worker->_config.cache_bytes, worker->_config.max_stale_ms);
    loop_init(&worker->loop, worker->ctx.loop, &worker->ctx.receivers.hostinfo_getaddr);
    timer_init(&worker->_linger, &worker->loop, on_linger_over);
    timer_init(&worker->_patience, &worker->loop, on_patience_over);

    struct db_pool_config pool = worker->_config.pool;
    pool.loop = &worker->loop;
    pool.stats = &worker->pool_stats;
    worker->pool = db_pool_create(&pool);
}

static struct message *new_message(enum message_kind kind, size_t nkeys)
{
    struct message *message = h2o_mem_alloc(sizeof(*message) + nkeys * sizeof(message->keys[0]));
    *message = (struct message){.kind = kind};
    return message;
}

void worker_run_background(struct worker *worker)
{
    h2o_multithread_send_message(&worker->_messages,
                                 &new_message(MESSAGE_RUN_BACKGROUND, 0)->super);
}

void worker_tell(struct worker *worker, const struct db_change_feed_news *news)
{
    struct message *message = new_message(MESSAGE_NEWS, news->n);
    message->news = *news;
    message->news.keys = message->keys;
    snprintf(message->server, sizeof(message->server), "%s", news->server);
    for (size_t i = 0; i < news->n; i++)
        message->keys[i] = news->keys[i] / 16;
    h2o_multithread_send_message(&worker->_messages, &message->super);
}

void worker_tell_lost(struct worker *worker)
{
    h2o_multithread_send_message(&worker->_messages, &new_message(MESSAGE_LOST, 0)->super);
}

void worker_drain(struct worker *worker)
{
    h2o_multithread_send_message(&worker->_messages, &new_message(MESSAGE_DRAIN, 0)->super);
}

static void on_message(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct worker *worker = container_of(receiver, struct worker, _messages);
    while (!h2o_linklist_is_empty(messages)) {
        struct message *message = container_of(messages->next, struct message, super.link);
        h2o_linklist_unlink(&message->super.link);
        switch (message->kind) {
        case MESSAGE_RUN_BACKGROUND:
            watch(worker);
            break;
        case MESSAGE_NEWS:
            message->news.everything |= db_pool_follow(worker->pool, message->server);
            on_news(worker, &message->news);
            break;
        case MESSAGE_LOST:
            db_pool_follow(worker->pool, NULL);
            break;
        case MESSAGE_DRAIN:
            drain(worker);
            break;
        }
        free(message);
    }
}

static void watch(struct worker *worker)
{
    const struct worker_config *config = &worker->_config;
    background_start(&worker->background,
                     &(struct background_config){.loop = &worker->loop,
                                                 .conninfo = config->pool.conninfo,
                                                 .max_stale_ms = config->max_stale_ms,
                                                 .workers = worker->all,
                                                 .nworkers = worker->nall});
}

static void on_news(struct worker *worker, const struct db_change_feed_news *news)
{
    answer_cache_on_news(&worker->answers, news);
}

static void drain(struct worker *worker)
{
    background_stop(&worker->background);
    worker->_is_draining = true;
    listener_close(&worker->_listener);
    h2o_context_request_shutdown(&worker->ctx); /* answers say "connection: close" from now on */
    unsigned deadline_ms = worker->_config.pool.deadline_ms;
    timer_start(&worker->_linger, LINGER_MS < deadline_ms ? LINGER_MS : deadline_ms);
    timer_start(&worker->_patience, deadline_ms + PATIENCE_MS);
}

/* The end of the input makes libh2o close a connection on which no request is under way; a request
 * that has arrived by now is still read and answered. */
static int end_input(h2o_req_t *req, void *unused)
{
    (void)unused;
    bool is_idle = req->version == 0;
    if (is_idle)
        shutdown(h2o_socket_get_fd(req->conn->callbacks->get_socket(req->conn)), SHUT_RD);
    return 0;
}

static void on_linger_over(struct timer *timer)
{
    struct worker *worker = container_of(timer, struct worker, _linger);
    worker->ctx.globalconf->http1.callbacks.foreach_request(&worker->ctx, end_input, NULL);
}

static void on_patience_over(struct timer *timer)
{
    struct worker *worker = container_of(timer, struct worker, _patience);
    char left[24];
    snprintf(left, sizeof(left), "%llu",
             (unsigned long long)counter_get(&worker->metrics.connections));
    log_event(LOG_WARN, "drain_gave_up", {"connections", left});
    worker->_has_lost_patience = true;
}

static bool is_over(const struct worker *worker)
{
    return worker->_is_draining &&
           (counter_get(&worker->metrics.connections) == 0 || worker->_has_lost_patience);
}

bool worker_join(struct worker *worker)
{
    pthread_join(worker->_thread, NULL);
    return !worker->_has_lost_patience;
}
