/* The article of a good line, and the reason of each bad one. */
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

/* The memory has exactly the size of the line, so that a sanitizer sees a read beyond it. */
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

Test(article_line, every_field_is_read_unchanged)
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
    cr_expect_eq(article.tags.count, 2, "the second C is the same name");
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

static void expect_text(struct article_text text, const char *want)
{
    bool is_same = want == NULL ? text.data == NULL : is_text(text, want);

    cr_expect(is_same, "%s instead of %s", text.data, want);
}

static void parse_with(const char *fields)
{
    char line[1000];

    snprintf(line, sizeof(line), "{\"slug\":\"a\",\"title\":\"t\",%s," GOOD_REST, fields);
    cr_assert(parse(line, strlen(line)), "%s: %s", fields, article.reason);
}

Test(article_line, names_are_cleaned_and_each_occurs_once)
{
    const char line[] =
        "{\"slug\":\"a\",\"title\":\" t \",\"summary\":\"Zoe\xCC\x88 \",\"body\":\" b\","
        "\"section\":\"\\t News\\u00a0\",\"tags\":[\"a\",\" a\",\"A\",\"a \\n\"],"
        "\"authors\":[\"Zoe\xCC\x88\",\"Zo\\u00eb\",\" Zoe\\u0308 \"],"
        "\"published_at\":\"2024-01-01T00:00:00Z\"}";

    cr_assert(parse(line, strlen(line)), "%s", article.reason);
    expect_text(article.section, "News");
    cr_expect_eq(article.tags.count, 2);
    expect_text(article.tags.name[0], "a");
    expect_text(article.tags.name[1], "A");
    cr_expect_eq(article.authors.count, 1);
    expect_text(article.authors.name[0], "Zo\xC3\xAB");
    expect_text(article.title, " t ");
    expect_text(article.summary, "Zoe\xCC\x88 ");
    expect_text(article.body, " b");
}

Test(article_line, whole_surrogate_pairs_and_replacement_characters_are_good)
{
    static const char *const cases[][2] = {
        {"\\ud83d\\uddde", "\xF0\x9F\x97\x9E"},
        {"\\uD83D\\uDDDE", "\xF0\x9F\x97\x9E"},
        {"\\uDBFF\\uDFFF", "\xF4\x8F\xBF\xBF"},
        {"\xEF\xBF\xBD", "\xEF\xBF\xBD"},
        {"\\ufffd", "\xEF\xBF\xBD"},
        {"\\\\ud800", "\\ud800"},
        {"\\\\\\\\ud800", "\\\\ud800"},
        {"\\ud7ff\\ue000", "\xED\x9F\xBF\xEE\x80\x80"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char fields[100];
        snprintf(fields, sizeof(fields), "\"summary\":\"%s\"", cases[i][0]);
        parse_with(fields);
        expect_text(article.summary, cases[i][1]);
    }
}

Test(article_line, an_image_has_a_url_and_perhaps_the_rest)
{
    parse_with(
        "\"image\":{\"url\":\"https://example.org/a.jpg\",\"alt\":\"A \\u00e9\",\"credit\":\"\","
        "\"width\":1000000,\"height\":1}");
    expect_text(article.image.url, "https://example.org/a.jpg");
    expect_text(article.image.alt, "A \xC3\xA9");
    expect_text(article.image.credit, "");
    cr_expect(article.image.width == 1000000 && article.image.height == 1);

    parse_with("\"image\":{\"url\":\"http://a\",\"alt\":null,\"width\":null,\"height\":640.0}");
    expect_text(article.image.url, "http://a");
    expect_text(article.image.alt, NULL);
    expect_text(article.image.credit, NULL);
    cr_expect(article.image.width == 0 && article.image.height == 640);
}

Test(article_line, a_language_has_its_canonical_case)
{
    parse_with("\"language\":\"ZH-hant-tw\"");
    expect_text(article.language, "zh-Hant-TW");
}

Test(article_line, corrections_keep_their_order_and_have_times_in_utc)
{
    parse_with(
        "\"corrections\":[{\"at\":\"2024-03-10T01:30:00.250-05:30\",\"text\":\"b \\\"/\\u00e9\"},"
        "{\"text\":\"a\",\"at\":\"2016-12-31T23:59:60Z\"}]");
    expect_text(article.corrections,
                "[{\"text\":\"b \\\"/\xC3\xA9\",\"at\":\"2024-03-10T07:00:00.250Z\"},"
                "{\"text\":\"a\",\"at\":\"2016-12-31T23:59:59Z\"}]");
}

Test(article_line, a_line_has_no_values_of_an_earlier_line)
{
    static const char *const without[] = {"\"more\":1",
                                          "\"image\":null,\"language\":null,\"corrections\":null",
                                          "\"corrections\":[]"};

    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
        parse_with("\"image\":{\"url\":\"http://a\",\"alt\":\"x\",\"width\":1,\"height\":2},"
                   "\"language\":\"en\",\"corrections\":[{\"text\":\"a\",\"at\":\"2024-01-01T00:00:"
                   "00Z\"}]");
        parse_with(without[i]);
        expect_text(article.image.url, NULL);
        expect_text(article.image.alt, NULL);
        cr_expect(article.image.width == 0 && article.image.height == 0);
        expect_text(article.language, NULL);
        expect_text(article.corrections, "[]");
    }
}

struct bad {
    char line[240];
    char reason[64]; /* the beginning of the message */
    size_t bytes;    /* 0: the whole line */
};

ParameterizedTestParameters(article_line, has_the_reason_why_a_line_is_bad)
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
        {"\xef\xbb\xbf{}", "not JSON: a byte order mark is only allowed once", 0},
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
        {WITH("tags", "[\"\"]"), "tags[0] is empty", 0},
        {WITH("tags", "[\"a\",\" \\u3000\"]"), "tags[1] has only white space", 0},
        {WITH("section", "\" \\t\""), "section has only white space", 0},
        {WITH("section", "null"), "section is missing", 0},
        {WITH("section", "1"), "section is not a string", 0},
        {WITH("title", "\"\\ud800\""), "\\ud800 at byte 97 is a lone surrogate", 0},
        {WITH("title", "\"\\uDFFF\""), "\\udfff at byte 97 is a lone surrogate", 0},
        {WITH("title", "\"\\ud83dx\""), "\\ud83d at byte 97 is a lone surrogate", 0},
        {WITH("title", "\"\\ud83d\\n\""), "\\ud83d at byte 97 is a lone surrogate", 0},
        {WITH("title", "\"\\ud83d\\u0041\""), "\\ud83d at byte 97 is a lone surrogate", 0},
        {WITH("title", "\"\\ud83d\\ud83d\\udDDE\""), "\\ud83d at byte 97 is a lone", 0},
        {WITH("title", "\"\\ud83d\\uddde\\uddde\""), "\\uddde at byte 109 is a lone", 0},
        {WITH("title", "\"\\\\\\ud800\""), "\\ud800 at byte 99 is a lone", 0},
        {WITH("more", "[{\"\\ud800\":1}]"), "\\ud800 at byte", 0},
        {WITH("authors", "[\"a\\u0000\"]"), "authors[0] has a NUL", 0},
        {WITH("authors", "[[]]"), "authors is not a list of strings", 0},
        {WITH("published_at", "\"yesterday\""), "published_at is not a time", 0},
        {WITH("published_at", "\"2023-02-29T00:00:00Z\""), "published_at is not a time", 0},
        {WITH("published_at", "1700000000"), "published_at is not a string", 0},
        {WITH("published_at", "null"), "published_at is missing", 0},
        {WITH("published_at", "\"2024-01-01T00:00:60Z\""),
         "published_at is not a time: a leap second (:60)", 0},
        {WITH("published_at", "\"2024-01-01T24:00:00Z\""), "published_at is not a time of", 0},
        {WITH("image", "\"http://a\""), "image is not an object", 0},
        {WITH("image", "[]"), "image is not an object", 0},
        {WITH("image", "{}"), "image.url is missing", 0},
        {WITH("image", "{\"url\":null}"), "image.url is missing", 0},
        {WITH("image", "{\"url\":1}"), "image.url is not a string", 0},
        {WITH("image", "{\"url\":\"\"}"), "image.url is empty", 0},
        {WITH("image", "{\"url\":\"/a.jpg\"}"), "image.url is not an absolute http(s) URL", 0},
        {WITH("image", "{\"url\":\"http://a/\\u0000\"}"), "image.url has a NUL character", 0},
        {WITH("image", "{\"url\":\"http://a\",\"src\":1}"),
         "image has the key \"src\", which is unknown", 0},
        {WITH("image", "{\"url\":\"http://a\",\"\\u00e9\\n\":1}"),
         "image has the key \"???\", which is unknown", 0},
        {WITH("image", "{\"url\":\"http://a\",\"alt\":1}"), "image.alt is not a string", 0},
        {WITH("image", "{\"url\":\"http://a\",\"credit\":[]}"), "image.credit is not a string", 0},
        {WITH("image", "{\"url\":\"http://a\",\"width\":0}"), "image.width is not a whole", 0},
        {WITH("image", "{\"url\":\"http://a\",\"width\":-1}"), "image.width is not a whole", 0},
        {WITH("image", "{\"url\":\"http://a\",\"width\":1.5}"), "image.width is not a whole", 0},
        {WITH("image", "{\"url\":\"http://a\",\"width\":\"9\"}"), "image.width is not a whole", 0},
        {WITH("image", "{\"url\":\"http://a\",\"width\":true}"), "image.width is not a whole", 0},
        {WITH("image", "{\"url\":\"http://a\",\"height\":1000001}"), "image.height is not a", 0},
        {WITH("image", "{\"url\":\"http://a\",\"height\":1e999}"), "image.height is not a", 0},
        {WITH("image", "{\"url\":\"http://a\",\"height\":18446744073709551617}"),
         "image.height is not a", 0},
        {WITH("language", "7"), "language is not a string", 0},
        {WITH("language", "\"\""), "language is not a BCP 47 tag", 0},
        {WITH("language", "\"en_US\""), "language is not a BCP 47 tag", 0},
        {WITH("language", "\"en-x-12345678-12345678-12345678-1234\""),
         "language has more than 35 characters", 0},
        {WITH("corrections", "{}"), "corrections is not a list", 0},
        {WITH("corrections", "[1]"), "corrections[0] is not an object", 0},
        {WITH("corrections", "[null]"), "corrections[0] is not an object", 0},
        {WITH("corrections", "[{}]"), "corrections[0].text is missing", 0},
        {WITH("corrections", "[{\"text\":\"x\"}]"), "corrections[0].at is missing", 0},
        {WITH("corrections", "[{\"text\":\"\",\"at\":\"\"}]"), "corrections[0].text is empty", 0},
        {WITH("corrections", "[{\"text\":\"\\u0000\",\"at\":\"\"}]"),
         "corrections[0].text has a NUL", 0},
        {WITH("corrections", "[{\"text\":\"x\",\"at\":\"now\"}]"), "corrections[0].at is not a", 0},
        {WITH("corrections", "[{\"text\":\"x\",\"at\":\"2024-01-01T00:00:60Z\"}]"),
         "corrections[0].at is not a time: a leap second", 0},
        {WITH("corrections", "[{\"text\":\"x\",\"by\":\"y\"}]"),
         "corrections[0] has the key \"by\", which is unknown", 0},
    };
    return cr_make_param_array(struct bad, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct bad *c, article_line, has_the_reason_why_a_line_is_bad)
{
    cr_expect_not(parse(c->line, c->bytes > 0 ? c->bytes : strlen(c->line)), "%s", c->line);
    cr_expect_eq(strncmp(article.reason, c->reason, strlen(c->reason)), 0, "%s: %s", c->line,
                 article.reason);
}

/* Is a line good when this field has the unit this many times, and all other fields are good? */
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

Test(article_line, limits_count_characters_and_accept_the_largest_value)
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
    cr_expect(is_good_with("section", "\"", "e\xCC\x88", 200, "  \""));
    cr_expect_not(is_good_with("section", "\"", "e\xCC\x88", 201, "\""));
    cr_expect(is_good_with("image", "{\"url\":\"http://", "a", 1993, "\"}"));
    cr_expect_not(is_good_with("image", "{\"url\":\"http://", "a", 1994, "\"}"));
    cr_expect(is_good_with("image", "{\"url\":\"http://a\",\"alt\":\"", "\xC3\xA4", 2000, "\"}"));
    cr_expect_not(is_good_with("image", "{\"url\":\"http://a\",\"alt\":\"", "a", 2001, "\"}"));
    cr_expect_not(is_good_with("image", "{\"url\":\"http://a\",\"credit\":\"", "a", 2001, "\"}"));
#define AT "\"at\":\"2024-01-01T00:00:00Z\""
    cr_expect(is_good_with("corrections", "[{" AT ",\"text\":\"", "\xC3\xA4", 2000, "\"}]"));
    cr_expect_not(is_good_with("corrections", "[{" AT ",\"text\":\"", "a", 2001, "\"}]"));
#define CORRECTION "{\"text\":\"x\"," AT "}"
    cr_expect(is_good_with("corrections", "[" CORRECTION, "," CORRECTION, 99, "]"));
    cr_expect_not(is_good_with("corrections", "[" CORRECTION, "," CORRECTION, 100, "]"));
    cr_expect(is_good_with("body", "\"", "[{,", 5000000, "\""),
              "brackets in a text are not values");
    cr_expect_not(is_good_with("body", "\"", "x", ARTICLE_LINE_MAX_BYTES, "\""));
}

Test(article_line, a_line_cannot_fill_the_memory_with_values)
{
    cr_expect(is_good_with("more", "[1", ",1", 9900, "]"), "%s", article.reason);
    cr_expect_not(is_good_with("more", "[1", ",1", 8000000, "]"));
    cr_expect_not(is_good_with("more", "[[]", ",[]", 5000000, "]"));
    cr_expect_not(is_good_with("more", "\"\\\"\"", ",\"\":\"\\\\\"", 1000000, ""));
}

Test(article_line, every_line_of_a_real_corpus_is_good)
{
    const char *corpus = BROADSHEET_SOURCE_DIR "/../shared/data/digitalgov.ndjson";
    FILE *file = fopen(corpus, "re");
    char *line = NULL;
    size_t size = 0;
    int n = 0;

    if (file == NULL)
        cr_skip_test("%s is missing", corpus);
    for (ssize_t bytes; (bytes = getline(&line, &size, file)) > 0; n++)
        cr_expect(parse(line, (size_t)bytes), "line %d: %s", n + 1, article.reason);
    cr_expect_eq(n, 1806);
    free(line);
    fclose(file);
}
