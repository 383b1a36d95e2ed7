/* The file of cities, and the template for addresses. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weather/cities.h"
#include "weather/settings.h"
#include "weather/template.h"

#define TEMPLATE "http://w.example/{name}?at={latitude},{longitude}"

/* The faults of a text, or NULL. The caller frees them. */
static char *faults_of(const char *text)
{
    struct cities cities;
    char *errors = NULL;
    if (!cities_parse(&cities, "c.json", text, strlen(text), TEMPLATE, &errors))
        return errors;
    cities_finish(&cities);
    return NULL;
}

Test(cities, have_the_values_of_the_file_in_its_order)
{
    static const char text[] = "\xEF\xBB\xBF[{\"name\":\" S\u00e3o "
                               "Paulo\",\"latitude\":-23.5,\"longitude\":-46.63,\"more\":1},\n"
                               "{\"name\":\"Oslo\",\"latitude\":60,\"longitude\":10.75,\"url\":"
                               "\"https://o.example/x\"}]\n";
    struct cities cities;
    char *errors;
    cr_assert(cities_parse(&cities, "c.json", text, strlen(text), TEMPLATE, &errors));
    cr_assert_eq(cities.n, 2);
    cr_expect_str_eq(cities.city[0].name, "S\u00e3o Paulo", "trimmed");
    cr_expect_eq(cities.city[0].latitude, -23.5);
    cr_expect_str_eq(cities.city[0].url, "http://w.example/S%C3%A3o%20Paulo?at=-23.5,-46.63");
    cr_expect_str_eq(cities.city[1].url, "https://o.example/x");
    cities_finish(&cities);
}

Test(cities, are_found_by_any_spelling_of_their_name)
{
    static const char text[] = "[{\"name\":\"b\",\"latitude\":1,\"longitude\":1},"
                               "{\"name\":\"Zo\u00eb\",\"latitude\":1,\"longitude\":1},"
                               "{\"name\":\"ab\",\"latitude\":1,\"longitude\":1},"
                               "{\"name\":\"a\",\"latitude\":1,\"longitude\":1}]";
    struct cities cities;
    char *errors;
    cr_assert(cities_parse(&cities, "c.json", text, strlen(text), TEMPLATE, &errors));
    cr_expect_eq(cities_find_any(&cities, "b"), 0);
    cr_expect_eq(cities_find_any(&cities, "Zo\u00eb"), 1);
    cr_expect_eq(cities_find_any(&cities, "Zoe\u0308"), 1, "decomposed");
    cr_expect_eq(cities_find_any(&cities, " ab "), 2);
    cr_expect_eq(cities_find_any(&cities, "a"), 3);
    cr_expect_eq(cities_find_any(&cities, "abc"), CITIES_NONE);
    cr_expect_eq(cities_find_any(&cities, ""), CITIES_NONE);
    cr_expect_eq(cities_find_any(&cities, "\xff"), CITIES_NONE);
    cities_finish(&cities);
}

Test(cities, with_a_fault_are_refused_with_its_place)
{
#define CITY(name, more) "{\"name\":\"" name "\",\"latitude\":1,\"longitude\":2" more "}"
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "line 1, column 1: not JSON: it ends too early"},
        {"[\n  {\"name\": }]", "line 2, column 12: not JSON"},
        {"[" CITY("x", "") "] x", "line 1, column 43: not JSON"},
        {"{}", "give a JSON list of cities"},
        {"null\n", "give a JSON list of cities"},
        {"[]", "give a JSON list of cities"},
        {"[1]", "city 1: give an object"},
        {"[{\"latitude\":1,\"longitude\":2}]", "city 1: name is missing"},
        {"[{\"name\":7,\"latitude\":1,\"longitude\":2}]",
         "city 1: name is missing, or is not a text"},
        {"[" CITY(" ", "") "]", "city 1: name is empty"},
        {"[" CITY("a,b", "") "]", "city 1: name has a comma"},
        {"[" CITY("a\\nb", "") "]", "city 1: name has a control character"},
        {"[" CITY("a\\u0000b", "") "]", "city 1: name has a control character"},
        {"[{\"name\":\"x\",\"longitude\":2}]", "city 1: latitude is missing"},
        {"[{\"name\":\"x\",\"latitude\":\"1\",\"longitude\":2}]",
         "latitude is missing, or is not a number"},
        {"[{\"name\":\"x\",\"latitude\":90.1,\"longitude\":2}]",
         "latitude is 90.1: give degrees from -90 to 90"},
        {"[{\"name\":\"x\",\"latitude\":1,\"longitude\":-181}]",
         "longitude is -181: give degrees from -180 to 180"},
        {"[" CITY("x", "") "," CITY("x", "") "]", "city 2: city 1 has the name \"x\" already"},
        {"[" CITY("x", ",\"url\":7") "]", "city 1 (x): url is not a text"},
        {"[" CITY("x", ",\"url\":\"file:///etc/passwd\"") "]",
         "city 1 (x): url is wrong: give an address that begins with http:// or https://"},
        {"[" CITY("x", ",\"url\":\"http://\"") "]", "city 1 (x): url is wrong"},
        {"[" CITY("x", ",\"url\":\"http://a b/\"") "]", "city 1 (x): url is wrong"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *errors = faults_of(cases[i].text);
        cr_assert_not_null(errors, "%s", cases[i].text);
        cr_expect_eq(strncmp(errors, "c.json: ", 8), 0, "%s", errors);
        cr_expect_not_null(strstr(errors, cases[i].words), "\"%s\" in: %s", cases[i].words, errors);
        cr_expect_null(strchr(errors, '\n'), "one line: %s", errors);
        free(errors);
    }
}

Test(cities, with_several_faults_are_refused_with_a_line_for_each)
{
    char *errors = faults_of("[{\"name\":\"\",\"latitude\":91,\"longitude\":2},"
                             "{\"name\":\"ok\",\"latitude\":1,\"longitude\":2},{}]");
    size_t lines = 1;
    cr_assert_not_null(errors);
    for (const char *c = errors; *c != '\0'; c++)
        lines += *c == '\n';
    cr_expect_eq(lines, 5, "%s", errors);
    cr_expect_not_null(strstr(errors, "city 1: latitude is 91"), "%s", errors);
    cr_expect_not_null(strstr(errors, "city 3: name is missing"), "%s", errors);
    free(errors);
}

Test(cities, that_are_far_too_many_or_too_wrong_give_few_lines)
{
    size_t n = CITIES_MAX + 1, length = 0;
    char *text = calloc(n + 1, 4), *errors;
    text[length++] = '[';
    for (size_t i = 0; i < n; i++)
        length += (size_t)sprintf(text + length, i == 0 ? "1" : ",1");
    text[length++] = ']';
    errors = faults_of(text);
    cr_expect_not_null(strstr(errors, "10001 cities are too many: 10000 is the limit"), "%s",
                       errors);
    free(errors);
    memcpy(text + 202, "]", 2); /* a hundred and one of them */
    errors = faults_of(text);
    cr_expect_not_null(strstr(errors, "and 81 more faults"), "%s", errors);
    free(errors);
    free(text);
}

Test(cities, of_a_file_that_cannot_be_read_are_refused)
{
    struct cities cities;
    char *errors;
    cr_assert_not(cities_read(&cities, "/nowhere/c.json", TEMPLATE, &errors));
    cr_expect_not_null(strstr(errors, "/nowhere/c.json: "), "%s", errors);
    cr_expect_not_null(strstr(errors, "No such file"), "%s", errors);
    free(errors);
    cr_assert_not(cities_read(&cities, "/", TEMPLATE, &errors));
    free(errors);
}

Test(template, is_filled_with_encoded_values)
{
    static const struct {
        const char *template, *name;
        double latitude, longitude;
        const char *url;
    } cases[] = {
        {"http://a/?{latitude}&{longitude}&{name}", "x", 52.52, -0.13, "http://a/?52.52&-0.13&x"},
        {"http://a/{name}", "a&b=c/d?e#f%g", 0, 0, "http://a/a%26b%3Dc%2Fd%3Fe%23f%25g"},
        {"http://a/{name}", "\u5317\u4eac", 0, 0, "http://a/%E5%8C%97%E4%BA%AC"},
        {"{latitude}{latitude}", "", 10, 0, "1010"},
        {"{latitude}", "", -0.0000001, 0, "0"},
        {"{latitude}", "", 1.0 / 3, 0, "0.333333"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *url =
            template_fill(cases[i].template, cases[i].name, cases[i].latitude, cases[i].longitude);
        cr_assert_not_null(url);
        cr_expect_str_eq(url, cases[i].url);
        free(url);
    }
}

Test(template, with_another_brace_or_no_http_address_is_refused)
{
    static const char *const wrong[] = {"http://a/{city}", "http://a/{name", "http://a/}",
                                        "{name}",          "ftp://a/{name}", "http://"};
    const char *why;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        why = NULL;
        cr_expect_not(template_is_valid(wrong[i], &why), "%s", wrong[i]);
        cr_expect_not_null(why);
    }
    cr_expect(template_is_valid(WEATHER_DEFAULT_URL, &why));
    cr_expect(template_is_valid("HTTP://{name}.example/", &why));
}

Test(weather_settings, name_the_contact_in_the_user_agent)
{
    char text[WEATHER_USER_AGENT_SIZE];
    struct weather_settings settings = {.cities = "/nowhere", .url = WEATHER_DEFAULT_URL};
    weather_user_agent(&settings, text);
    cr_expect_str_eq(text, "broadsheet/" BROADSHEET_VERSION);
    settings.contact = "web@news.example";
    weather_user_agent(&settings, text);
    cr_expect_str_eq(text, "broadsheet/" BROADSHEET_VERSION " (web@news.example)");

    struct cities cities;
    char *errors;
    settings.contact = "x\r\nHost: y";
    cr_expect_not(weather_settings_read(&settings, &cities, &errors));
    cr_expect_not_null(strstr(errors, "BROADSHEET_WEATHER_CONTACT is wrong"), "%s", errors);
    free(errors);
    settings.url = "http://a/{city}";
    cr_expect_not(weather_settings_read(&settings, &cities, &errors));
    cr_expect_not_null(strstr(errors, "BROADSHEET_WEATHER_URL is wrong"), "%s", errors);
    free(errors);
}

Test(cities, with_several_faults_are_told_all_of_them)
{
    char *errors = faults_of("[{\"latitude\":91,\"longitude\":2,\"url\":\"file:///x\"}]");
    cr_assert_not_null(errors);
    cr_expect_not_null(strstr(errors, "name is missing"), "%s", errors);
    cr_expect_not_null(strstr(errors, "latitude is 91"), "%s", errors);
    cr_expect_not_null(strstr(errors, "url is wrong"), "%s", errors);
    free(errors);
}
