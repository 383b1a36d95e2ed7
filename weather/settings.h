/* weather/settings.h - the settings of the weather, and all that is read from them before anything is opened. */
#ifndef WEATHER_SETTINGS_H
#define WEATHER_SETTINGS_H

#include <stdbool.h>

#include "weather/cities.h"

/* Open-Meteo needs no key. Its terms ask for no more than 10,000 requests a day. */
#define WEATHER_DEFAULT_URL                                                            \
    "https://api.open-meteo.com/v1/forecast?latitude={latitude}&longitude={longitude}" \
    "&current=temperature_2m,relative_humidity_2m,weather_code,wind_speed_10m"

enum { WEATHER_USER_AGENT_SIZE = 256 };

/* Texts are lent by the environment or argv. */
struct weather_settings {
    const char *cities;  /* the file; NULL: there is no weather */
    const char *url;     /* the template for cities without an address of their own */
    const char *contact; /* a part of the User-Agent; NULL: none */
    unsigned every_s, timeout_ms, parallel;
};

/* False: *ret_errors (malloc'ed) has a line for each fault. */
bool weather_settings_read(const struct weather_settings *settings, struct cities *cities,
                           char **ret_errors);

void weather_user_agent(const struct weather_settings *settings,
                        char ret_text[WEATHER_USER_AGENT_SIZE]);

#endif
