#include "server/watch.h"

#include "base/container_of.h"
#include "server/log.h"
#include "server/worker.h"

static db_feed_news_fn on_news;
static db_event_fn on_feed_event, on_publisher_event;

void watch_start(struct watch *watch, const struct watch_config *config)
{
    watch->_config = *config;
    watch->_is_running = true;
    db_feed_init(&watch->_feed, &(struct db_feed_config){.loop = config->loop,
                                                         .resolver = config->resolver,
                                                         .conninfo = config->conninfo,
                                                         .max_stale_ms = config->max_stale_ms,
                                                         .on_news = on_news,
                                                         .on_event = on_feed_event,
                                                         .stats = &watch->feed_stats});
    db_publisher_init(&watch->_publisher,
                      &(struct db_publisher_config){.loop = config->loop,
                                                    .resolver = config->resolver,
                                                    .conninfo = config->conninfo,
                                                    .on_event = on_publisher_event,
                                                    .stats = &watch->publisher_stats});
}

void watch_stop(struct watch *watch)
{
    if (!watch->_is_running)
        return;
    watch->_is_running = false;
    db_publisher_finish(&watch->_publisher);
    db_feed_finish(&watch->_feed);
}

static void on_news(struct db_feed *feed, const struct db_feed_news *news)
{
    struct watch *watch = container_of(feed, struct watch, _feed);
    for (size_t i = 0; i < watch->_config.nworkers; i++)
        worker_tell(&watch->_config.workers[i], news);
    if (news->everything || news->n > 0)
        db_publisher_poke(&watch->_publisher);
}

static void on_feed_event(enum db_event event, const char *why)
{
    switch (event) {
    case DB_EVENT_UP:
        log_event(LOG_INFO, "feed_connected");
        return;
    case DB_EVENT_LOST:
        log_event(LOG_WARN, "feed_connection_lost", {"reason", why});
        return;
    case DB_EVENT_NO_CONNECT:
    case DB_EVENT_FAILED:
        log_event(LOG_WARN, "feed_not_connected", {"reason", why},
                  {"message", "until it is, nothing is answered from memory; where a table or a "
                              "function is absent, bring the schema up to date: ./dev migrate"});
        return;
    }
}

static void on_publisher_event(enum db_event event, const char *why)
{
    switch (event) {
    case DB_EVENT_UP:
        log_event(LOG_INFO, "publisher_connected");
        return;
    case DB_EVENT_LOST:
        log_event(LOG_WARN, "publisher_connection_lost", {"reason", why});
        return;
    case DB_EVENT_NO_CONNECT:
        log_event(LOG_WARN, "publisher_not_connected", {"reason", why});
        return;
    case DB_EVENT_FAILED:
        log_event(LOG_WARN, "publisher_call_failed", {"reason", why},
                  {"message", "no article is forgotten: it is tried again each second"});
        return;
    }
}
