/*     background_start --> [thread] run: set_up --> on_news, on_lost ... --> worker_tell
 *     background_stop  --> [thread] on_stop --> finish                                         */
#include "server/background.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container_of.h"
#include "base/gzip.h"
#include "server/log.h"

enum { TRIM_EVERY_MS = 1000 };

static void *run(void *background);
static void set_up(struct background *background);
static void start_weather(struct background *background);
static db_change_feed_news_fn on_news;
static db_change_feed_lost_fn on_lost;
static void log_reliability(struct background *background, const char *unreliable);
static lists_failed_fn on_failed;
static db_event_fn on_change_feed_event, on_related_worker_event;
static void on_report(struct weather *weather, struct report *report);
static void on_city_change(struct weather *weather, const struct city_weather *city);
static void on_round(struct weather *weather, size_t cities, size_t failed, uint64_t took_us);
static timer_fn on_trim;
static void on_stop(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages);

void background_start(struct background *background, const struct background_config *config)
{
    assert(config->nworkers >= 1 && config->nworkers == config->process->nservices);
    background->_config = *config;
    sem_init(&background->_is_set_up, 0, 0);
    int failed = pthread_create(&background->_thread, NULL, run, background);
    assert(!failed);
    while (sem_wait(&background->_is_set_up) != 0)
        ;
    sem_destroy(&background->_is_set_up);
}

static void *run(void *p)
{
    struct background *background = p;
    set_up(background);
    sem_post(&background->_is_set_up);
    while (!background->_is_stopping)
        h2o_evloop_run(background->_loop.h2o, INT32_MAX);
    timer_finish(&background->_trim);
    weather_destroy(background->_weather);
    gzip_finish_thread();
    lists_worker_stop(&background->_lists_worker);
    db_change_feed_finish(&background->_change_feed);
    return NULL;
}

static void set_up(struct background *background)
{
    const struct background_config *config = &background->_config;
    struct process *process = config->process;
    h2o_loop_t *loop = h2o_evloop_create();
    h2o_multithread_queue_t *queue = h2o_multithread_create_queue(loop);
    h2o_multithread_register_receiver(queue, &background->_messages, on_stop);
    h2o_multithread_register_receiver(queue, &background->_resolver, h2o_hostinfo_getaddr_receiver);
    loop_init(&background->_loop, loop, &background->_resolver);
    timer_init(&background->_trim, &background->_loop, on_trim);
    timer_start(&background->_trim, TRIM_EVERY_MS);
    db_change_feed_init(&background->_change_feed,
                        &(struct db_change_feed_config){.loop = &background->_loop,
                                                        .conninfo = config->conninfo,
                                                        .max_stale_ms = config->max_stale_ms,
                                                        .on_news = on_news,
                                                        .on_lost = on_lost,
                                                        .on_event = on_change_feed_event,
                                                        .stats = &process->change_feed});
    lists_worker_start(&background->_lists_worker,
                       &(struct lists_worker_config){.conninfo = config->conninfo,
                                                     .on_failed = on_failed,
                                                     .on_event = on_related_worker_event,
                                                     .stats = &process->related_worker});
    process->lists_worker = &background->_lists_worker;
    if (config->cities != NULL)
        start_weather(background);
}

static void start_weather(struct background *background)
{
    const struct background_config *config = &background->_config;
    weather_user_agent(config->weather, background->_user_agent);
    background->_weather = weather_create(&(struct weather_config){
        .loop = &background->_loop,
        .cities = config->cities,
        .every_s = config->weather->every_s,
        .timeout_ms = config->weather->timeout_ms,
        .parallel = config->weather->parallel,
        .first_retry_ms = WEATHER_FIRST_RETRY_MS,
        .max_retry_ms = WEATHER_MAX_RETRY_MS,
        .max_last_s = WEATHER_MAX_LAST_S,
        .user_agent = background->_user_agent,
        .stats = &config->process->weather,
        .on_report = on_report,
        .on_change = on_city_change,
        .on_round = on_round,
        .data = background,
    });
}

static void on_news(struct db_change_feed *feed, const struct db_change_feed_news *news)
{
    struct background *background = container_of(feed, struct background, _change_feed);
    log_reliability(background, news->unreliable);
    lists_worker_follow(&background->_lists_worker, news->server);
    for (size_t i = 0; i < background->_config.nworkers; i++)
        worker_tell(&background->_config.workers[i], news);
    if (news->everything || news->n > 0)
        lists_worker_wake(&background->_lists_worker);
}

static void on_lost(struct db_change_feed *feed)
{
    struct background *background = container_of(feed, struct background, _change_feed);
    lists_worker_follow(&background->_lists_worker, NULL);
    for (size_t i = 0; i < background->_config.nworkers; i++)
        worker_tell_lost(&background->_config.workers[i]);
}

/* Once for each reason. */
static void log_reliability(struct background *background, const char *unreliable)
{
    char reason[SERVICE_REASON_SIZE];
    snprintf(reason, sizeof(reason), "%s", unreliable != NULL ? unreliable : "");
    if (strcmp(reason, background->_unreliable) == 0)
        return;
    memcpy(background->_unreliable, reason, sizeof(reason));
    if (unreliable != NULL)
        log_event(LOG_ERROR, "changes_unreliable", {"reason", reason},
                  {"message", "the database may not report changes, so nothing is answered from "
                              "memory"});
    else
        log_event(LOG_INFO, "changes_reliable");
}

static void on_failed(struct lists_maker *maker, int64_t article, const char *reason)
{
    (void)maker;
    char id[24];
    snprintf(id, sizeof(id), "%" PRId64, article);
    log_event(LOG_WARN, "related_article_failed", {"article", id}, {"reason", reason},
              {"message", "its related list is not made; it is tried again later, at longer and "
                          "longer intervals; all other articles continue"});
}

static void on_change_feed_event(enum db_event event, const char *why)
{
    switch (event) {
    case DB_EVENT_UP:
        log_event(LOG_INFO, "change_feed_connected");
        return;
    case DB_EVENT_LOST:
        log_event(LOG_WARN, "change_feed_connection_lost", {"reason", why});
        return;
    case DB_EVENT_NO_CONNECT:
    case DB_EVENT_FAILED:
        log_event(LOG_WARN, "change_feed_not_connected", {"reason", why},
                  {"message", "nothing is answered from memory until it is connected; where a "
                              "table or a function is missing, run ./dev migrate"});
        return;
    }
}

static void on_related_worker_event(enum db_event event, const char *why)
{
    switch (event) {
    case DB_EVENT_UP:
        log_event(LOG_INFO, "related_worker_connected");
        return;
    case DB_EVENT_LOST:
        log_event(LOG_WARN, "related_worker_connection_lost", {"reason", why});
        return;
    case DB_EVENT_NO_CONNECT:
        log_event(LOG_WARN, "related_worker_not_connected", {"reason", why});
        return;
    case DB_EVENT_FAILED:
        log_event(LOG_WARN, "related_worker_call_failed", {"reason", why},
                  {"message", "no article is forgotten; the call is made again, after 1 s at first "
                              "and 30 s at most"});
        return;
    }
}

/* ---- the weather */

static void on_report(struct weather *weather, struct report *report)
{
    struct background *background = weather_data(weather);
    for (size_t i = 0; i < background->_config.nworkers; i++)
        worker_tell_weather(&background->_config.workers[i], report);
}

static void on_city_change(struct weather *weather, const struct city_weather *city)
{
    (void)weather;
    if (city->reason == FETCH_OK)
        log_event(LOG_INFO, "weather_works_again", {"city", city->city->name});
    else
        log_event(LOG_WARN, "weather_fails", {"city", city->city->name},
                  {"reason", weather_reason_name(city->reason)}, {"message", city->detail});
}

static void on_round(struct weather *weather, size_t cities, size_t failed, uint64_t took_us)
{
    char ncities[24], nfailed[24], seconds[24];
    (void)weather;
    snprintf(ncities, sizeof(ncities), "%zu", cities);
    snprintf(nfailed, sizeof(nfailed), "%zu", failed);
    snprintf(seconds, sizeof(seconds), "%.3f", (double)took_us / 1e6);
    log_event(LOG_INFO, "weather_round", {"cities", ncities}, {"failed", nfailed},
              {"seconds", seconds});
}

/* ---- memory */

static void on_trim(struct timer *trim)
{
    struct background *background = container_of(trim, struct background, _trim);
    memory_trim(&background->_config.process->memory);
    timer_start(trim, TRIM_EVERY_MS);
}

void background_stop(struct background *background)
{
    h2o_multithread_message_t *message = h2o_mem_alloc(sizeof(*message));
    *message = (h2o_multithread_message_t){{NULL}};
    h2o_multithread_send_message(&background->_messages, message);
    pthread_join(background->_thread, NULL);
}

static void on_stop(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct background *background = container_of(receiver, struct background, _messages);
    while (!h2o_linklist_is_empty(messages)) {
        h2o_multithread_message_t *message =
            container_of(messages->next, h2o_multithread_message_t, link);
        h2o_linklist_unlink(&message->link);
        free(message);
        background->_is_stopping = true;
    }
}
