/* weather/reading.h - what was measured in a city, as Open-Meteo's documents give it. Any thread. */
#ifndef WEATHER_READING_H
#define WEATHER_READING_H

#include <stddef.h>

#include "base/rfc3339.h"

struct reading {
    double temperature_c, humidity_percent, wind_kmh;
    int code; /* 0 to WEATHER_MAX_CODE (weather/words.h) */
    char observed_at[RFC3339_BYTES];
};

enum reading_fault {
    READING_OK,
    READING_NOT_JSON,
    READING_UNEXPECTED, /* a part is missing, or has another type, unit or range */
};

enum { READING_DETAIL_SIZE = 160 };

/* Reads a forecast with current=temperature_2m,relative_humidity_2m,weather_code,wind_speed_10m in the
 * units that Open-Meteo has by default, with times in GMT (https://open-meteo.com/en/docs). On a fault
 * ret_detail says what is wrong with which part; it has no part of the document. */
enum reading_fault reading_parse(struct reading *reading, const char *document, size_t bytes,
                                 char ret_detail[READING_DETAIL_SIZE]);

#endif
