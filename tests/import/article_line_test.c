/* What a good line gives, and the reason of every bad one. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/article_line.h"

static struct article_line article;

static void begin(void)
{
    article_line_init(&article);
}

static void end(void)
{
    article_line_finish(&article);
}

TestSuite(article_line, .init = begin, .fini = end, .timeout = 30);

/* Exactly so many bytes in memory, so that a sanitizer sees a read beyond them. */
static bool parse(const char *line, size_t bytes)
{
    char *exact = malloc(bytes + 1);

    memcpy(exact, line, bytes);
    exact = realloc(exact, bytes > 0 ? bytes : 1);
    bool is_good = article_line_parse(&article, exact, bytes);
    free(exact);
    return is_good;
}

static bool is_text(struct article_text text, const char *want)
{
    return text.data != NULL && text.bytes == strlen(want) &&
           memcmp(text.data, want, text.bytes) == 0;
}

#define GOOD_REST "\"body\":\"b\",\"section\":\"s\",\"published_at\":\"2024-01-01T00:00:00Z\"}"

Test(article_line, every_field_comes_out_as_it_went_in)
{
    const char line[] =
        " {\"id\":9,\"slug\":\"a-1\",\"title\":\"He said \\\"no\\\\\\u0001\",\"summary\":\"\","
        "\"body\":\"\\ud83d\\uddde "
        "\xE2\x80\xA8\",\"section\":\"News\",\"tags\":[\"C\",\"C++\",\"C\"],"
        "\"authors\":[\"Zo\xC3\xAB\"],\"published_at\":\"1970-01-01T00:00:01Z\",\"more\":[{}]} ";

    cr_assert(parse(line, strlen(line)), "%s", article.reason);
    cr_expect(is_text(article.slug, "a-1"));
    cr_expect(is_text(article.title, "He said \"no\\\x01"));
    cr_expect(is_text(article.summary, ""));
    cr_expect(is_text(article.body, "\xF0\x9F\x97\x9E \xE2\x80\xA8"));
    cr_expect(is_text(article.section, "News"));
    cr_expect_eq(article.tags.count, 2, "the second C is the first");
    cr_expect(is_text(article.tags.name[0], "C") && is_text(article.tags.name[1], "C++"));
    cr_expect_eq(article.authors.count, 1);
    cr_expect(is_text(article.authors.name[0], "Zo\xC3\xAB"));
    cr_expect_eq(article.published_us, 1000000);
}

Test(article_line, summary_tags_and_authors_may_be_absent_or_null)
{
    const char absent[] = "{\"slug\":\"a\",\"title\":\"t\"," GOOD_REST;
    const char null[] = "{\"slug\":\"a\",\"title\":\"t\",\"summary\":null,\"tags\":null,"
                        "\"authors\":null," GOOD_REST;

    cr_expect(parse(absent, strlen(absent)), "%s", article.reason);
    cr_expect(article.summary.data == NULL && article.tags.count + article.authors.count == 0);
    cr_expect(parse(null, strlen(null)), "%s", article.reason);
    cr_expect(article.summary.data == NULL && article.tags.count + article.authors.count == 0);
}

Test(article_line, a_good_line_after_a_bad_one_is_good)
{
    const char *bad[] = {"{", "\"", "[[[", "{\"slug\":\"a\",\"tags\":[\"x\"]}", "nul"};
    const char good[] = "{\"slug\":\"a\",\"title\":\"t\"," GOOD_REST;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_not(parse(bad[i], strlen(bad[i])));
        cr_expect(parse(good, strlen(good)), "after %s: %s", bad[i], article.reason);
        cr_expect_eq(article.tags.count, 0);
    }
}

struct bad {
    char line[200];
    char reason[48]; /* the beginning of it */
    size_t bytes;    /* 0: all of the line */
};

ParameterizedTestParameters(article_line, says_why_a_line_is_bad)
{
#define WITH(field, value) "{\"slug\":\"a\",\"title\":\"t\"," GOOD_BUT(field, value)
#define GOOD_BUT(field, value)                                                            \
    "\"body\":\"b\",\"section\":\"s\",\"published_at\":\"2024-01-01T00:00:00Z\",\"" field \
    "\":" value "}"
    static struct bad cases[] = {
        {"{not json", "not JSON", 0},
        {" ", "not a whole JSON object", 0},
        {"{\"slug\":\"a\"", "not a whole JSON object", 0},
        {"{\"slug\":\"a\"} {}", "not JSON", 0},
        {"{'slug':'a'}", "not JSON", 0},
        {"{\"a\":1,}", "not JSON", 0},
        {"{\"a\":\"\xff\"}", "not JSON", 0},
        {"{\"a\":\0 1}", "not JSON: it has a NUL byte", 9},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "not JSON", 0},
        {"[\"a list\"]", "not a JSON object", 0},
        {"null", "not a whole JSON object", 0},
        {"12", "not", 0},
        {"{}", "slug is missing", 0},
        {WITH("slug", "null"), "slug is missing", 0},
        {WITH("slug", "7"), "slug is not a string", 0},
        {WITH("slug", "\"\""), "slug is empty", 0},
        {WITH("slug", "\"Bad Slug!\""), "slug is not words", 0},
        {WITH("slug", "\"a--b\""), "slug is not words", 0},
        {WITH("slug", "\"-a\""), "slug is not words", 0},
        {WITH("slug", "\"a-\""), "slug is not words", 0},
        {WITH("slug", "\"a\\n\""), "slug is not words", 0},
        {WITH("slug", "\"12345\""), "slug has no letter", 0},
        {WITH("slug", "\"1-2\""), "slug has no letter", 0},
        {WITH("title", "null"), "title is missing", 0},
        {WITH("title", "\"\""), "title is empty", 0},
        {WITH("title", "[\"t\"]"), "title is not a string", 0},
        {WITH("title", "\"a\\u0000b\""), "title has a NUL character", 0},
        {WITH("title", "\"\xED\xA0\x80\""), "", 0},
        {WITH("title", "\"\xC0\x80\""), "", 0},
        {WITH("summary", "true"), "summary is not a string", 0},
        {WITH("body", "null"), "body is missing", 0},
        {WITH("body", "{}"), "body is not a string", 0},
        {WITH("section", "\"\""), "section is empty", 0},
        {WITH("tags", "\"not a list\""), "tags is not a list", 0},
        {WITH("tags", "{}"), "tags is not a list", 0},
        {WITH("tags", "[1]"), "tags is not a list of strings", 0},
        {WITH("tags", "[null]"), "tags is not a list of strings", 0},
        {WITH("tags", "[\"\"]"), "tags", 0},
        {WITH("authors", "[\"a\\u0000\"]"), "authors has a NUL", 0},
        {WITH("authors", "[[]]"), "authors is not a list of strings", 0},
        {WITH("published_at", "\"yesterday\""), "published_at is not a time", 0},
        {WITH("published_at", "\"2023-02-29T00:00:00Z\""), "published_at is not a time", 0},
        {WITH("published_at", "1700000000"), "published_at is not a string", 0},
        {WITH("published_at", "null"), "published_at is missing", 0},
    };
    return cr_make_param_array(struct bad, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct bad *c, article_line, says_why_a_line_is_bad)
{
    cr_expect_not(parse(c->line, c->bytes > 0 ? c->bytes : strlen(c->line)), "%s", c->line);
    cr_expect_eq(strncmp(article.reason, c->reason, strlen(c->reason)), 0, "%s: %s", c->line,
                 article.reason);
}

/* A good line but for a field that holds the unit so many times. */
static bool is_good_with(const char *key, const char *open, const char *unit, size_t times,
                         const char *close)
{
    size_t unit_bytes = strlen(unit);
    char *line = malloc(times * unit_bytes + 400), *at;

    at = line + sprintf(line,
                        "{\"slug\":\"a\",\"title\":\"t\",\"body\":\"b\",\"section\":\"s\","
                        "\"published_at\":\"2024-01-01T00:00:00Z\",\"%s\":%s",
                        key, open);
    for (size_t i = 0; i < times; i++, at += unit_bytes)
        memcpy(at, unit, unit_bytes);
    at += sprintf(at, "%s}", close);
    bool is_good = parse(line, (size_t)(at - line));
    free(line);
    return is_good;
}

Test(article_line, limits_count_characters_and_take_what_is_just_within)
{
    cr_expect(is_good_with("slug", "\"", "a", 200, "\""));
    cr_expect_not(is_good_with("slug", "\"", "a", 201, "\""));
    cr_expect(is_good_with("title", "\"", "\xE6\x97\xA5", 1000, "\""));
    cr_expect_not(is_good_with("title", "\"", "\xE6\x97\xA5", 1001, "\""));
    cr_expect(is_good_with("summary", "\"", "\xC3\xA4", 10000, "\""));
    cr_expect_not(is_good_with("summary", "\"", "\xC3\xA4", 10001, "\""));
    cr_expect(is_good_with("section", "\"", "\xC3\xA4", 200, "\""));
    cr_expect_not(is_good_with("section", "\"", "\xC3\xA4", 201, "\""));
    cr_expect(is_good_with("tags", "[\"", "\xC3\xA4", 200, "\"]"));
    cr_expect_not(is_good_with("tags", "[\"", "\xC3\xA4", 201, "\"]"));
    cr_expect(is_good_with("authors", "[\"a\"", ",\"a\"", 99, "]"));
    cr_expect_not(is_good_with("authors", "[\"a\"", ",\"a\"", 100, "]"));
    cr_expect(is_good_with("body", "\"", "[{,", 5000000, "\""), "brackets in a text are no values");
    cr_expect_not(is_good_with("body", "\"", "x", ARTICLE_LINE_MAX_BYTES, "\""));
}

Test(article_line, a_line_cannot_fill_the_memory_with_values)
{
    cr_expect(is_good_with("more", "[1", ",1", 9900, "]"), "%s", article.reason);
    cr_expect_not(is_good_with("more", "[1", ",1", 8000000, "]"));
    cr_expect_not(is_good_with("more", "[[]", ",[]", 5000000, "]"));
    cr_expect_not(is_good_with("more", "\"\\\"\"", ",\"\":\"\\\\\"", 1000000, ""));
}
