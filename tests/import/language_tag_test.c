/* Language tags: the grammar of RFC 5646, and its canonical case. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "import/language_tag.h"

TestSuite(language_tag, .timeout = 30);

/* The memory has exactly the size of the text, so that a sanitizer sees a read beyond it. */
static bool parse(const char *text, char *tag)
{
    size_t bytes = strlen(text);
    char *exact = malloc(bytes > 0 ? bytes : 1);

    memcpy(exact, text, bytes);
    bool is_good = language_tag_parse(exact, bytes, tag);
    free(exact);
    return is_good;
}

Test(language_tag, gets_its_canonical_case)
{
    static const char *const cases[][2] = {
        {"en", "en"},
        {"EN", "en"},
        {"deu", "deu"},
        {"abcd", "abcd"},
        {"abcdefgh", "abcdefgh"},
        {"en-us", "en-US"},
        {"es-419", "es-419"},
        {"zh-hant-tw", "zh-Hant-TW"},
        {"ZH-YUE-HANT-HK", "zh-yue-Hant-HK"},
        {"zh-aaa-bbb-ccc", "zh-aaa-bbb-ccc"},
        {"sr-LATN-rs", "sr-Latn-RS"},
        {"DE-CH-1996", "de-CH-1996"},
        {"sl-ROZAJ-Biske-1994", "sl-rozaj-biske-1994"},
        {"de-1ABC", "de-1abc"},
        {"en-U-CA-gregory-T-it", "en-u-ca-gregory-t-it"},
        {"de-de-u-co-PHONEBK-X-Mine-a", "de-DE-u-co-phonebk-x-mine-a"},
        {"en-a-ABCD-us", "en-a-abcd-us"},
        {"en-x-US", "en-x-us"},
        {"x-Whatever", "x-whatever"},
        {"zh-Hant-TW-x-1234567-1234567-12345", "zh-Hant-TW-x-1234567-1234567-12345"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char tag[LANGUAGE_TAG_MAX_BYTES + 1] = "";
        cr_expect(parse(cases[i][0], tag), "%s", cases[i][0]);
        cr_expect_str_eq(tag, cases[i][1], "%s: %s", cases[i][0], tag);
    }
}

Test(language_tag, that_is_not_well_formed_is_refused)
{
    static const char *const cases[] = {
        "",
        "e",
        "abcdefghi",
        "english language",
        "en_US",
        "en-",
        "-en",
        "en--US",
        "12",
        "e1",
        "en-U",
        "en-u-a",
        "en-a",
        "en-a-x-b",
        "en-x",
        "en-x-",
        "x",
        "x-",
        "x-123456789",
        "i-klingon",
        "abcd-aaa",
        "zh-aaa-bbb-ccc-ddd",
        "en-US-Latn",
        "en-US-GB",
        "en-1996-US",
        "en-abc1",
        "en-abcdefghi",
        "d\xC3\xA9",
        "en\n",
        " en",
        "en-x-12345678-12345678-12345678-1234",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char tag[LANGUAGE_TAG_MAX_BYTES + 1] = "?";
        cr_expect_not(parse(cases[i], tag), "%s", cases[i]);
        cr_expect_str_eq(tag, "?", "%s", cases[i]);
    }
    char tag[LANGUAGE_TAG_MAX_BYTES + 1];
    cr_expect_not(language_tag_parse("en\0", 3, tag));
}
