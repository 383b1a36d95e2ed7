/*     the settings --> a fetch for each city --> the loop, until all have ended --> print --> the failures     */
#include "weather/command.h"

#include <assert.h>
#include <errno.h>
#include <h2o.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/descriptors.h"
#include "base/loop.h"
#include "base/progress.h"
#include "base/utf8.h"
#include "fetch/fetcher.h"
#include "weather/weather.h"

static void start_all(char *const *names, size_t n);
static void start(struct city_weather *weather);
static void wait_for_all(void);
static city_weather_done_fn on_fetched;
static bool print(char *const *names, size_t n);
static size_t print_failures(char *const *names, size_t n);
static bool is_repeated(char *const *names, size_t n, size_t index);
static bool has_failed(const char *name, const char **ret_detail);
static void finish(void);

/* The program has one command. */
static struct {
    struct cities cities;
    struct city_weather *weather; /* of each city */
    struct loop loop;
    struct fetcher *fetcher;
    struct counter under_way, waiting; /* of the fetcher */
    size_t started, ended;
    struct progress progress;
} self;

int weather_command(const struct weather_settings *settings, char *const *names, size_t n)
{
    char *errors, user_agent[WEATHER_USER_AGENT_SIZE];
    size_t characters;
    for (size_t i = 0; i < n; i++) {
        if (!utf8_count(names[i], strlen(names[i]), &characters)) {
            fputs("broadsheet: the name of a city is not text in UTF-8\n", stderr);
            return 2;
        }
    }
    if (!weather_settings_read(settings, &self.cities, &errors)) {
        fprintf(stderr, "broadsheet: %s\n", errors);
        free(errors);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    descriptors_raise_limit();
    weather_user_agent(settings, user_agent);
    loop_init(&self.loop, h2o_evloop_create(), NULL);
    progress_init(&self.progress);
    self.fetcher = fetcher_create(&(struct fetcher_config){
        .loop = &self.loop,
        .parallel = settings->parallel,
        .per_host = WEATHER_PER_HOST,
        .timeout_ms = settings->timeout_ms,
        .max_bytes = WEATHER_MAX_BYTES,
        .user_agent = user_agent,
        .under_way = &self.under_way,
        .waiting = &self.waiting,
    });
    start_all(names, n);
    wait_for_all();
    bool is_printed = print(names, n);
    if (!is_printed)
        fprintf(stderr, "broadsheet: the weather cannot be written: %s\n", strerror(errno));
    size_t failed = print_failures(names, n);
    finish();
    return failed == 0 && is_printed ? 0 : 1;
}

static void start_all(char *const *names, size_t n)
{
    self.weather = h2o_mem_alloc(self.cities.n * sizeof(self.weather[0]));
    for (size_t i = 0; i < self.cities.n; i++)
        city_weather_init(&self.weather[i], &self.cities.city[i]);
    for (size_t i = 0; n == 0 && i < self.cities.n; i++)
        start(&self.weather[i]);
    for (size_t i = 0; i < n; i++) {
        long city = cities_find_any(&self.cities, names[i]);
        if (city != CITIES_NONE)
            start(&self.weather[city]);
    }
}

static void start(struct city_weather *weather)
{
    if (city_weather_is_fetched(weather))
        return; /* it was named twice */
    self.started++;
    city_weather_fetch(weather, self.fetcher, on_fetched);
}

static void wait_for_all(void)
{
    enum { STEP_MS = 500 };
    char unit[64];
    snprintf(unit, sizeof(unit), "of %zu cities", self.started);
    while (self.ended < self.started) {
        h2o_evloop_run(self.loop.h2o, STEP_MS);
        if (progress_is_due(&self.progress))
            progress_show(&self.progress, unit, self.ended);
    }
    progress_clear(&self.progress);
}

static void on_fetched(struct city_weather *weather)
{
    (void)weather;
    self.ended++;
}

/* False: errno says why. */
static bool print(char *const *names, size_t n)
{
    struct report_part *parts = h2o_mem_alloc(self.cities.n * sizeof(parts[0]));
    for (size_t i = 0; i < self.cities.n; i++) {
        parts[i] = (struct report_part){.due_us = 0};
        parts[i].entry =
            city_weather_entry(&self.weather[i], &parts[i].bytes, &parts[i].name_bytes);
    }
    struct report *report = report_create(&self.cities, parts);
    for (size_t i = 0; i < self.cities.n; i++)
        free((char *)parts[i].entry);
    free(parts);
    size_t bytes = report->text.len;
    uint64_t due_us;
    char *selected = n > 0 ? report_select(report, names, n, &bytes, &due_us) : NULL;
    fwrite(n > 0 ? selected : report->text.base, 1, bytes, stdout);
    putchar('\n');
    bool is_printed = fflush(stdout) == 0 && !ferror(stdout);
    free(selected);
    report_release(report);
    return is_printed;
}

/* Returns how many there are. */
static size_t print_failures(char *const *names, size_t n)
{
    size_t failed = 0;
    for (size_t i = 0; i < (n > 0 ? n : self.cities.n); i++) {
        const char *detail, *name = n > 0 ? names[i] : self.cities.city[i].name;
        if (is_repeated(names, n, i) || !has_failed(name, &detail))
            continue;
        fprintf(stderr, "%s: %s\n", name, detail);
        failed++;
    }
    return failed;
}

static bool is_repeated(char *const *names, size_t n, size_t index)
{
    for (size_t i = 0; n > 0 && i < index; i++) {
        if (strcmp(names[i], names[index]) == 0)
            return true;
    }
    return false;
}

static bool has_failed(const char *name, const char **ret_detail)
{
    long city = cities_find_any(&self.cities, name);
    if (city == CITIES_NONE) {
        *ret_detail = city_weather_unknown;
        return true;
    }
    *ret_detail = self.weather[city].detail;
    return self.weather[city].reason != FETCH_OK;
}

static void finish(void)
{
    fetcher_destroy(self.fetcher);
    loop_finish(&self.loop);
    free(self.weather);
    cities_finish(&self.cities);
}
