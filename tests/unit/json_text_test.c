#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"

enum { GUARD = 32, LONGEST = 200, WORST = 6 }; /* bytes of "\u0000" */

/* What is written, followed by a NUL. Fails where length() says another length, or where a byte
 * before or behind is written. The caller frees it. */
static char *written(const char *text, size_t length, size_t *ret_length)
{
    size_t told = json_text_length(text, length), room = length * WORST + 2;
    cr_assert_leq(told, room);
    char *memory = malloc(GUARD + room + GUARD), *from = memory + GUARD;
    memset(memory, 0xAA, GUARD + room + GUARD);
    cr_assert_eq((size_t)(json_text_write(from, text, length) - from), told);
    for (size_t i = 0; i < GUARD; i++) {
        cr_assert_eq((unsigned char)memory[i], 0xAA);
        cr_assert_eq((unsigned char)from[told + i], 0xAA, "byte %zu behind the end", i);
    }
    *ret_length = told;
    memmove(memory, from, told);
    memory[told] = '\0';
    return memory;
}

static void expect_as_json_c(const char *text, size_t length)
{
    size_t got_length, want_length;
    char *exact = malloc(length + 1), *got; /* + 1: malloc(0) */
    memcpy(exact, text, length);            /* so that a read beyond its end is found */
    got = written(exact, length, &got_length);

    json_object *object = json_object_new_string_len(text, (int)length);
    const char *want = json_object_to_json_string_length(
        object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &want_length);
    cr_assert_eq(got_length, want_length, "%s and not %s", got, want);
    cr_assert_arr_eq(got, want, want_length);
    json_object_put(object);
    free(got);
    free(exact);
}

struct text_case {
    char text[40], want[64];
};

ParameterizedTestParameters(json_text, escapes_what_json_must_not_hold_and_keeps_the_rest)
{
    static struct text_case cases[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"</script>", "\"</script>\""},
        {"a\tb\nc\rd\be\ff", "\"a\\tb\\nc\\rd\\be\\ff\""},
        {"\x01\x0b\x0e\x1f", "\"\\u0001\\u000b\\u000e\\u001f\""},
        {"\x7f", "\"\x7f\""},
        {"\xc3\xa9", "\"\xc3\xa9\""},
        {"\xe6\x97\xa5", "\"\xe6\x97\xa5\""},
        {"\xf0\x9f\x93\xb0", "\"\xf0\x9f\x93\xb0\""},
        {"\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\""},
        {"\xe2\x80\xa8\xe2\x80\xa9", "\"\xe2\x80\xa8\xe2\x80\xa9\""},
        {"\xef\xbb\xbf", "\"\xef\xbb\xbf\""},
        {"null", "\"null\""},
        {"%s%n", "\"%s%n\""},
    };
    return cr_make_param_array(struct text_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct text_case *c, json_text,
                  escapes_what_json_must_not_hold_and_keeps_the_rest)
{
    size_t length;
    char *got = written(c->text, strlen(c->text), &length);
    cr_expect_str_eq(got, c->want);
    free(got);

    json_object *again = json_tokener_parse(c->want);
    cr_expect_str_eq(json_object_get_string(again), c->text);
    json_object_put(again);
}

Test(json_text, writes_nul_bytes_too)
{
    size_t length;
    char *got = written("a\0b", 3, &length);
    cr_expect_str_eq(got, "\"a\\u0000b\"");
    free(got);
}

Test(json_text, is_what_json_c_makes_of_every_byte_at_every_place_of_a_block)
{
    enum { LENGTH = 48 };
    for (int byte = 0; byte < 256; byte++) {
        for (size_t at = 0; at < LENGTH; at++) {
            char text[LENGTH];
            memset(text, 'x', sizeof(text));
            text[at] = (char)byte;
            expect_as_json_c(text, sizeof(text));
        }
    }
}

Test(json_text, is_what_json_c_makes_of_each_single_byte)
{
    for (int byte = 0; byte < 256; byte++)
        expect_as_json_c(&(char){(char)byte}, 1);
}

/* Of each length some texts: of any bytes, and of few that need an escape. */
Test(json_text, is_what_json_c_makes_of_texts_of_every_length)
{
    srand(1);
    for (size_t length = 0; length <= LONGEST; length++) {
        for (int round = 0; round < 40; round++) {
            char text[LONGEST + 1];
            for (size_t i = 0; i < length; i++) {
                bool any = round % 2 == 0 || rand() % 20 == 0;
                text[i] = (char)(any ? rand() % 256 : 'a' + rand() % 26);
            }
            expect_as_json_c(text, length);
        }
    }
}

Test(json_text, writes_a_long_text_whole)
{
    static char text[200 * 1024];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = "ab\"c \n\xc3\xa9 one two three four five six seven"[i % 41];
    expect_as_json_c(text, sizeof(text));
}
