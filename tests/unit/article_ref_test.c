#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/article_ref.h"

/* The memory has exactly this length, so that a sanitizer sees a read beyond the end. */
static struct article_ref parse(const char *text, size_t length)
{
    char *exact = malloc(length + 1);
    memcpy(exact + 1, text, length);
    struct article_ref ref = article_ref_parse(exact + 1, length);
    free(exact);
    return ref;
}

/* One test goes through a whole table. The tables are long, and a process for each row takes
 * time. */
struct id_case {
    char text[48];
    int64_t id;
};

Test(article_ref, reads_digits_as_an_id)
{
    static const struct id_case cases[] = {
        {"1", 1},
        {"42", 42},
        {"9223372036854775807", INT64_MAX},
        {"00000000000000000000000009223372036854775807", INT64_MAX},
        {"007", 7},
        {"%31", 1},
        {"1%32", 12},
        {"%31%32%33", 123},
        {"%30%31", 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct id_case *c = &cases[i];
        struct article_ref ref = parse(c->text, strlen(c->text));
        cr_expect_eq(ref.kind, ARTICLE_REF_ID, "%s: kind %d", c->text, ref.kind);
        cr_expect_eq(ref.id, c->id, "%s: %ld", c->text, (long)ref.id);
    }
}

struct slug_case {
    char text[48], slug[48];
};

Test(article_ref, reads_words_with_hyphens_as_a_slug)
{
    static const struct slug_case cases[] = {
        {"a", "a"},
        {"harbour-opens", "harbour-opens"},
        {"a-1", "a-1"},
        {"1-a", "1-a"},
        {"2024-budget-3", "2024-budget-3"},
        {"1a", "1a"},
        {"9223372036854775808a", "9223372036854775808a"},
        {"%61%62c", "abc"},
        {"a%2Db", "a-b"},
        {"a%2db", "a-b"},
        {"%7A%7a", "zz"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct slug_case *c = &cases[i];
        struct article_ref ref = parse(c->text, strlen(c->text));
        cr_expect_eq(ref.kind, ARTICLE_REF_SLUG, "%s: kind %d", c->text, ref.kind);
        cr_expect_str_eq(ref.slug, c->slug);
    }
}

struct bad_case {
    char text[48];
};

Test(article_ref, refuses_a_text_that_is_neither_an_id_nor_a_slug)
{
    static const struct bad_case cases[] = {
        /* not a number from 1 to 2^63 - 1 */
        {"0"},
        {"000"},
        {"9223372036854775808"},
        {"9223372036854775810"},
        {"18446744073709551617"},
        {"99999999999999999999999999999999"},
        {"-1"},
        {"+1"},
        {"%2B1"},
        {"%2D1"},
        {" 1"},
        {"1 "},
        {"%201"},
        {"1%20"},
        {"1%0A"},
        {"1+"},
        {"1.0"},
        {"1,0"},
        {"1_0"},
        {"0x1F"},
        {"\xef\xbc\x91"},
        /* not a slug */
        {""},
        {"-"},
        {"--"},
        {"-a"},
        {"a-"},
        {"a--b"},
        {"a-%2D-b"},
        {"A"},
        {"aB"},
        {"%41"},
        {"a_b"},
        {"a.b"},
        {"a b"},
        {"a+b"},
        {"a%2Fb"},
        {"a/b"},
        {"a~"},
        {"%2E%2E"},
        {"\xc3\xa9t\xc3\xa9"},
        {"%C3%A9t%C3%A9"},
        {"a\xcc\x81"},
        {"a\xff"},
        {"%FF"},
        /* digits and hyphens, but no letter */
        {"1-2"},
        {"2024-01-31"},
        /* not percent-encoding, or encoded twice */
        {"%"},
        {"a%"},
        {"1%"},
        {"1%3"},
        {"a%6"},
        {"%3"},
        {"%zz"},
        {"a%g1"},
        {"a%6g"},
        {"%%31"},
        {"%2531"},
        {"%u0031"},
        {"% 1"},
        {"%+1"},
        /* a NUL, which would end a C string */
        {"%00"},
        {"1%00"},
        {"a%00"},
        {"%001"},
        {"a%00b"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct bad_case *c = &cases[i];
        struct article_ref ref = parse(c->text, strlen(c->text));
        cr_expect_eq(ref.kind, ARTICLE_REF_INVALID, "\"%s\": kind %d", c->text, ref.kind);
    }
}

Test(article_ref, refuses_a_raw_nul)
{
    cr_expect_eq(parse("1\0", 2).kind, ARTICLE_REF_INVALID);
    cr_expect_eq(parse("a\0b", 3).kind, ARTICLE_REF_INVALID);
    cr_expect_eq(parse("\0", 1).kind, ARTICLE_REF_INVALID);
}

Test(article_ref, reads_no_byte_beyond_the_text)
{
    cr_expect_eq(article_ref_parse("12345", 2).id, 12);
    cr_expect_str_eq(article_ref_parse("ab-cd", 2).slug, "ab");
    cr_expect_eq(parse("a%61", 3).kind, ARTICLE_REF_INVALID);
    cr_expect_eq(parse("a%61", 2).kind, ARTICLE_REF_INVALID);
}

Test(article_ref, accepts_a_slug_of_200_bytes_and_refuses_a_longer_one)
{
    char text[3 * (SLUG_MAX_BYTES + 1)];
    memset(text, 'x', sizeof(text));
    struct article_ref ref = parse(text, SLUG_MAX_BYTES);
    cr_expect_eq(ref.kind, ARTICLE_REF_SLUG);
    cr_expect_eq(strlen(ref.slug), SLUG_MAX_BYTES);
    cr_expect_eq(parse(text, SLUG_MAX_BYTES + 1).kind, ARTICLE_REF_INVALID);
    cr_expect_eq(parse(text, sizeof(text)).kind, ARTICLE_REF_INVALID);

    for (size_t i = 0; i < sizeof(text); i += 3)
        memcpy(text + i, "%78", 3);
    cr_expect_eq(parse(text, 3 * SLUG_MAX_BYTES).kind, ARTICLE_REF_SLUG,
                 "the decoded length counts");
    cr_expect_eq(parse(text, sizeof(text)).kind, ARTICLE_REF_INVALID);
}

Test(article_ref, accepts_every_byte_of_a_slug_and_no_other)
{
    for (int byte = 0; byte < 256; byte++) {
        char text[] = {'a', (char)byte, 'a'};
        bool is_fine = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-';
        cr_expect_eq(parse(text, sizeof(text)).kind,
                     is_fine ? ARTICLE_REF_SLUG : ARTICLE_REF_INVALID, "byte %d", byte);
    }
}
