/* weather/cities.h - the cities whose weather is shown, from a JSON file.
 *
 *     [{"name": "Berlin", "latitude": 52.52, "longitude": 13.41},
 *      {"name": "Oslo", "latitude": 59.91, "longitude": 10.75, "url": "https://weather.example.org/oslo"}]
 *
 * Other keys are ignored. Any thread may read the cities. */
#ifndef WEATHER_CITIES_H
#define WEATHER_CITIES_H

#include <stdbool.h>
#include <stddef.h>

enum {
    CITIES_MAX = 10000,
    CITIES_MAX_FILE_BYTES = 4 << 20,
    CITIES_NONE = -1, /* no such city */
};

struct city {
    char *name;                 /* clean (base/name.h); without commas and control characters */
    char *url;                  /* its own, or the template with its values; valid (fetch/url.h) */
    double latitude, longitude; /* degrees */
};

struct cities {
    size_t n;          /* at least 1 */
    struct city *city; /* in the order of the file */

    size_t *_by_name; /* their indexes, in the order of the names' bytes */
};

/* template: an address with {latitude}, {longitude} and {name}, for cities without their own. False: *ret_errors
 * (malloc'ed) has a line for each fault, which names the file and the place in it, without a line end after the
 * last one. */
bool cities_read(struct cities *cities, const char *file, const char *template, char **ret_errors);

/* The same for the text of a file. file: its name, for the errors. */
bool cities_parse(struct cities *cities, const char *file, const char *text, size_t bytes,
                  const char *template, char **ret_errors);
void cities_finish(struct cities *cities);

/* The index of the city with this name, or CITIES_NONE. name: clean. */
long cities_find(const struct cities *cities, const char *name, size_t bytes);

/* The same for any bytes, which need not be clean or UTF-8. */
long cities_find_any(const struct cities *cities, const char *name);

#endif
