/* weather/weather.h - fetches the weather of all cities, round after round, and reports it.
 *
 * All cities are fetched at once at the start, and then every every_s, shortened by a random amount of at most
 * a twentieth. A city whose fetch failed is fetched again after 30 s, then after twice as long each time, up to
 * 10 minutes, or in the next round, if that comes first. When its endpoint asks for a pause (Retry-After), the
 * pause decides instead, up to a day.
 *
 * One thread. */
#ifndef WEATHER_WEATHER_H
#define WEATHER_WEATHER_H

#include "base/counter.h"
#include "base/loop.h"
#include "weather/city_weather.h"
#include "weather/report.h"

struct weather;

/* Written by the thread, read by any. */
struct weather_stats {
    struct counter fetches[WEATHER_NREASONS]; /* ended, by reason; 0: successes */
    struct histogram took_us;
    struct counter under_way, waiting;
    struct counter oldest_read_us; /* the reading that is oldest: clock_us(); 0: there is none */
};

extern const struct histogram_bounds weather_bounds_us;

struct weather_config {
    struct loop *loop;
    const struct cities *cities; /* lent */
    unsigned every_s, timeout_ms, parallel;
    unsigned first_retry_ms,
        max_retry_ms;       /* after failures: doubled from the first up to the longest */
    unsigned max_last_s;    /* how long the last reading of a failing city is shown */
    const char *user_agent; /* lent */
    struct weather_stats *stats;

    /* There is something new; at most a few times in a second. report: lent. */
    void (*on_report)(struct weather *weather, struct report *report);
    /* A city begins to fail (with a reason), or works again (reason FETCH_OK). */
    void (*on_change)(struct weather *weather, const struct city_weather *city);
    void (*on_round)(struct weather *weather, size_t cities, size_t failed, uint64_t took_us);
    void *data; /* of the caller */
};

enum {
    WEATHER_PER_HOST = 4,
    WEATHER_MAX_BYTES = 1 << 20,
    WEATHER_FIRST_RETRY_MS = 30000,
    WEATHER_MAX_RETRY_MS = 600000,
};

/* Never calls back before it returns. */
struct weather *weather_create(const struct weather_config *config);

/* Gives up the fetches under way. NULL is allowed. */
void weather_destroy(struct weather *weather);

void *weather_data(const struct weather *weather);

#endif
