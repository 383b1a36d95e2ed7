#include "weather/city_weather.h"

#include <assert.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/container_of.h"
#include "fetch/url.h"
#include "weather/words.h"

const char city_weather_unknown[] = "There is no city of this name here.";

static fetch_done_fn on_fetched;
static void read_document(struct city_weather *weather, const char *document, size_t bytes);
static void write_weather(const struct city_weather *weather, FILE *out);
static void write_reading(const struct city_weather *weather, FILE *out);
static void write_error(unsigned reason, const char *detail, FILE *out);
static int64_t wall_clock_us(void);

const char *weather_reason_name(unsigned reason)
{
    static const char *const names[] = {
        [WEATHER_NOT_JSON] = "not-json",
        [WEATHER_UNEXPECTED] = "unexpected",
        [WEATHER_UNKNOWN_CITY] = "unknown-city",
        [WEATHER_NOT_YET] = "not-yet",
    };
    assert(reason < WEATHER_NREASONS);
    return reason < FETCH_NREASONS ? fetch_reason_names[reason] : names[reason];
}

void city_weather_init(struct city_weather *weather, const struct city *city)
{
    *weather = (struct city_weather){.city = city,
                                     .reason = WEATHER_NOT_YET,
                                     .max_last_us = WEATHER_MAX_LAST_S * UINT64_C(1000000)};
    snprintf(weather->detail, sizeof(weather->detail),
             "The weather of this city is being fetched for the first time.");
}

void city_weather_fetch(struct city_weather *weather, struct fetcher *fetcher,
                        city_weather_done_fn *done)
{
    assert(!weather->_is_fetched);
    weather->_is_fetched = true;
    weather->_done = done;
    weather->fetch.url = weather->city->url;
    weather->fetch.done = on_fetched;
    fetch_start(fetcher, &weather->fetch);
}

static void on_fetched(struct fetch *fetch)
{
    struct city_weather *weather = container_of(fetch, struct city_weather, fetch);
    weather->_is_fetched = false;
    weather->reason = fetch->reason;
    memcpy(weather->detail, fetch->detail, sizeof(weather->detail));
    if (fetch->reason == FETCH_OK && !fetch->is_unchanged)
        read_document(weather, fetch->body, fetch->bytes);
    if (weather->reason == FETCH_OK) {
        weather->has_reading = true;
        weather->read_at_us = wall_clock_us();
        weather->read_us = clock_us();
    }
    weather->_done(weather);
}

static void read_document(struct city_weather *weather, const char *document, size_t bytes)
{
    char what[READING_DETAIL_SIZE], host[FETCH_HOST_SIZE];
    enum reading_fault fault = reading_parse(&weather->reading, document, bytes, what);
    if (fault == READING_OK)
        return;
    /* A later answer "not modified" would mean this document. */
    weather->fetch.validators = (struct fetch_validators){.etag = ""};
    weather->reason = fault == READING_NOT_JSON ? WEATHER_NOT_JSON : WEATHER_UNEXPECTED;
    fetch_url_host(weather->city->url, host);
    snprintf(weather->detail, sizeof(weather->detail), "%s sent something other than weather: %s.",
             host, what);
}

void city_weather_cancel(struct city_weather *weather)
{
    fetch_cancel(&weather->fetch);
    weather->_is_fetched = false;
}

bool city_weather_is_fetched(const struct city_weather *weather)
{
    return weather->_is_fetched;
}

char *city_weather_entry(const struct city_weather *weather, size_t *ret_bytes,
                         size_t *ret_name_bytes)
{
    char *entry;
    FILE *out = open_memstream(&entry, ret_bytes);
    if (out == NULL)
        abort(); /* no memory */
    city_weather_write_text(weather->city->name, out);
    fputc(':', out);
    fflush(out); /* sets *ret_bytes */
    *ret_name_bytes = *ret_bytes;
    write_weather(weather, out);
    if (fclose(out) != 0)
        abort(); /* no memory */
    return entry;
}

static void write_weather(const struct city_weather *weather, FILE *out)
{
    if (weather->reason == FETCH_OK) {
        write_reading(weather, out);
        return;
    }
    write_error(weather->reason, weather->detail, out);
    if (weather->has_reading && clock_us() - weather->read_us <= weather->max_last_us)
        write_reading(weather, out);
    else
        fputs("null", out);
    fputc('}', out);
}

static void write_reading(const struct city_weather *weather, FILE *out)
{
    const struct reading *reading = &weather->reading;
    char fetched_at[RFC3339_BYTES];
    rfc3339_format(weather->read_at_us / 1000000 * 1000000, fetched_at);
    fprintf(out,
            "{\"temperature_c\":%.10g,\"humidity_percent\":%.10g,\"wind_kmh\":%.10g,\"code\":%d,"
            "\"text\":\"%s\",\"observed_at\":\"%s\",\"fetched_at\":\"%s\"}",
            reading->temperature_c, reading->humidity_percent, reading->wind_kmh, reading->code,
            weather_words(reading->code), reading->observed_at, fetched_at);
}

/* The value of "last" and the last brace are missing. */
static void write_error(unsigned reason, const char *detail, FILE *out)
{
    fprintf(out, "{\"error\":{\"reason\":\"%s\",\"detail\":", weather_reason_name(reason));
    city_weather_write_text(detail, out);
    fputs("},\"last\":", out);
}

void city_weather_write_unknown(FILE *out)
{
    write_error(WEATHER_UNKNOWN_CITY, city_weather_unknown, out);
    fputs("null}", out);
}

void city_weather_write_text(const char *text, FILE *out)
{
    json_object *string = json_object_new_string(text);
    if (string == NULL)
        abort(); /* no memory */
    fputs(json_object_to_json_string_ext(string, JSON_C_TO_STRING_NOSLASHESCAPE), out);
    json_object_put(string);
}

static int64_t wall_clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
