#include "server/background.h"

#include "base/container_of.h"
#include "server/log.h"
#include "server/worker.h"

static db_change_feed_news_fn on_news;
static db_change_feed_lost_fn on_lost;
static db_event_fn on_change_feed_event, on_related_worker_event;

void background_start(struct background *watch, const struct background_config *config)
{
    watch->_config = *config;
    watch->_is_running = true;
    db_change_feed_init(&watch->_change_feed,
                        &(struct db_change_feed_config){.loop = config->loop,
                                                        .conninfo = config->conninfo,
                                                        .max_stale_ms = config->max_stale_ms,
                                                        .on_news = on_news,
                                                        .on_lost = on_lost,
                                                        .on_event = on_change_feed_event,
                                                        .stats = &watch->change_feed_stats});
    db_related_worker_init(&watch->_related_worker, &(struct db_related_worker_config){
                                                        .loop = config->loop,
                                                        .conninfo = config->conninfo,
                                                        .on_event = on_related_worker_event,
                                                        .stats = &watch->related_worker_stats});
}

void background_stop(struct background *watch)
{
    if (!watch->_is_running)
        return;
    watch->_is_running = false;
    db_related_worker_finish(&watch->_related_worker);
    db_change_feed_finish(&watch->_change_feed);
}

static void on_news(struct db_change_feed *feed, const struct db_change_feed_news *news)
{
    struct background *watch = container_of(feed, struct background, _change_feed);
    for (size_t i = 0; i < watch->_config.nworkers; i++)
        worker_tell(&watch->_config.workers[i], news);
    db_related_worker_follow(&watch->_related_worker, news->server);
    if (news->everything || news->n > 0)
        db_related_worker_wake(&watch->_related_worker);
}

static void on_lost(struct db_change_feed *feed)
{
    struct background *watch = container_of(feed, struct background, _change_feed);
    for (size_t i = 0; i < watch->_config.nworkers; i++)
        worker_tell_lost(&watch->_config.workers[i]);
    db_related_worker_follow(&watch->_related_worker, NULL);
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
                  {"message", "until it is, nothing is answered from memory; where a table or a "
                              "function is absent, bring the schema up to date: ./dev migrate"});
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
                  {"message", "no article is forgotten: it is tried again each second"});
        return;
    }
}
