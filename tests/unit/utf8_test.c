#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "base/utf8.h"

struct text {
    char name[48];
    char bytes[16];
    size_t length;
    int characters; /* -1: not UTF-8 */
};

ParameterizedTestParameters(utf8, accepts_the_text_that_postgresql_accepts)
{
    static struct text cases[] = {
        {"nothing", "", 0, 0},
        {"ASCII", "abc\x7f", 4, 4},
        {"a NUL", "a\0b", 3, -1},
        {"two bytes", "\xC3\x84", 2, 1},
        {"the lowest code of two bytes", "\xC2\x80", 2, 1},
        {"two bytes where one is enough", "\xC1\xBF", 2, -1},
        {"a NUL in two bytes", "\xC0\x80", 2, -1},
        {"three bytes", "\xE6\x97\xA5\xE6\x9C\xAC", 6, 2},
        {"the lowest code of three bytes", "\xE0\xA0\x80", 3, 1},
        {"three bytes where two are enough", "\xE0\x9F\xBF", 3, -1},
        {"before the surrogates", "\xED\x9F\xBF", 3, 1},
        {"a surrogate", "\xED\xA0\x80", 3, -1},
        {"after the surrogates", "\xEE\x80\x80", 3, 1},
        {"four bytes", "\xF0\x9F\x97\x9E", 4, 1},
        {"the lowest code of four bytes", "\xF0\x90\x80\x80", 4, 1},
        {"four bytes where three are enough", "\xF0\x8F\xBF\xBF", 4, -1},
        {"the last character", "\xF4\x8F\xBF\xBF", 4, 1},
        {"beyond the last character", "\xF4\x90\x80\x80", 4, -1},
        {"five bytes", "\xF8\x88\x80\x80\x80", 5, -1},
        {"bytes that never occur", "\xFF\xFE", 2, -1},
        {"continuation bytes without a first byte", "\x80", 1, -1},
        {"a first byte without continuation bytes", "\xC3", 1, -1},
        {"an end in the middle of three", "\xE6\x97", 2, -1},
        {"an end in the middle of four", "\xF0\x9F\x97", 3, -1},
        {"a letter in the middle",
         "\xE6\x97"
         "a",
         3, -1},
    };
    return cr_make_param_array(struct text, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct text *c, utf8, accepts_the_text_that_postgresql_accepts)
{
    size_t characters = 77;
    bool is_good = utf8_count(c->bytes, c->length, &characters);

    cr_expect_eq(is_good, c->characters >= 0, "%s", c->name);
    cr_expect_eq(characters, is_good ? (size_t)c->characters : 77, "%s: %zu", c->name, characters);
}
