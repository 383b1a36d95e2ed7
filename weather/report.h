/* weather/report.h - the weather of all cities at one moment, as finished JSON.
 *
 * It never changes, and threads share it. */
#ifndef WEATHER_REPORT_H
#define WEATHER_REPORT_H

#include <h2o.h>
#include <stdatomic.h>
#include <stdint.h>

#include "weather/cities.h"

struct report_entry {
    size_t from, bytes; /* of the city's object in the text */
    uint64_t due_us;    /* when it is fetched next: clock_us(); 0: it is being fetched */
};

struct report {
    const struct cities *cities;  /* lent by the creator, and alive as long as any report */
    h2o_iovec_t text;             /* {"weather":{"Berlin":{...},...}}, in the order of the cities */
    h2o_iovec_t gzip;             /* of the text; base NULL where that is not useful */
    uint64_t hash, gzip_hash;     /* of their bytes */
    struct report_entry *entries; /* of each city, in their order */
    uint64_t due_us;              /* of the city that is due first */

    atomic_uint _references;
};

/* What a city adds to the report. Lent. */
struct report_part {
    const char *entry;        /* "Berlin":{...} */
    size_t bytes, name_bytes; /* name_bytes: of the name and the colon */
    uint64_t due_us;
};

/* The caller owns one reference. parts: one for each city. */
struct report *report_create(const struct cities *cities, const struct report_part *parts);

/* Before any fetch: each city says not-yet. */
struct report *report_create_first(const struct cities *cities);

/* The weather of some cities in the form of the text: one key for each name, in the order of the names. names: UTF-8.
 * An unknown city has an error. Returns malloc'ed bytes; *ret_due_us: of the city that is due first, or UINT64_MAX
 * where all are unknown. */
char *report_select(const struct report *report, char *const *names, size_t n, size_t *ret_bytes,
                    uint64_t *ret_due_us);

/* Any thread. NULL is allowed for the release. */
struct report *report_hold(struct report *report);
void report_release(struct report *report);

#endif
