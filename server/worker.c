/*     worker_start --> [thread] run: wait for the database --> accept, serve ... --> finish
 *     worker_tell  --> [thread] on_message --> on_news
 *     worker_drain --> [thread] on_message --> drain --> on_linger_over --> (on_time_limit)        */
#include "server/worker.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/log.h"

enum {
    LINGER_MS = 400, /* of connections without a request, at most */
    LIMIT_MS = 500,  /* the drain may take so long after the deadline of the requests */
};

enum message_kind { MESSAGE_NEWS, MESSAGE_LOST, MESSAGE_WEATHER, MESSAGE_DRAIN };

struct message {
    h2o_multithread_message_t super;
    enum message_kind kind;
    struct db_change_feed_news news; /* its keys and texts are behind it */
    uint64_t keys[];
};

static void *run(void *worker);
static void set_up(struct worker *worker);
static void open_listener(struct worker *worker);
static struct message *copy_news(const struct db_change_feed_news *news);
static void send_message(struct worker *worker, struct message *message);
static void on_message(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages);
static void on_news(struct service *service, const struct db_change_feed_news *news);
static void on_lost(struct service *service);
static void drain(struct worker *worker);
static timer_fn on_linger_over, on_time_limit;
static bool is_over(const struct worker *worker);

void worker_start(struct worker *worker, const struct worker_config *config)
{
    assert(config->fd != -1 && config->ready != -1 && config->pool.deadline_ms >= 1);
    worker->_config = *config;
    sem_init(&worker->_is_set_up, 0, 0);
    int failed = pthread_create(&worker->_thread, NULL, run, worker);
    assert(!failed);
    while (sem_wait(&worker->_is_set_up) != 0)
        ;
    sem_destroy(&worker->_is_set_up);
}

static void *run(void *p)
{
    struct worker *worker = p;
    struct service *service = &worker->service;
    set_up(worker);
    sem_post(&worker->_is_set_up);

    while (!db_pool_has_settled(service->pool) && !service->is_draining)
        h2o_evloop_run(service->ctx.loop, INT32_MAX);
    open_listener(worker);
    while (!is_over(worker))
        h2o_evloop_run(service->ctx.loop, INT32_MAX);

    /* The context stays: the resolver may still send it a message about a look-up that was given up. */
    if (!worker->_has_given_up) {
        weather_view_finish(&service->weather);
        report_release(worker->_next_weather);
        answer_cache_finish(&service->answers);
        db_pool_destroy(service->pool);
    }
    return NULL;
}

/* On the worker's own thread: libh2o recycles the buffers of sockets on a list of the thread that made
 * the socket, and a loop has sockets from its first moment. */
static void set_up(struct worker *worker)
{
    struct service *service = &worker->service;
    const struct worker_config *config = &worker->_config;
    h2o_context_init(&service->ctx, h2o_evloop_create(), config->http);
    worker->_accept = (h2o_accept_ctx_t){.ctx = &service->ctx, .hosts = config->http->hosts};
    h2o_multithread_register_receiver(service->ctx.queue, &worker->_messages, on_message);
    service_take_tasks(service);
    loop_init(&service->loop, service->ctx.loop, &service->ctx.receivers.hostinfo_getaddr);
    timer_init(&worker->_linger, &service->loop, on_linger_over);
    timer_init(&worker->_time_limit, &service->loop, on_time_limit);
    answer_cache_init(&service->answers, config->cache_bytes, config->max_stale_ms);
    service->process = config->process;
    service->deadline_ms = config->pool.deadline_ms;
    service->related_ms = config->related_ms;
    if (config->weather != NULL)
        weather_view_update(&service->weather, report_hold(config->weather));

    struct db_pool_config pool = config->pool;
    pool.loop = &service->loop;
    pool.stats = &service->pool_stats;
    service->pool = db_pool_create(&pool);
}

/* A drain may have begun before the database has answered. */
static void open_listener(struct worker *worker)
{
    struct service *service = &worker->service;
    if (service->is_draining) {
        close(worker->_config.fd);
        return;
    }
    listener_open(&worker->_listener, &service->loop, worker->_config.fd, &worker->_accept,
                  worker->_config.limit, &service->metrics);
    int failed = eventfd_write(worker->_config.ready, 1);
    assert(!failed);
}

void worker_tell(struct worker *worker, const struct db_change_feed_news *news)
{
    send_message(worker, copy_news(news));
}

/* In one allocation: the message, the keys, the two texts. */
static struct message *copy_news(const struct db_change_feed_news *news)
{
    assert(news->server != NULL);
    size_t server = strlen(news->server) + 1;
    size_t unreliable = news->unreliable != NULL ? strlen(news->unreliable) + 1 : 0;
    size_t keys = news->n * sizeof(news->keys[0]);
    struct message *message = h2o_mem_alloc(sizeof(struct message) + keys + server + unreliable);
    *message = (struct message){.kind = MESSAGE_NEWS, .news = *news};
    char *texts = (char *)message->keys + keys;
    if (keys > 0)
        memcpy(message->keys, news->keys, keys);
    memcpy(texts, news->server, server);
    message->news.keys = message->keys;
    message->news.server = texts;
    if (unreliable > 0) {
        memcpy(texts + server, news->unreliable, unreliable);
        message->news.unreliable = texts + server;
    }
    return message;
}

static struct message *new_message(enum message_kind kind)
{
    struct message *message = h2o_mem_alloc(sizeof(struct message));
    *message = (struct message){.kind = kind};
    return message;
}

void worker_tell_lost(struct worker *worker)
{
    send_message(worker, new_message(MESSAGE_LOST));
}

void worker_tell_weather(struct worker *worker, struct report *report)
{
    struct report *before = atomic_exchange(&worker->_next_weather, report_hold(report));
    if (before == NULL)
        send_message(worker, new_message(MESSAGE_WEATHER));
    report_release(before);
}

void worker_drain(struct worker *worker)
{
    send_message(worker, new_message(MESSAGE_DRAIN));
}

static void send_message(struct worker *worker, struct message *message)
{
    h2o_multithread_send_message(&worker->_messages, &message->super);
}

static void on_message(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct worker *worker = container_of(receiver, struct worker, _messages);
    while (!h2o_linklist_is_empty(messages)) {
        struct message *message = container_of(messages->next, struct message, super.link);
        h2o_linklist_unlink(&message->super.link);
        switch (message->kind) {
        case MESSAGE_NEWS:
            on_news(&worker->service, &message->news);
            break;
        case MESSAGE_LOST:
            on_lost(&worker->service);
            break;
        case MESSAGE_WEATHER:
            weather_view_update(&worker->service.weather,
                                atomic_exchange(&worker->_next_weather, NULL));
            break;
        case MESSAGE_DRAIN:
            drain(worker);
            break;
        }
        free(message);
    }
}

static void on_news(struct service *service, const struct db_change_feed_news *news)
{
    if (db_pool_follow(service->pool, news->server))
        answer_cache_drop_all(&service->answers);
    snprintf(service->unreliable, sizeof(service->unreliable), "%s",
             news->unreliable != NULL ? news->unreliable : "");
    answer_cache_on_news(&service->answers, news);
}

static void on_lost(struct service *service)
{
    if (db_pool_follow(service->pool, NULL))
        answer_cache_drop_all(&service->answers);
    answer_cache_on_lost(&service->answers);
}

static void drain(struct worker *worker)
{
    struct service *service = &worker->service;
    assert(!service->is_draining);
    service->is_draining = true;
    listener_close(&worker->_listener);
    h2o_context_request_shutdown(&service->ctx); /* answers say "connection: close" from now on */
    timer_start(&worker->_linger,
                LINGER_MS < service->deadline_ms ? LINGER_MS : service->deadline_ms);
    timer_start(&worker->_time_limit, service->deadline_ms + LIMIT_MS);
}

/* The end of its input makes libh2o close a connection that has no request; it still reads and answers a
 * request that has arrived by now. */
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
    h2o_context_t *ctx = &worker->service.ctx;
    ctx->globalconf->http1.callbacks.foreach_request(ctx, end_input, NULL);
}

static void on_time_limit(struct timer *timer)
{
    struct worker *worker = container_of(timer, struct worker, _time_limit);
    char left[24];
    snprintf(left, sizeof(left), "%llu",
             (unsigned long long)counter_get(&worker->service.metrics.connections));
    log_event(LOG_WARN, "drain_gave_up", {"connections", left});
    worker->_has_given_up = true;
}

static bool is_over(const struct worker *worker)
{
    return worker->service.is_draining &&
           (counter_get(&worker->service.metrics.connections) == 0 || worker->_has_given_up);
}

bool worker_join(struct worker *worker)
{
    pthread_join(worker->_thread, NULL);
    return !worker->_has_given_up;
}
