/* server/background.h - the thread that works for all others: it hears of changes in the database and sends
 * news to every worker, it fetches the weather, and it gives freed memory back. It wakes the thread that makes
 * related lists. One per process. */
#ifndef SERVER_BACKGROUND_H
#define SERVER_BACKGROUND_H

#include <h2o.h>
#include <pthread.h>
#include <semaphore.h>

#include "db/change_feed.h"
#include "lists/worker.h"
#include "server/worker.h"
#include "weather/settings.h"
#include "weather/weather.h"

struct background_config {
    const struct db_conninfo *conninfo;
    unsigned max_stale_ms;
    struct process *process;
    struct worker *workers; /* all, started */
    size_t nworkers;
    const struct weather_settings *weather; /* lent */
    const struct cities *cities;            /* lent; NULL: there is no weather */
};

/* Zeroed, and never moved. Its memory stays until the process ends: the resolver may still send it a
 * message. */
struct background {
    struct background_config _config;
    struct loop _loop;
    h2o_multithread_receiver_t _messages, _resolver;
    struct db_change_feed _change_feed;
    struct lists_worker _lists_worker; /* a thread of its own: analysis takes milliseconds */
    struct weather *_weather;          /* NULL: there is none */
    char _user_agent[WEATHER_USER_AGENT_SIZE];
    struct timer _trim;
    char _unreliable[SERVICE_REASON_SIZE]; /* as it was logged last */
    bool _is_stopping;
    sem_t _is_set_up;
    pthread_t _thread;
};

void background_start(struct background *background, const struct background_config *config);

/* Returns when the thread has ended; no news come any more. */
void background_stop(struct background *background);

#endif
