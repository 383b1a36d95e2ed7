/* weather/city_weather.h - the weather of one city: its newest fetch, and its last reading.
 *
 * One thread. */
#ifndef WEATHER_CITY_WEATHER_H
#define WEATHER_CITY_WEATHER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "fetch/fetch.h"
#include "weather/cities.h"
#include "weather/reading.h"

/* The reasons of fetch/fetch.h, and further ones. */
enum weather_reason {
    WEATHER_NOT_JSON = FETCH_NREASONS, /* the document is not JSON */
    WEATHER_UNEXPECTED,   /* it lacks a part, or a part has another type, unit or range */
    WEATHER_UNKNOWN_CITY, /* no city has this name */
    WEATHER_NOT_YET,      /* no fetch of it has ended */
    WEATHER_NREASONS,
};

/* A stable name, such as "not-json". reason: of either enum. */
const char *weather_reason_name(unsigned reason);

enum { WEATHER_MAX_LAST_S = 6 * 3600 };

struct city_weather;
typedef void city_weather_done_fn(struct city_weather *weather);

/* Embed it, and initialize it with city_weather_init(). */
struct city_weather {
    const struct city *city;
    unsigned reason;                /* FETCH_OK, or why its newest fetch failed */
    char detail[FETCH_DETAIL_SIZE]; /* a sentence; "" with FETCH_OK */
    bool has_reading;               /* a fetch of it has succeeded */
    struct reading reading;         /* the last one */
    int64_t read_at_us;             /* when it was fetched: wall clock, since 1970 */
    uint64_t read_us;               /* the same: clock_us() */
    uint64_t max_last_us;           /* a reading is shown beside an error up to this age */
    struct fetch fetch;             /* the newest one; read only */

    city_weather_done_fn *_done;
    bool _is_fetched;
};

/* city: lent. The age limit of a reading is WEATHER_MAX_LAST_S. */
void city_weather_init(struct city_weather *weather, const struct city *city);

/* Like fetch_start(): `done` is called once, later, when reason, detail and the reading are set. */
void city_weather_fetch(struct city_weather *weather, struct fetcher *fetcher,
                        city_weather_done_fn *done);
void city_weather_cancel(struct city_weather *weather); /* in any state */
bool city_weather_is_fetched(const struct city_weather *weather);

/* Its name and its weather as JSON: "Berlin":{...}, malloc'ed, with a NUL. *ret_name_bytes: of the name and the
 * colon. A previous reading is shown up to its age limit. */
char *city_weather_entry(const struct city_weather *weather, size_t *ret_bytes,
                         size_t *ret_name_bytes);

/* The sentence about a name that no city has. */
extern const char city_weather_unknown[];

/* Writes the JSON object for a name that no city has. */
void city_weather_write_unknown(FILE *out);

/* Writes a text as a JSON string. */
void city_weather_write_text(const char *text, FILE *out);

#endif
