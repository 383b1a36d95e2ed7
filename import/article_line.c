/* From a line to an article, or to the reason why it is none.
 *
 *     few values? --> JSON? --> one object? --> no lone surrogate? --> each field by its own rule
 *                                                                      article_value.c: the fields
 *                                                                      that every article has;
 *                                                                      article_optional.c: the others */
#include "import/article_line.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/slug.h"
#include "import/article_optional.h"
#include "import/article_value.h"

static bool read_json(struct article_line *article, const char *line, size_t bytes);
static bool has_few_values(const char *line, size_t bytes);
static bool check_surrogates(struct article_line *article, const char *line, size_t bytes);
static unsigned escaped_unit(const char *at, const char *end);
static bool read_texts(struct article_line *article);
static bool check_slug(struct article_line *article);
static bool read_section(struct article_line *article);
static bool read_published_at(struct article_line *article);

enum { MAX_DEPTH = 32 };

void article_line_init(struct article_line *article)
{
    *article = (struct article_line){._tokener = json_tokener_new_ex(MAX_DEPTH)};
    if (article->_tokener == NULL)
        abort();
    json_tokener_set_flags(article->_tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
}

void article_line_finish(struct article_line *article)
{
    json_object_put(article->_root);
    json_object_put(article->_corrections);
    json_tokener_free(article->_tokener);
    article->_root = article->_corrections = NULL;
    article->_tokener = NULL;
}

bool article_line_parse(struct article_line *article, const char *line, size_t bytes)
{
    return read_json(article, line, bytes) && check_surrogates(article, line, bytes) &&
           read_texts(article) && check_slug(article) && read_section(article) &&
           article_value_names(article, "authors", &article->authors) &&
           article_value_names(article, "tags", &article->tags) && read_published_at(article) &&
           article_optional_image(article) && article_optional_language(article) &&
           article_optional_corrections(article);
}

static bool read_json(struct article_line *article, const char *line, size_t bytes)
{
    json_object_put(article->_root);
    article->_root = NULL;
    if (bytes > ARTICLE_LINE_MAX_BYTES)
        return article_value_refuse(article, "the line has more than %d bytes",
                                    ARTICLE_LINE_MAX_BYTES);
    if (memchr(line, 0, bytes) != NULL)
        return article_value_refuse(article, "not JSON: it has a NUL byte");
    if (bytes >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
        return article_value_refuse(article, "not JSON: a byte order mark is only allowed once, "
                                             "before the first line");
    if (!has_few_values(line, bytes))
        return article_value_refuse(article, "the line has more than %d values",
                                    ARTICLE_LINE_MAX_VALUES);

    json_tokener_reset(article->_tokener);
    article->_root = json_tokener_parse_ex(article->_tokener, line, (int)bytes);
    enum json_tokener_error error = json_tokener_get_error(article->_tokener);
    if (error == json_tokener_continue)
        return article_value_refuse(article, "not a whole JSON object: it ends too early");
    if (error != json_tokener_success)
        return article_value_refuse(article, "not JSON: %s at byte %zu",
                                    json_tokener_error_desc(error),
                                    json_tokener_get_parse_end(article->_tokener) + 1);
    for (size_t i = json_tokener_get_parse_end(article->_tokener); i < bytes; i++)
        if (strchr(" \t\r", line[i]) == NULL)
            return article_value_refuse(article, "not JSON: more behind its end, at byte %zu",
                                        i + 1);
    if (!json_object_is_type(article->_root, json_type_object))
        return article_value_refuse(article, "not a JSON object");
    return true;
}

/* A value costs json-c at least 40 bytes, so a line of sixteen million brackets would cost gigabytes.
 * Each value except the first follows a comma or an opening bracket. */
static bool has_few_values(const char *line, size_t bytes)
{
    size_t values = 1;
    bool in_string = false;

    for (size_t i = 0; i < bytes; i++) {
        char c = line[i];
        if (c == '"')
            in_string = !in_string;
        else if (in_string && c == '\\')
            i++;
        else if (!in_string && (c == ',' || c == '[' || c == '{'))
            values++;
    }
    return values <= ARTICLE_LINE_MAX_VALUES;
}

/* json-c replaces half of a surrogate pair by U+FFFD, and reports no error. The line
 * is JSON, so a backslash is in a string and the escape is whole. */
static bool check_surrogates(struct article_line *article, const char *line, size_t bytes)
{
    const char *end = line + bytes, *at = line;

    while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
        unsigned unit = escaped_unit(at, end);
        bool is_high = unit >= 0xD800 && unit < 0xDC00, is_low = unit >= 0xDC00 && unit < 0xE000;
        unsigned second = is_high ? escaped_unit(at + 6, end) : 0;
        bool is_pair = second >= 0xDC00 && second < 0xE000;
        if (is_low || (is_high && !is_pair))
            return article_value_refuse(article,
                                        "\\u%04x at byte %zu is a lone surrogate, which is half of "
                                        "a character: the other half is missing",
                                        unit, (size_t)(at - line) + 1);
        at += is_pair ? 12 : 2;
    }
    return true;
}

/* The XXXX of an escape \uXXXX that begins here; 0 if none does. */
static unsigned escaped_unit(const char *at, const char *end)
{
    char digits[5] = {0};

    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return 0;
    memcpy(digits, at + 2, 4);
    return (unsigned)strtoul(digits, NULL, 16);
}

static bool read_texts(struct article_line *article)
{
    static const struct text_rule slug = {
        .field = "slug", .key = "slug", .min_characters = 1, .max_characters = SLUG_MAX_BYTES};
    static const struct text_rule title = {
        .field = "title", .key = "title", .min_characters = 1, .max_characters = 1000};
    static const struct text_rule summary = {
        .field = "summary", .key = "summary", .max_characters = 10000, .is_optional = true};
    static const struct text_rule body = {
        .field = "body", .key = "body", .max_characters = SIZE_MAX};
    struct json_object *root = article->_root;

    return article_value_text(article, root, &slug, &article->slug) &&
           article_value_text(article, root, &title, &article->title) &&
           article_value_text(article, root, &summary, &article->summary) &&
           article_value_text(article, root, &body, &article->body);
}

static bool check_slug(struct article_line *article)
{
    switch (slug_check(article->slug.data, article->slug.bytes)) {
    case SLUG_OK:
        return true;
    case SLUG_IS_NOT_WORDS:
        return article_value_refuse(article,
                                    "slug is not words of a-z and 0-9 joined by single hyphens");
    case SLUG_HAS_NO_LETTER:
        break;
    }
    return article_value_refuse(article, "slug has no letter: digits alone would be an id");
}

static bool read_section(struct article_line *article)
{
    struct json_object *value = NULL;

    if (!json_object_object_get_ex(article->_root, "section", &value) || value == NULL)
        return article_value_refuse(article, "section is missing");
    return article_value_name(article, "section", value, &article->section);
}

static bool read_published_at(struct article_line *article)
{
    static const struct text_rule rule = {
        .field = "published_at", .key = "published_at", .min_characters = 1, .max_characters = 100};

    return article_value_time(article, article->_root, &rule, &article->published_us);
}
