/* GET /weather of the real server, and the command: endpoints on this machine, one of them fails. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/metric.h"
#include "tests/fetch/endpoint.h"
#include "tests/support/fail.h"
#include "tests/support/process.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"

enum { SOON_MS = 10000 * TEST_SLOWNESS };

static struct endpoint *endpoint;
static char file[] = "/tmp/broadsheet-cities-XXXXXX";
static char *setting; /* BROADSHEET_WEATHER_CITIES=FILE */

static void begin(void)
{
    unsetenv("http_proxy");
    endpoint = endpoint_start(NULL, NULL);
    int fd = mkstemp(file);
    cr_assert_neq(fd, -1);
    close(fd);
    setting = test_format("BROADSHEET_WEATHER_CITIES=%s", file);
}

static void end(void)
{
    unlink(file);
    free(setting);
    endpoint_stop(endpoint);
}

TestSuite(weather, .init = begin, .fini = end, .timeout = 60);

/* names and paths: in pairs, NULL at the end. */
static void write_cities(const char *const *pairs)
{
    FILE *out = fopen(file, "w");
    for (size_t i = 0; pairs[i] != NULL; i += 2) {
        char *url = endpoint_url(endpoint, "127.0.0.1", pairs[i + 1]);
        fprintf(out, "%s{\"name\":\"%s\",\"latitude\":1,\"longitude\":2,\"url\":\"%s\"}",
                i == 0 ? "[" : ",\n", pairs[i], url);
        free(url);
    }
    fputs("]\n", out);
    fclose(out);
}

static struct test_site open_site(const char *every)
{
    const char *const env[] = {setting, every, "BROADSHEET_THREADS=2",
                               "BROADSHEET_WEATHER_TIMEOUT_MS=5000", NULL};
    return test_site_open(env);
}

/* Does the city have this text under this pointer, such as "/text"? */
static bool shows(const struct test_server *server, const char *city, const char *pointer,
                  const char *text)
{
    char *path = test_format("/weather?cities=%s", city),
         *at = test_format("/weather/%s%s", city, pointer);
    struct http_answer a = http_get(server, path);
    const char *found = answer_text(&a, at);
    bool is = a.status == 200 && found != NULL && strcmp(found, text) == 0;
    http_answer_finish(&a);
    free(path);
    free(at);
    return is;
}

static size_t keys_of(const struct http_answer *answer, char *names, size_t size)
{
    json_object *weather = json_object_object_get(answer->json, "weather");
    size_t n = 0;
    names[0] = '\0';
    json_object_object_foreach(weather, name, city)
    {
        (void)city;
        snprintf(names + strlen(names), size - strlen(names), "%s%s", n++ > 0 ? "," : "", name);
    }
    return n;
}

Test(weather, has_a_key_for_each_city_and_its_error_where_it_fails)
{
    write_cities(
        (const char *[]){"Oslo", "/weather", "Rome", "/status?code=500", "Lima", "/hang", NULL});
    struct test_site site = open_site("BROADSHEET_WEATHER_EVERY_S=3600");
    cr_assert(WAIT_UNTIL(SOON_MS, shows(site.server, "Oslo", "/temperature_c", "11.5")));
    cr_assert(WAIT_UNTIL(SOON_MS, shows(site.server, "Rome", "/error/reason", "status")));
    cr_expect(shows(site.server, "Lima", "/error/reason", "not-yet") ||
              shows(site.server, "Lima", "/error/reason", "timeout"));
    cr_expect(WAIT_UNTIL(SOON_MS, shows(site.server, "Lima", "/error/reason", "timeout")));

    char names[200];
    struct http_answer a = http_get(site.server, "/weather");
    cr_expect_eq(keys_of(&a, names, sizeof(names)), 3);
    cr_expect_str_eq(names, "Oslo,Rome,Lima");
    cr_expect_str_eq(answer_text(&a, "/weather/Oslo/text"), "overcast");
    cr_expect_str_eq(answer_text(&a, "/weather/Oslo/observed_at"), "2026-01-31T12:00:00Z");
    http_answer_finish(&a);

    a = http_get(site.server, "/weather?cities=Lima,Atlantis,Oslo,Lima");
    keys_of(&a, names, sizeof(names));
    cr_expect_str_eq(names, "Lima,Atlantis,Oslo");
    cr_expect_str_eq(answer_text(&a, "/weather/Atlantis/error/reason"), "unknown-city");
    http_answer_finish(&a);
    cr_expect(WAIT_UNTIL(SOON_MS, test_server_has_logged(site.server, "\"weather_round\"")));
    cr_expect(test_server_has_logged(site.server, "\"weather_fails\""));
    test_site_close(&site);
}

Test(weather, takes_names_as_forms_and_links_encode_them)
{
    write_cities((const char *[]){"São Paulo", "/weather", "北京", "/weather", NULL});
    struct test_site site = open_site("BROADSHEET_WEATHER_EVERY_S=3600");
    static const char *const queries[] = {"S%C3%A3o%20Paulo,%E5%8C%97%E4%BA%AC",
                                          "S%C3%A3o+Paulo%2C%E5%8C%97%E4%BA%AC&utm_source=x"};
    for (size_t i = 0; i < 2; i++) {
        char names[100], *path = test_format("/weather?cities=%s", queries[i]);
        struct http_answer a = http_get(site.server, path);
        cr_assert_eq(a.status, 200);
        keys_of(&a, names, sizeof(names));
        cr_expect_str_eq(names, "São Paulo,北京");
        const char *reason = answer_text(&a, "/weather/São Paulo/error/reason");
        cr_expect(reason == NULL || strcmp(reason, "not-yet") == 0, "it is known: %s", reason);
        http_answer_finish(&a);
        free(path);
    }
    test_site_close(&site);
}

Test(weather, refuses_a_list_that_is_empty_or_not_text)
{
    write_cities((const char *[]){"Oslo", "/weather", NULL});
    struct test_site site = open_site("BROADSHEET_WEATHER_EVERY_S=3600");
    static const char *const paths[] = {"/weather?cities=",           "/weather?cities",
                                        "/weather?cities=a,,b",       "/weather?cities=a,",
                                        "/weather?cities=%FF",        "/weather?cities=a%00b",
                                        "/weather?cities=a&cities=b", "/weather?city=a"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct http_answer a = http_get(site.server, paths[i]);
        expect_problem(&a, 400, paths[i]);
        http_answer_finish(&a);
    }
    test_site_close(&site);
}

Test(weather, is_answered_conditionally_compressed_and_to_head)
{
    const char *pairs[2 * 20 + 1] = {NULL};
    char names[20][8];
    for (size_t i = 0; i < 20; i++) {
        snprintf(names[i], sizeof(names[i]), "c-%zu", i);
        pairs[2 * i] = names[i];
        pairs[2 * i + 1] = "/weather";
    }
    write_cities(pairs);
    struct test_site site = open_site("BROADSHEET_WEATHER_EVERY_S=3600");
    cr_assert(WAIT_UNTIL(SOON_MS, test_server_has_logged(site.server, "\"weather_round\"")));
    static const char *const paths[] = {"/weather",
                                        "/weather?cities=c-1,c-2,c-3,c-4,c-5,c-6,c-7,c-8"};
    for (size_t i = 0; i < 2; i++) {
        /* The last report of the round may still be on its way to a thread. */
        cr_assert(WAIT_UNTIL(SOON_MS, shows(site.server, "c-19", "/code", "3")));
        struct http_answer plain = http_get(site.server, paths[i]),
                           gzip = http_request(site.server, "GET", paths[i],
                                               "Accept-Encoding: gzip\r\n", NULL),
                           head = http_request(site.server, "HEAD", paths[i], NULL, NULL);
        cr_expect_eq(strncmp(http_field(&plain, "cache-control"), "max-age=", 8), 0);
        cr_expect_str_eq(http_field(&gzip, "content-encoding"), "gzip");
        cr_expect_lt(gzip.length, plain.length);
        cr_expect_str_neq(http_field(&gzip, "etag"), http_field(&plain, "etag"));
        cr_expect_eq(strtoul(http_field(&head, "content-length"), NULL, 10), plain.length);
        cr_expect_eq(head.length, 0);
        char *condition = test_format("If-None-Match: %s\r\n", http_field(&plain, "etag"));
        struct http_answer again = http_request(site.server, "GET", paths[i], condition, NULL);
        cr_expect_eq(again.status, 304);
        http_answer_finish(&plain);
        http_answer_finish(&gzip);
        http_answer_finish(&head);
        http_answer_finish(&again);
        free(condition);
    }
    test_site_close(&site);
}

Test(weather, shows_the_last_reading_beside_the_error_and_works_again_by_itself)
{
    write_cities((const char *[]){"Oslo", "/failing", NULL});
    struct test_site site = open_site("BROADSHEET_WEATHER_EVERY_S=1");
    cr_assert(WAIT_UNTIL(SOON_MS, shows(site.server, "Oslo", "/temperature_c", "11.5")));
    endpoint_set_failing(endpoint, true, 0);
    cr_assert(WAIT_UNTIL(SOON_MS, shows(site.server, "Oslo", "/error/reason", "status")));
    cr_expect(shows(site.server, "Oslo", "/last/temperature_c", "11.5"));
    endpoint_set_failing(endpoint, false, 0);
    cr_expect(WAIT_UNTIL(SOON_MS, shows(site.server, "Oslo", "/temperature_c", "11.5")));
    cr_expect(WAIT_UNTIL(SOON_MS, test_server_has_logged(site.server, "\"weather_works_again\"")));
    test_site_close(&site);
}

Test(weather, is_never_fetched_by_a_reader)
{
    write_cities((const char *[]){"Oslo", "/weather", NULL});
    struct test_site site = open_site("BROADSHEET_WEATHER_EVERY_S=3600");
    cr_assert(WAIT_UNTIL(SOON_MS, shows(site.server, "Oslo", "/temperature_c", "11.5")));
    for (int i = 0; i < 200; i++)
        cr_expect(shows(site.server, "Oslo", "/temperature_c", "11.5"));
    cr_expect_eq(endpoint_requests(endpoint), 1);
    test_site_close(&site);
}

Test(weather, is_404_where_no_cities_are_configured)
{
    struct test_site site = test_site_open(NULL);
    struct http_answer a = http_get(site.server, "/weather");
    expect_problem(&a, 404, "/weather");
    http_answer_finish(&a);
    test_site_close(&site);
}

Test(weather, that_is_being_fetched_does_not_delay_the_end_of_the_server)
{
    write_cities((const char *[]){"Oslo", "/hang", NULL});
    const char *const env[] = {setting, "BROADSHEET_WEATHER_TIMEOUT_MS=60000", NULL};
    struct test_site site = test_site_open(env);
    cr_assert(WAIT_UNTIL(SOON_MS, endpoint_requests(endpoint) == 1));
    uint64_t start = test_now_ms();
    test_site_close(&site);
    cr_expect_lt(test_now_ms() - start, 1000 * TEST_PATIENCE);
}

/* ---- the command */

static void run(struct test_run *run, const char *const *names)
{
    const char *argv[8] = {test_program(), "weather"};
    for (size_t i = 0; names[i] != NULL; i++)
        argv[i + 2] = names[i];
    test_run(run, argv,
             (const char *[]){setting, "DATABASE_URL", "BROADSHEET_WEATHER_TIMEOUT_MS=10000", NULL},
             NULL);
}

Test(weather, is_printed_by_the_command_without_a_database)
{
    struct test_run all, some;
    write_cities((const char *[]){"Oslo", "/weather", "Rome", "/cut", NULL});
    run(&all, (const char *[]){NULL});
    cr_expect_eq(all.status, 1);
    cr_expect_eq(strncmp(all.out, "{\"weather\":{\"Oslo\":{\"temperature_c\":11.5,", 41), 0, "%s",
                 all.out);
    cr_expect_not_null(strstr(all.out, "\"Rome\":{\"error\":{\"reason\":\"cut-off\""), "%s",
                       all.out);
    cr_expect_eq(strncmp(all.err, "Rome: ", 6), 0, "%s", all.err);
    run(&some, (const char *[]){"Oslo", "Oslo", NULL});
    cr_expect_eq(some.status, 0, "%s", some.err);
    cr_expect_str_eq(some.err, "");
    test_run_finish(&all);
    test_run_finish(&some);
}

Test(weather, that_cannot_be_printed_is_a_failure)
{
    struct test_run command;
    write_cities((const char *[]){"Oslo", "/weather", NULL});
    test_run(
        &command,
        (const char *[]){"/bin/sh", "-c", "exec \"$0\" weather >/dev/full", test_program(), NULL},
        (const char *[]){setting, "DATABASE_URL", NULL}, NULL);
    cr_expect_eq(command.status, 1);
    cr_expect_not_null(strstr(command.err, "cannot be written"), "%s", command.err);
    test_run_finish(&command);
}

Test(weather, in_the_metrics_is_counted_by_outcome)
{
    write_cities((const char *[]){"Oslo", "/weather", "Rome", "/cut", NULL});
    struct test_site site = open_site("BROADSHEET_WEATHER_EVERY_S=3600");
    cr_expect(WAIT_UNTIL(SOON_MS, metric_of(site.server, "broadsheet_weather_fetches_total",
                                            "outcome=\"ok\"") == 1));
    cr_expect(WAIT_UNTIL(SOON_MS, metric_of(site.server, "broadsheet_weather_fetches_total",
                                            "outcome=\"cut-off\"") == 1));
    test_site_close(&site);
}

Test(weather, with_a_wrong_setting_ends_the_program_with_status_2_and_a_line)
{
    struct test_run command;
    write_cities((const char *[]){"Oslo", "/weather", "Oslo", "/weather", NULL});
    run(&command, (const char *[]){NULL});
    cr_expect_eq(command.status, 2);
    cr_expect_not_null(strstr(command.err, "city 2: city 1 has the name \"Oslo\" already"), "%s",
                       command.err);
    test_run_finish(&command);

    test_run(&command, (const char *[]){test_program(), NULL},
             (const char *[]){setting, "DATABASE_URL=postgresql://127.0.0.1:1/x", NULL}, NULL);
    cr_expect_eq(command.status, 2, "the server, too");
    test_run_finish(&command);
}
