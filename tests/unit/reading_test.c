/* The document of a weather endpoint, and the words for its codes. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fail.h"
#include "weather/city_weather.h"
#include "weather/reading.h"
#include "weather/words.h"

static const char good[] =
    "{\"latitude\":52.5,\"utc_offset_seconds\":0,\"current_units\":{\"time\":\"iso8601\","
    "\"temperature_2m\":\"°C\",\"relative_humidity_2m\":\"%\",\"weather_code\":\"wmo code\","
    "\"wind_speed_10m\":\"km/h\"},\"current\":{\"time\":\"2026-01-31T12:15\",\"interval\":900,"
    "\"temperature_2m\":-3.5,\"relative_humidity_2m\":81,\"weather_code\":71,"
    "\"wind_speed_10m\":14.8}}";

/* The good document with one text in place of another one. The caller frees it. */
static char *with(const char *from, const char *to)
{
    const char *at = strstr(good, from);
    cr_assert_not_null(at, "%s", from);
    return test_format("%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
}

Test(reading, has_the_values_of_the_document)
{
    struct reading reading;
    char detail[READING_DETAIL_SIZE];
    cr_assert_eq(reading_parse(&reading, good, strlen(good), detail), READING_OK);
    cr_expect_eq(reading.temperature_c, -3.5);
    cr_expect_eq(reading.humidity_percent, 81);
    cr_expect_eq(reading.wind_kmh, 14.8);
    cr_expect_eq(reading.code, 71);
    cr_expect_str_eq(reading.observed_at, "2026-01-31T12:15:00Z");
}

Test(reading, of_a_document_with_a_wrong_part_is_unexpected_and_the_part_is_named)
{
    static const struct {
        const char *from, *to, *part;
    } cases[] = {
        {"\"current\":{", "\"now\":{", "\"current\""},
        {"\"current\":{\"time\"", "\"current\":7,\"x\":{\"time\"", "\"current\""},
        {"\"temperature_2m\":-3.5,", "", "\"temperature_2m\""},
        {"\"temperature_2m\":-3.5", "\"temperature_2m\":\"-3.5\"", "\"temperature_2m\""},
        {"\"temperature_2m\":-3.5", "\"temperature_2m\":null", "\"temperature_2m\""},
        {"\"temperature_2m\":-3.5", "\"temperature_2m\":260.2", "\"temperature_2m\""},
        {"\"relative_humidity_2m\":81", "\"relative_humidity_2m\":-1", "\"relative_humidity_2m\""},
        {"\"wind_speed_10m\":14.8", "\"wind_speed_10m\":[14.8]", "\"wind_speed_10m\""},
        {"\"weather_code\":71", "\"weather_code\":100", "\"weather_code\""},
        {"\"weather_code\":71", "\"weather_code\":70.5", "\"weather_code\""},
        {"\"weather_code\":71", "\"weather_code\":-1", "\"weather_code\""},
        {"\"°C\"", "\"°F\"", "the unit of \"temperature_2m\""},
        {"\"km/h\"", "\"m/s\"", "the unit of \"wind_speed_10m\""},
        {"\"wind_speed_10m\":\"km/h\"", "\"x\":1", "the unit of \"wind_speed_10m\""},
        {"\"utc_offset_seconds\":0", "\"utc_offset_seconds\":3600", "\"utc_offset_seconds\""},
        {"\"utc_offset_seconds\":0,", "", "\"utc_offset_seconds\""},
        {"2026-01-31T12:15", "2026-02-31T12:15", "\"time\""},
        {"2026-01-31T12:15", "2026-01-31 12:15", "\"time\""},
        {"\"2026-01-31T12:15\"", "1769861700", "\"time\""},
    };
    struct reading reading = {.code = 42};
    char detail[READING_DETAIL_SIZE];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *document = with(cases[i].from, cases[i].to);
        cr_expect_eq(reading_parse(&reading, document, strlen(document), detail),
                     READING_UNEXPECTED, "%s", document);
        cr_expect_not_null(strstr(detail, cases[i].part), "%s in: %s", cases[i].part, detail);
        cr_expect_eq(reading.code, 42, "unchanged");
        free(document);
    }
}

Test(reading, of_anything_but_one_json_value_is_not_json)
{
    static const char *const cases[] = {
        "", " ", "<html>", "{", "{\"current\":", "{} x", "nul", "null", "{\"a\":\"\xff\"}"};
    struct reading reading;
    char detail[READING_DETAIL_SIZE];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_eq(reading_parse(&reading, cases[i], strlen(cases[i]), detail), READING_NOT_JSON,
                     "%s", cases[i]);
    cr_expect_eq(reading_parse(&reading, "[]\n", 3, detail), READING_UNEXPECTED);
    cr_expect_eq(reading_parse(&reading, "{}\0", 3, detail), READING_NOT_JSON);
}

Test(weather_words, are_there_for_each_code_and_differ)
{
    for (int code = 0; code <= WEATHER_MAX_CODE; code++) {
        cr_expect_gt(strlen(weather_words(code)), 2);
        for (int other = 0; other < code; other++)
            cr_expect_str_neq(weather_words(code), weather_words(other), "%d and %d", code, other);
    }
    cr_expect_str_eq(weather_words(0), "clear sky");
    cr_expect_str_eq(weather_words(71), "light snow");
}

Test(city_weather, shows_an_error_and_no_reading_before_the_first_fetch)
{
    const struct city city = {.name = "a\"b", .url = "http://a/"};
    struct city_weather weather;
    size_t bytes, name_bytes;
    city_weather_init(&weather, &city);
    char *entry = city_weather_entry(&weather, &bytes, &name_bytes);
    cr_expect_eq(strlen(entry), bytes);
    cr_expect_eq(strncmp(entry, "\"a\\\"b\":{\"error\":{\"reason\":\"not-yet\"", 34), 0, "%s",
                 entry);
    cr_expect_eq(name_bytes, strlen("\"a\\\"b\":"));
    cr_expect_not_null(strstr(entry, ",\"last\":null}"), "%s", entry);
    free(entry);
}
