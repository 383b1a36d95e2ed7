/*     JSON --> utc_offset_seconds --> current: time, and each value with its unit in current_units     */
#include "weather/reading.h"

#include <json-c/json.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weather/words.h"

enum { MAX_DEPTH = 16 };

/* A value of `current`, its unit, and the range in which it makes sense. */
static const struct part {
    const char *name, *unit;
    double min, max;
    size_t offset; /* in struct reading, of a double */
} parts[] = {
    {"temperature_2m", "°C", -100, 70, offsetof(struct reading, temperature_c)},
    {"relative_humidity_2m", "%", 0, 110, offsetof(struct reading, humidity_percent)},
    {"wind_speed_10m", "km/h", 0, 500, offsetof(struct reading, wind_kmh)},
};
enum { NPARTS = sizeof(parts) / sizeof(parts[0]) };

static json_object *parse(const char *document, size_t bytes);
static bool read_document(struct reading *reading, json_object *document, char *ret_detail);
static bool has_unit(json_object *units, const char *name, const char *unit, char *ret_detail);
static bool read_number(json_object *object, const char *name, double min, double max,
                        double *value, char *ret_detail);
static bool read_time(struct reading *reading, json_object *current, char *ret_detail);

enum reading_fault reading_parse(struct reading *reading, const char *document, size_t bytes,
                                 char ret_detail[READING_DETAIL_SIZE])
{
    struct reading found = {.code = 0};
    json_object *root = parse(document, bytes);
    if (root == NULL) {
        snprintf(ret_detail, READING_DETAIL_SIZE, "a document in JSON is expected");
        return READING_NOT_JSON;
    }
    bool is_good = read_document(&found, root, ret_detail);
    json_object_put(root);
    if (is_good)
        *reading = found;
    return is_good ? READING_OK : READING_UNEXPECTED;
}

/* NULL: it is not JSON. */
static json_object *parse(const char *document, size_t bytes)
{
    json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
    if (tokener == NULL)
        abort(); /* no memory */
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    json_object *root = json_tokener_parse_ex(tokener, document, (int)bytes);
    size_t at = json_tokener_get_parse_end(tokener);
    bool is_whole = json_tokener_get_error(tokener) == json_tokener_success;
    while (is_whole && at < bytes && strchr(" \t\r\n", document[at]) != NULL &&
           document[at] != '\0')
        at++;
    json_tokener_free(tokener);
    if (is_whole && at == bytes && root != NULL)
        return root;
    json_object_put(root);
    return NULL;
}

static bool read_document(struct reading *reading, json_object *document, char *ret_detail)
{
    json_object *current = json_object_object_get(document, "current");
    json_object *units = json_object_object_get(document, "current_units");
    double code, offset_s;
    if (!json_object_is_type(current, json_type_object)) {
        snprintf(ret_detail, READING_DETAIL_SIZE, "\"current\" is missing, or is not an object");
        return false;
    }
    for (size_t i = 0; i < NPARTS; i++) {
        double *value = (void *)((char *)reading + parts[i].offset);
        if (!read_number(current, parts[i].name, parts[i].min, parts[i].max, value, ret_detail) ||
            !has_unit(units, parts[i].name, parts[i].unit, ret_detail))
            return false;
    }
    if (!read_number(current, "weather_code", 0, WEATHER_MAX_CODE, &code, ret_detail) ||
        !has_unit(units, "weather_code", "wmo code", ret_detail))
        return false;
    if (code != floor(code)) {
        snprintf(ret_detail, READING_DETAIL_SIZE, "\"weather_code\" is not a whole number");
        return false;
    }
    reading->code = (int)code;
    if (!read_number(document, "utc_offset_seconds", -86400, 86400, &offset_s, ret_detail))
        return false;
    if (offset_s != 0) {
        snprintf(ret_detail, READING_DETAIL_SIZE,
                 "\"utc_offset_seconds\" is not 0, and times in GMT are expected");
        return false;
    }
    return read_time(reading, current, ret_detail);
}

static bool read_number(json_object *object, const char *name, double min, double max,
                        double *value, char *ret_detail)
{
    json_object *found = json_object_object_get(object, name);
    if (!json_object_is_type(found, json_type_double) &&
        !json_object_is_type(found, json_type_int)) {
        snprintf(ret_detail, READING_DETAIL_SIZE, "\"%s\" is missing, or is not a number", name);
        return false;
    }
    *value = json_object_get_double(found);
    if (*value >= min && *value <= max)
        return true;
    snprintf(ret_detail, READING_DETAIL_SIZE, "\"%s\" is not from %g to %g", name, min, max);
    return false;
}

static bool has_unit(json_object *units, const char *name, const char *unit, char *ret_detail)
{
    json_object *found = json_object_object_get(units, name);
    if (json_object_is_type(found, json_type_string) &&
        strcmp(json_object_get_string(found), unit) == 0)
        return true;
    snprintf(ret_detail, READING_DETAIL_SIZE, "the unit of \"%s\" is not %s", name, unit);
    return false;
}

/* Open-Meteo writes no seconds and no offset: 2026-01-31T12:00. */
static bool read_time(struct reading *reading, json_object *current, char *ret_detail)
{
    json_object *found = json_object_object_get(current, "time");
    char text[RFC3339_BYTES + 4];
    int64_t at_us;
    if (json_object_is_type(found, json_type_string) &&
        json_object_get_string_len(found) == (int)strlen("2026-01-31T12:00")) {
        int length = snprintf(text, sizeof(text), "%s:00Z", json_object_get_string(found));
        if (rfc3339_parse(text, (size_t)length, &at_us)) {
            rfc3339_format(at_us, reading->observed_at);
            return true;
        }
    }
    snprintf(ret_detail, READING_DETAIL_SIZE,
             "\"time\" is missing, or is not a time such as 2026-01-31T12:00");
    return false;
}
