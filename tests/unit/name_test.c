/* The clean form of names of sections, authors and tags. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"

TestSuite(name, .timeout = 60);

/* The memory has exactly the size of the name, so that a sanitizer sees a read beyond it. */
static void expect_name(const char *text, const char *want)
{
    size_t bytes = strlen(text);
    char *exact = malloc(bytes > 0 ? bytes : 1);
    struct name name;

    memcpy(exact, text, bytes);
    enum name_status status = name_clean(&name, exact, bytes);
    cr_expect_eq(status, want != NULL ? NAME_OK : NAME_EMPTY, "\"%s\": %d", text, status);
    if (status == NAME_OK && want != NULL)
        cr_expect(name.bytes == strlen(want) && memcmp(name.data, want, name.bytes) == 0,
                  "\"%s\" becomes \"%.*s\"", text, (int)name.bytes, name.data);
    free(exact);
}

Test(name, has_no_white_space_at_its_ends_and_keeps_the_white_space_inside)
{
    static const char *const cases[][2] = {
        {"News", "News"},
        {" News ", "News"},
        {"\t\r\n\v\fNews\n", "News"},
        {"a  b", "a  b"},
        {"\xC2\x85"
         "News\u00a0",
         "News"},
        {"\u1680\u2000\u200aNews\u2028\u2029", "News"},
        {"\u202f\u205f\u3000日本\u3000", "日本"},
        {"\u200bNews", "\u200bNews"}, /* Unicode does not count ZERO WIDTH SPACE as white space */
        {"\x01 x", "\x01 x"},
        {"", NULL},
        {" ", NULL},
        {"\t \u3000\u00a0\n", NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_name(cases[i][0], cases[i][1]);
}

Test(name, is_in_normalization_form_c)
{
    static const char *const cases[][2] = {
        {"Zoe\u0308", "Zo\u00eb"},
        {" Zoe\u0308 ", "Zo\u00eb"},
        {"Zo\u00eb", "Zo\u00eb"},
        {"\u212bngstrom", "\u00c5ngstrom"},     /* ANGSTROM SIGN */
        {"\u1112\u1161\u11ab", "\ud55c"},       /* Hangul */
        {"\u0958", "\u0915\u093c"},             /* excluded from composition */
        {"q\u0307\u0323", "q\u0323\u0307"},     /* the order of marks */
        {"\u03b1\u0313\u0300\u0345", "\u1f82"}, /* four characters become one */
        {"\U0001d15e", "\U0001d157\U0001d165"}, /* beyond the first plane */
        {"\ufb01ne", "\ufb01ne"},               /* form C keeps ligatures */
        {"\u200e\u0301", "\u200e\u0301"},
        {"\U0001f5de \ufffd", "\U0001f5de \ufffd"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_name(cases[i][0], cases[i][1]);
}

static enum name_status clean_repeated(const char *unit, size_t times)
{
    size_t unit_bytes = strlen(unit);
    char *text = malloc(times * unit_bytes + 2);
    struct name name;

    for (size_t i = 0; i < times; i++)
        memcpy(text + i * unit_bytes, unit, unit_bytes);
    text[times * unit_bytes] = ' '; /* is not a part of the name */
    enum name_status status = name_clean(&name, text, times * unit_bytes + 1);
    free(text);
    return status;
}

Test(name, counts_the_characters_of_the_clean_form)
{
    static const struct {
        const char *unit;
        size_t most;
    } cases[] = {
        {"a", 200},
        {"\u00eb", 200},
        {"e\u0308", 200},
        {"\U0001f5de", 200},
        {"\u03b1\u0313\u0300\u0345", 200},
        {"\U0001d160", 66},                      /* becomes three */
        {"a\u0301\u0323\u0302\u0308\u0304", 40}, /* a with dot below and four marks */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_eq(clean_repeated(cases[i].unit, cases[i].most), NAME_OK, "case %zu", i);
        cr_expect_eq(clean_repeated(cases[i].unit, cases[i].most + 1), NAME_TOO_LONG, "case %zu",
                     i);
    }
}

/* Sorting eight million marks would take hours. */
Test(name, of_millions_of_combining_marks_is_refused_at_once)
{
    cr_expect_eq(clean_repeated("\u0301\u0323", 4000000), NAME_TOO_LONG);
    cr_expect_eq(clean_repeated(" ", 16000000), NAME_EMPTY);
}
