/* The rounds of weather/weather.h, with short pauses. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/fetch/scene.h"
#include "tests/support/fail.h"
#include "weather/weather.h"

TestSuite(rounds, .init = scene_begin, .fini = scene_end, .timeout = 60);

static struct {
    struct cities cities;
    struct weather *weather;
    struct weather_stats stats;
    char *text; /* of the newest report */
    unsigned reports, began_to_fail, works_again, rounds;
    size_t round_cities, round_failed;
} self;

static void on_report(struct weather *weather, struct report *report)
{
    (void)weather;
    self.reports++;
    free(self.text);
    self.text = h2o_strdup(NULL, report->text.base, report->text.len).base;
}

static void on_change(struct weather *weather, const struct city_weather *city)
{
    (void)weather;
    if (city->reason == FETCH_OK)
        self.works_again++;
    else
        self.began_to_fail++;
}

static void on_round(struct weather *weather, size_t cities, size_t failed, uint64_t took_us)
{
    (void)weather;
    cr_expect_gt(took_us, 0);
    self.rounds++;
    self.round_cities = cities;
    self.round_failed = failed;
}

static unsigned max_last_s = WEATHER_MAX_LAST_S, first_retry_ms = WEATHER_FIRST_RETRY_MS;

/* Cities "c0", "c1" ... with these paths. */
static void begin(unsigned every_s, const char *const *paths)
{
    char *text = test_format("["), *errors;
    for (size_t i = 0; paths[i] != NULL; i++) {
        char *url = endpoint_url(scene_endpoint, "127.0.0.1", paths[i]);
        char *more =
            test_format("%s%s{\"name\":\"c%zu\",\"latitude\":1,\"longitude\":2,\"url\":\"%s\"}",
                        text, i > 0 ? "," : "", i, url);
        free(text);
        free(url);
        text = more;
    }
    char *whole = test_format("%s]", text);
    cr_assert(cities_parse(&self.cities, "c", whole, strlen(whole), "http://a/", &errors));
    free(whole);
    free(text);
    self.weather = weather_create(&(struct weather_config){.loop = scene_loop(),
                                                           .cities = &self.cities,
                                                           .every_s = every_s,
                                                           .timeout_ms = 20000,
                                                           .parallel = 10,
                                                           .first_retry_ms = first_retry_ms,
                                                           .max_retry_ms = 4 * first_retry_ms,
                                                           .max_last_s = max_last_s,
                                                           .user_agent = "test",
                                                           .stats = &self.stats,
                                                           .on_report = on_report,
                                                           .on_change = on_change,
                                                           .on_round = on_round});
    cr_expect_eq(self.reports, 0, "called back before weather_create returned");
}

static void end(void)
{
    weather_destroy(self.weather);
    cities_finish(&self.cities);
    free(self.text);
}

static bool says(const char *words)
{
    return self.text != NULL && strstr(self.text, words) != NULL;
}

Test(rounds, report_what_came_and_what_failed)
{
    begin(3600, (const char *[]){"/weather", "/status?code=500", "/ok", "/weather", NULL});
    cr_assert(TURN_UNTIL(self.rounds == 1));
    cr_expect_eq(self.round_cities, 4);
    cr_expect_eq(self.round_failed, 2);
    cr_expect_eq(self.began_to_fail, 2);
    cr_expect_eq(self.works_again, 0);
    cr_assert(TURN_UNTIL(says("\"reason\":\"not-json\"") && says("\"reason\":\"status\"")));
    cr_expect(
        says("\"c0\":{\"temperature_c\":11.5,\"humidity_percent\":81,\"wind_kmh\":14.8,\"code\":3,"
             "\"text\":\"overcast\",\"observed_at\":\"2026-01-31T12:00:00Z\",\"fetched_at\":\""),
        "%s", self.text);
    cr_expect_eq(counter_get(&self.stats.fetches[FETCH_OK]), 2);
    cr_expect_eq(counter_get(&self.stats.fetches[FETCH_STATUS]), 1);
    cr_expect_eq(counter_get(&self.stats.fetches[WEATHER_NOT_JSON]), 1);
    cr_expect_gt(counter_get(&self.stats.oldest_read_us), 0);
    end();
}

Test(rounds, follow_each_other_and_tell_a_change_once)
{
    begin(1, (const char *[]){"/failing", NULL});
    cr_assert(TURN_UNTIL(self.rounds == 2));
    cr_expect_eq(self.began_to_fail + self.works_again, 0, "it works, as expected");
    endpoint_set_failing(scene_endpoint, true, 0);
    cr_assert(TURN_UNTIL(self.began_to_fail == 1));
    unsigned rounds = self.rounds;
    cr_assert(TURN_UNTIL(self.rounds >= rounds + 2));
    cr_expect_eq(self.began_to_fail, 1);
    cr_expect(TURN_UNTIL(says("\"last\":{\"temperature_c\":11.5")), "%s", self.text);
    endpoint_set_failing(scene_endpoint, false, 0);
    cr_assert(TURN_UNTIL(self.works_again == 1));
    cr_expect(TURN_UNTIL(says("\"c0\":{\"temperature_c\":11.5")));
    end();
}

Test(rounds, ask_conditionally_and_keep_a_reading_that_is_unchanged)
{
    begin(1, (const char *[]){"/weather-tagged", NULL});
    cr_assert(TURN_UNTIL(self.rounds == 3));
    char *head = endpoint_head(scene_endpoint);
    cr_expect_not_null(strstr(head, "If-None-Match: \"t1\""), "%s", head);
    cr_expect(says("\"c0\":{\"temperature_c\":11.5"), "%s", self.text);
    free(head);
    end();
}

Test(rounds, respect_the_pause_that_an_endpoint_asks_for)
{
    begin(1, (const char *[]){"/status?code=429&retry=3600", "/weather", NULL});
    cr_assert(TURN_UNTIL(self.rounds == 3));
    cr_expect_eq(self.round_cities, 1, "the other one is not asked");
    cr_expect_eq(counter_get(&self.stats.fetches[FETCH_STATUS]), 1);
    end();
}

Test(rounds, fetch_again_after_a_short_pause_that_an_endpoint_asks_for)
{
    begin(3600, (const char *[]){"/status?code=503&retry=1", NULL});
    uint64_t start_us = clock_us();
    cr_assert(TURN_UNTIL(counter_get(&self.stats.fetches[FETCH_STATUS]) == 2));
    cr_expect_geq(clock_us() - start_us, 1000000);
    cr_expect_eq(self.rounds, 1);
    end();
}

Test(rounds, may_be_given_up_while_fetches_are_under_way)
{
    begin(3600, (const char *[]){"/hang", "/hang", "/hang", "/hang", "/hang", "/hang", NULL});
    cr_assert(TURN_UNTIL(endpoint_requests(scene_endpoint) == WEATHER_PER_HOST));
    end();
}

Test(rounds, stop_showing_the_last_reading_of_a_failing_city_when_it_is_too_old)
{
    max_last_s = 2;
    begin(1, (const char *[]){"/failing", NULL});
    cr_assert(TURN_UNTIL(says("\"c0\":{\"temperature_c\":11.5")));
    endpoint_set_failing(scene_endpoint, true, 3600); /* no fetch comes after the next one */
    cr_assert(TURN_UNTIL(says("\"last\":{\"temperature_c\":11.5")), "%s", self.text);
    cr_expect(TURN_UNTIL(says("\"last\":null")), "%s", self.text);
    end();
}

Test(rounds, are_reported_without_a_city_that_takes_longer_than_a_round)
{
    begin(1, (const char *[]){"/weather", "/hang", NULL});
    for (unsigned i = 1; i <= 3; i++) {
        cr_assert(TURN_UNTIL(self.rounds == i));
        cr_expect_eq(self.round_cities, 1, "round %u: %zu cities", i, self.round_cities);
        cr_expect_eq(self.round_failed, 0);
    }
    end();
}

Test(rounds, ask_again_after_pauses_that_double_up_to_a_limit)
{
    static const unsigned pauses_ms[] = {100, 200, 400, 400};
    uint64_t from_ms = test_now_ms(), least_ms = 0;
    first_retry_ms = 100;
    begin(3600, (const char *[]){"/status?code=500", NULL});
    cr_assert(TURN_UNTIL(endpoint_requests(scene_endpoint) == 1));
    for (unsigned i = 0; i < 4; i++) {
        least_ms += pauses_ms[i];
        cr_assert(TURN_UNTIL(endpoint_requests(scene_endpoint) == i + 2));
        cr_expect_geq(test_now_ms() - from_ms, least_ms, "request %u", i + 2);
    }
    end();
}
