/*     on_round_due --> fetch, fetch ... --> on_fetched --> (failed) plan_retry --> on_retry --> fetch
 *                                              |-> on_publish_due: on_report
 *                                              \-> (the last one of the round) on_round               */
#include "weather/weather.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/container_of.h"
#include "fetch/fetcher.h"

enum {
    MAX_ASKED_PAUSE_S = 86400,
    FIRST_PUBLISH_MS = 10, /* cities that answer in the same moment are reported together */
    PUBLISH_MS = 250,
};

const struct histogram_bounds weather_bounds_us = {12,
                                                   {10000, 25000, 50000, 100000, 250000, 500000,
                                                    1000000, 2500000, 5000000, 10000000, 30000000,
                                                    60000000}};

struct member {
    struct weather *weather;
    struct city_weather city;
    struct timer retry;
    struct timer expiry; /* of its reading, while it fails */
    unsigned failures;   /* since its last success */
    uint64_t due_us;     /* when it is fetched next */
    bool is_in_round;    /* the round waits for it */
    char *entry;         /* of the report; NULL: it must be written */
};

struct weather {
    struct weather_config config;
    struct fetcher *fetcher;
    struct timer round, publish;
    uint64_t round_due_us, round_began_us, published_us;
    size_t round_cities, round_left, round_failed;
    struct report_part *parts;
    struct member members[];
};

static timer_fn on_round_due, on_retry, on_expired, on_publish_due;
static void fetch(struct member *member);
static city_weather_done_fn on_fetched;
static void count(struct member *member);
static void plan_retry(struct member *member);
static void plan(struct member *member, uint64_t pause_ms);
static void plan_expiry(struct member *member);
static void write_again(struct member *member);
static void end_round(struct weather *weather);
static void publish_soon(struct weather *weather);
static void find_oldest(struct weather *weather);

static struct member *member_of(struct city_weather *city)
{
    return container_of(city, struct member, city);
}

struct weather *weather_create(const struct weather_config *config)
{
    size_t n = config->cities->n;
    struct weather *weather = h2o_mem_alloc(sizeof(*weather) + n * sizeof(weather->members[0]));
    memset(weather, 0, sizeof(*weather) + n * sizeof(weather->members[0]));
    assert(n >= 1 && config->every_s >= 1);
    weather->config = *config;
    weather->parts = h2o_mem_alloc(n * sizeof(weather->parts[0]));
    weather->fetcher = fetcher_create(&(struct fetcher_config){
        .loop = config->loop,
        .parallel = config->parallel,
        .per_host = WEATHER_PER_HOST,
        .timeout_ms = config->timeout_ms,
        .max_bytes = WEATHER_MAX_BYTES,
        .user_agent = config->user_agent,
        .under_way = &config->stats->under_way,
        .waiting = &config->stats->waiting,
    });
    for (size_t i = 0; i < n; i++) {
        struct member *member = &weather->members[i];
        member->weather = weather;
        city_weather_init(&member->city, &config->cities->city[i]);
        member->city.max_last_us = config->max_last_s * UINT64_C(1000000);
        timer_init(&member->retry, config->loop, on_retry);
        timer_init(&member->expiry, config->loop, on_expired);
    }
    timer_init(&weather->round, config->loop, on_round_due);
    timer_init(&weather->publish, config->loop, on_publish_due);
    timer_start(&weather->round, 0);
    return weather;
}

void weather_destroy(struct weather *weather)
{
    if (weather == NULL)
        return;
    for (size_t i = 0; i < weather->config.cities->n; i++) {
        struct member *member = &weather->members[i];
        city_weather_cancel(&member->city);
        timer_finish(&member->retry);
        timer_finish(&member->expiry);
        free(member->entry);
    }
    timer_finish(&weather->round);
    timer_finish(&weather->publish);
    fetcher_destroy(weather->fetcher);
    free(weather->parts);
    free(weather);
}

/* A round that has not ended when the next one is due ends without the cities that are still fetched. They belong to
 * the next one. */
static void on_round_due(struct timer *round)
{
    struct weather *weather = container_of(round, struct weather, round);
    uint64_t now_us = clock_us(), every_ms = weather->config.every_s * UINT64_C(1000);
    uint64_t pause_ms = every_ms - arc4random_uniform((uint32_t)(every_ms / 20) + 1);
    weather->round_due_us = now_us + pause_ms * 1000;
    if (weather->round_left > 0) {
        weather->round_cities -= weather->round_left;
        end_round(weather);
    }
    weather->round_began_us = now_us;
    weather->round_cities = weather->round_left;
    weather->round_failed = 0;
    timer_start(round, pause_ms);
    for (size_t i = 0; i < weather->config.cities->n; i++) {
        struct member *member = &weather->members[i];
        /* A pause that runs on is one that the endpoint asks for: the others end before the round is due. */
        if (city_weather_is_fetched(&member->city) || timer_is_running(&member->retry))
            continue;
        member->is_in_round = true;
        weather->round_cities++;
        weather->round_left++;
        fetch(member);
    }
    if (weather->round_left == 0)
        end_round(weather); /* every endpoint has asked for a pause */
}

static void on_retry(struct timer *retry)
{
    struct member *member = container_of(retry, struct member, retry);
    if (!city_weather_is_fetched(&member->city))
        fetch(member);
}

static void fetch(struct member *member)
{
    timer_stop(&member->retry);
    member->due_us = 0;
    city_weather_fetch(&member->city, member->weather->fetcher, on_fetched);
}

static void on_fetched(struct city_weather *city)
{
    struct member *member = member_of(city);
    struct weather *weather = member->weather;
    bool has_failed = city->reason != FETCH_OK, is_change = has_failed != (member->failures > 0);
    count(member);
    member->failures = has_failed ? member->failures + 1 : 0;
    member->due_us = weather->round_due_us;
    timer_stop(&member->expiry);
    if (has_failed) {
        plan_retry(member);
        plan_expiry(member);
    }
    write_again(member);
    if (is_change)
        weather->config.on_change(weather, city);
    if (member->is_in_round) {
        member->is_in_round = false;
        weather->round_failed += has_failed;
        if (--weather->round_left == 0)
            end_round(weather);
    }
}

static void count(struct member *member)
{
    struct weather_stats *stats = member->weather->config.stats;
    counter_add(&stats->fetches[member->city.reason], 1);
    histogram_add(&stats->took_us, &weather_bounds_us, member->city.fetch.took_us);
}

static void plan_retry(struct member *member)
{
    const struct weather_config *config = &member->weather->config;
    uint64_t asked_s = member->city.fetch.retry_after_s, pause_ms = config->first_retry_ms;
    if (asked_s > 0) {
        plan(member, (asked_s < MAX_ASKED_PAUSE_S ? asked_s : MAX_ASKED_PAUSE_S) * 1000);
        return;
    }
    for (unsigned i = 1; i < member->failures && pause_ms < config->max_retry_ms; i++)
        pause_ms *= 2;
    pause_ms = pause_ms < config->max_retry_ms ? pause_ms : config->max_retry_ms;
    if (clock_us() + pause_ms * 1000 < member->weather->round_due_us)
        plan(member, pause_ms);
}

static void plan(struct member *member, uint64_t pause_ms)
{
    member->due_us = clock_us() + pause_ms * 1000;
    timer_start(&member->retry, pause_ms);
}

static void plan_expiry(struct member *member)
{
    const struct city_weather *city = &member->city;
    uint64_t now_us = clock_us(), expires_us = city->read_us + city->max_last_us;
    if (city->has_reading && expires_us > now_us)
        timer_start(&member->expiry, (expires_us - now_us) / 1000 + 1);
}

static void on_expired(struct timer *expiry)
{
    write_again(container_of(expiry, struct member, expiry));
}

static void end_round(struct weather *weather)
{
    weather->config.on_round(weather, weather->round_cities, weather->round_failed,
                             clock_us() - weather->round_began_us);
}

/* ---- the report */

/* The city's entry has changed. */
static void write_again(struct member *member)
{
    free(member->entry);
    member->entry = NULL;
    publish_soon(member->weather);
}

static void publish_soon(struct weather *weather)
{
    uint64_t now_us = clock_us(), next_us = weather->published_us + PUBLISH_MS * 1000;
    if (!timer_is_running(&weather->publish))
        timer_start(&weather->publish, now_us + FIRST_PUBLISH_MS * 1000 >= next_us
                                           ? FIRST_PUBLISH_MS
                                           : (next_us - now_us) / 1000 + 1);
}

static void on_publish_due(struct timer *publish)
{
    struct weather *weather = container_of(publish, struct weather, publish);
    for (size_t i = 0; i < weather->config.cities->n; i++) {
        struct member *member = &weather->members[i];
        struct report_part *part = &weather->parts[i];
        if (member->entry == NULL)
            member->entry = city_weather_entry(&member->city, &part->bytes, &part->name_bytes);
        part->entry = member->entry;
        part->due_us = member->due_us;
    }
    weather->published_us = clock_us();
    find_oldest(weather);
    struct report *report = report_create(weather->config.cities, weather->parts);
    weather->config.on_report(weather, report);
    report_release(report);
}

static void find_oldest(struct weather *weather)
{
    uint64_t oldest_us = 0;
    for (size_t i = 0; i < weather->config.cities->n; i++) {
        const struct city_weather *city = &weather->members[i].city;
        if (city->has_reading && (oldest_us == 0 || city->read_us < oldest_us))
            oldest_us = city->read_us;
    }
    counter_set(&weather->config.stats->oldest_read_us, oldest_us);
}

void *weather_data(const struct weather *weather)
{
    return weather->config.data;
}
