/* Times of RFC 3339, read and written. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rfc3339.h"
#include "tests/support/wait.h"

struct moment {
    char text[64];
    int64_t us;
};

ParameterizedTestParameters(rfc3339, reads)
{
    static struct moment cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1969-12-31T23:59:59.999999Z", -1},
        {"2000-01-01T00:00:00Z", INT64_C(946684800000000)},
        {"2024-02-29T23:59:59Z", INT64_C(1709251199000000)},
        {"2000-02-29T00:00:00Z", INT64_C(951782400000000)},
        {"2024-03-10T01:30:00.250-05:30", INT64_C(1710054000250000)},
        {"2024-03-10T01:30:00+05:30", INT64_C(1710014400000000)},
        {"2024-03-10T01:30:00-00:00", INT64_C(1710034200000000)},
        {"1970-01-01T23:59:00+23:59", 0},
        {"1970-01-01T00:00:00.1Z", 100000},
        {"1970-01-01T00:00:00.000001Z", 1},
        {"1970-01-01T00:00:00.9999999999999999999999Z", 999999},
        {"0001-01-01T00:00:00Z", INT64_C(-62135596800000000)},
        {"0000-12-31T23:00:00-01:00", INT64_C(-62135596800000000)},
        {"9999-12-31T23:59:59.999999Z", INT64_C(253402300799999999)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228799000000)},
        {"2016-12-31T23:59:60.5Z", INT64_C(1483228799500000)},
        {"2017-01-01T05:29:60+05:30", INT64_C(1483228799000000)},
        {"2016-12-31T15:59:60.123456-08:00", INT64_C(1483228799123456)},
        {"2016-12-31T23:59:60-00:00", INT64_C(1483228799000000)},
        {"1969-12-31T23:59:60Z", -1000000},
        {"0001-01-01T23:59:60Z", INT64_C(-62135510401000000)},
        {"9999-12-31T23:59:60Z", INT64_C(253402300799000000)},
    };
    return cr_make_param_array(struct moment, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct moment *c, rfc3339, reads)
{
    int64_t us = 77;

    cr_assert(rfc3339_parse(c->text, strlen(c->text), &us), "%s", c->text);
    cr_expect_eq(us, c->us, "%s: %" PRId64, c->text, us);
}

ParameterizedTestParameters(rfc3339, refuses)
{
    static struct moment cases[] = {
        {"", 0},
        {"yesterday", 0},
        {"2024-01-01", 0},
        {"2024-01-01T00:00Z", 0},
        {"2024-01-01T00:00:00", 0},
        {"2024-01-01 00:00:00Z", 0},
        {"2024-01-01T00:00:00 Z", 0},
        {"2024-01-01T00:00:00Z ", 0},
        {" 2024-01-01T00:00:00Z", 0},
        {"2024-01-01T00:00:00ZZ", 0},
        {"2024-01-01T00:00:00.Z", 0},
        {"2024-01-01T00:00:00,5Z", 0},
        {"2024-01-01T00:00:00+05", 0},
        {"2024-01-01T00:00:00+0530", 0},
        {"2024-01-01T00:00:00+24:00", 0},
        {"2024-01-01T00:00:00+00:60", 0},
        {"2024-1-01T00:00:00Z", 0},
        {"24-01-01T00:00:00Z", 0},
        {"+024-01-01T00:00:00Z", 0},
        {"-001-01-01T00:00:00Z", 0},
        {"12024-01-01T00:00:00Z", 0},
        {"2024/01/01T00:00:00Z", 0},
        {"2024-00-01T00:00:00Z", 0},
        {"2024-13-01T00:00:00Z", 0},
        {"2024-01-00T00:00:00Z", 0},
        {"2024-01-32T00:00:00Z", 0},
        {"2024-04-31T00:00:00Z", 0},
        {"2024-02-30T00:00:00Z", 0},
        {"2023-02-29T00:00:00Z", 0},
        {"1900-02-29T00:00:00Z", 0},
        {"2024-01-01T24:00:00Z", 0},
        {"2024-01-01T00:60:00Z", 0},
        {"2024-01-01T24:00:60Z", 0},
        {"2024-02-29T23:59:61Z", 0},
        {"0000-12-31T23:59:60Z", 0},
        {"0000-12-31T23:59:59Z", 0},
        {"0001-01-01T00:00:00+00:01", 0},
        {"9999-12-31T23:59:59-00:01", 0},
    };
    return cr_make_param_array(struct moment, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct moment *c, rfc3339, refuses)
{
    int64_t us = 77;

    cr_expect_not(rfc3339_parse(c->text, strlen(c->text), &us), "%s", c->text);
    cr_expect_eq(us, 77);
}

Test(rfc3339, a_second_60_that_is_not_a_leap_second_is_refused_with_its_own_reason)
{
    static const struct {
        const char *text;
        bool is_wrong_leap_second;
    } cases[] = {
        {"2024-02-29T23:58:60Z", true},
        {"2024-02-29T00:00:60Z", true},
        {"2024-02-29T23:59:60+01:00", true},
        {"2016-12-31T15:59:60.5-07:00", true},
        {"2016-12-31T23:59:60Z", false},
        {"2016-12-31T23:59:59Z", false},
        {"2024-02-30T23:58:60Z", false},
        {"2024-02-29T23:58:61Z", false},
        {"2024-02-29T23:58:60", false},
        {"2024-02-29T24:00:00Z", false},
        {"yesterday", false},
        {"", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t us = 77;
        const char *text = cases[i].text;
        cr_expect_eq(rfc3339_is_wrong_leap_second(text, strlen(text)),
                     cases[i].is_wrong_leap_second, "%s", text);
        if (cases[i].is_wrong_leap_second)
            cr_expect(!rfc3339_parse(text, strlen(text), &us) && us == 77, "%s", text);
    }
}

Test(rfc3339, writes_one_form_with_a_fraction_only_when_there_is_one)
{
    static const char *const cases[][2] = {
        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
        {"2024-03-10T01:30:00.250-05:30", "2024-03-10T07:00:00.250Z"},
        {"2024-01-01T00:00:00.000001Z", "2024-01-01T00:00:00.000001Z"},
        {"2024-01-01T00:00:00.0000001Z", "2024-01-01T00:00:00Z"},
        {"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
        {"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
        {"2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t us = 0;
        char text[RFC3339_BYTES];
        cr_assert(rfc3339_parse(cases[i][0], strlen(cases[i][0]), &us), "%s", cases[i][0]);
        rfc3339_format(us, text);
        cr_expect_str_eq(text, cases[i][1]);
    }
}

Test(rfc3339, reads_no_byte_beyond_the_text)
{
    const char text[] = "2024-02-29T23:59:59.5+01:00";
    int64_t us;

    for (size_t bytes = 0; bytes < sizeof(text) - 1; bytes++) {
        char *exact = malloc(bytes + 1); /* a sanitizer sees a read beyond it */
        memcpy(exact, text, bytes);
        cr_expect_not(rfc3339_parse(exact, bytes, &us), "%zu bytes", bytes);
        free(exact);
    }
}

Test(rfc3339, agrees_with_the_c_library_on_every_day)
{
    for (int64_t day = -719162; day < 2932897; day += TEST_SLOWNESS) {
        time_t seconds = day * 86400;
        struct tm tm;
        char text[48];
        int64_t us = 0;

        gmtime_r(&seconds, &tm);
        snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday);
        cr_assert(rfc3339_parse(text, strlen(text), &us), "%s", text);
        cr_assert_eq(us, day * 86400 * 1000000, "%s", text);
    }
}
