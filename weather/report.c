#include "weather/report.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/gzip.h"
#include "weather/city_weather.h"

static void write_text(struct report *report, const struct report_part *parts);
static void compress(struct report *report);
static void select_city(const struct report *report, const char *name, FILE *out,
                        uint64_t *first_due_us);

struct report *report_create(const struct cities *cities, const struct report_part *parts)
{
    struct report *report = h2o_mem_alloc(sizeof(*report));
    *report = (struct report){.cities = cities, ._references = 1};
    report->entries = h2o_mem_alloc(cities->n * sizeof(report->entries[0]));
    write_text(report, parts);
    compress(report);
    return report;
}

static void write_text(struct report *report, const struct report_part *parts)
{
    static const char head[] = "{\"weather\":{", tail[] = "}}";
    size_t n = report->cities->n, bytes = sizeof(head) + sizeof(tail);
    for (size_t i = 0; i < n; i++)
        bytes += parts[i].bytes + 1;
    char *text = h2o_mem_alloc(bytes), *to = mempcpy(text, head, sizeof(head) - 1);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            *to++ = ',';
        report->entries[i] = (struct report_entry){
            .from = (size_t)(to - text) + parts[i].name_bytes,
            .bytes = parts[i].bytes - parts[i].name_bytes,
            .due_us = parts[i].due_us,
        };
        to = mempcpy(to, parts[i].entry, parts[i].bytes);
    }
    to = mempcpy(to, tail, sizeof(tail) - 1);
    report->text = h2o_iovec_init(text, (size_t)(to - text));
    report->due_us = parts[0].due_us;
    for (size_t i = 1; i < n; i++) {
        if (parts[i].due_us < report->due_us)
            report->due_us = parts[i].due_us;
    }
    report->hash = XXH3_64bits(text, report->text.len);
}

static void compress(struct report *report)
{
    if (!gzip_is_useful(report->text.len))
        return;
    report->gzip.base = gzip_compress(report->text.base, report->text.len,
                                      gzip_most(report->text.len), &report->gzip.len);
    report->gzip_hash = XXH3_64bits(report->gzip.base, report->gzip.len);
}

struct report *report_create_first(const struct cities *cities)
{
    struct report_part *parts = h2o_mem_alloc(cities->n * sizeof(parts[0]));
    for (size_t i = 0; i < cities->n; i++) {
        struct city_weather weather;
        city_weather_init(&weather, &cities->city[i]);
        parts[i] = (struct report_part){.due_us = 0};
        parts[i].entry = city_weather_entry(&weather, &parts[i].bytes, &parts[i].name_bytes);
    }
    struct report *report = report_create(cities, parts);
    for (size_t i = 0; i < cities->n; i++)
        free((char *)parts[i].entry);
    free(parts);
    return report;
}

char *report_select(const struct report *report, char *const *names, size_t n, size_t *ret_bytes,
                    uint64_t *ret_due_us)
{
    char *text;
    FILE *out = open_memstream(&text, ret_bytes);
    json_object *seen = json_object_new_object();
    if (out == NULL || seen == NULL)
        abort(); /* no memory */
    *ret_due_us = UINT64_MAX;
    fputs("{\"weather\":{", out);
    for (size_t i = 0; i < n; i++) {
        if (json_object_object_get_ex(seen, names[i], NULL))
            continue;
        if (json_object_object_length(seen) > 0)
            fputc(',', out);
        json_object_object_add(seen, names[i], NULL);
        city_weather_write_text(names[i], out);
        fputc(':', out);
        select_city(report, names[i], out, ret_due_us);
    }
    fputs("}}", out);
    json_object_put(seen);
    if (fclose(out) != 0)
        abort(); /* no memory */
    return text;
}

static void select_city(const struct report *report, const char *name, FILE *out,
                        uint64_t *first_due_us)
{
    long city = cities_find_any(report->cities, name);
    if (city == CITIES_NONE) {
        city_weather_write_unknown(out);
        return;
    }
    const struct report_entry *entry = &report->entries[city];
    fwrite(report->text.base + entry->from, 1, entry->bytes, out);
    if (entry->due_us < *first_due_us)
        *first_due_us = entry->due_us;
}

struct report *report_hold(struct report *report)
{
    unsigned before = atomic_fetch_add_explicit(&report->_references, 1, memory_order_relaxed);
    assert(before >= 1);
    return report;
}

void report_release(struct report *report)
{
    if (report == NULL ||
        atomic_fetch_sub_explicit(&report->_references, 1, memory_order_acq_rel) > 1)
        return;
    free(report->text.base);
    free(report->gzip.base);
    free(report->entries);
    free(report);
}
