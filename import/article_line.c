/* From a line to an article, or to the reason why not.
 *
 *     few enough values? --> JSON? --> one object? --> each field by its own rule                */
#include "import/article_line.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "import/rfc3339.h"

/* How long a text may be, whether it may be missing, and whether it is one of a list. */
struct text_rule {
    const char *key;
    size_t min_characters, max_characters;
    bool is_optional, is_listed;
};

static bool has_few_values(const char *line, size_t bytes);
static bool parse_json(struct article_line *article, const char *line, size_t bytes);
static bool take_text(struct article_line *article, const struct text_rule *rule,
                      struct article_text *ret_text);
static bool check_slug(struct article_line *article);
static bool take_names(struct article_line *article, const char *key, struct article_names *names);
static bool take_time(struct article_line *article);
static bool check_text(struct article_line *article, const struct text_rule *rule,
                       struct json_object *value, struct article_text *ret_text);
static bool refuse(struct article_line *article, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

enum { MAX_DEPTH = 32, MAX_SLUG_BYTES = 200 };

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
    json_tokener_free(article->_tokener);
    article->_root = NULL;
    article->_tokener = NULL;
}

bool article_line_parse(struct article_line *article, const char *line, size_t bytes)
{
    static const struct text_rule slug = {
        .key = "slug", .min_characters = 1, .max_characters = MAX_SLUG_BYTES};
    static const struct text_rule title = {
        .key = "title", .min_characters = 1, .max_characters = 1000};
    static const struct text_rule summary = {
        .key = "summary", .max_characters = 10000, .is_optional = true};
    static const struct text_rule body = {.key = "body", .max_characters = SIZE_MAX};
    static const struct text_rule section = {
        .key = "section", .min_characters = 1, .max_characters = 200};

    return parse_json(article, line, bytes) && take_text(article, &slug, &article->slug) &&
           check_slug(article) && take_text(article, &title, &article->title) &&
           take_text(article, &summary, &article->summary) &&
           take_text(article, &body, &article->body) &&
           take_text(article, &section, &article->section) &&
           take_names(article, "authors", &article->authors) &&
           take_names(article, "tags", &article->tags) && take_time(article);
}

static bool parse_json(struct article_line *article, const char *line, size_t bytes)
{
    json_object_put(article->_root);
    article->_root = NULL;
    if (bytes > ARTICLE_LINE_MAX_BYTES)
        return refuse(article, "the line has more than %d bytes", ARTICLE_LINE_MAX_BYTES);
    if (memchr(line, 0, bytes) != NULL)
        return refuse(article, "not JSON: it has a NUL byte");
    if (!has_few_values(line, bytes))
        return refuse(article, "the line has more than %d values", ARTICLE_LINE_MAX_VALUES);

    json_tokener_reset(article->_tokener);
    article->_root = json_tokener_parse_ex(article->_tokener, line, (int)bytes);
    enum json_tokener_error error = json_tokener_get_error(article->_tokener);
    if (error == json_tokener_continue)
        return refuse(article, "not a whole JSON object: it ends too early");
    if (error != json_tokener_success)
        return refuse(article, "not JSON: %s at byte %zu", json_tokener_error_desc(error),
                      json_tokener_get_parse_end(article->_tokener) + 1);
    for (size_t i = json_tokener_get_parse_end(article->_tokener); i < bytes; i++)
        if (strchr(" \t\r", line[i]) == NULL)
            return refuse(article, "not JSON: more behind its end, at byte %zu", i + 1);
    if (!json_object_is_type(article->_root, json_type_object))
        return refuse(article, "not a JSON object");
    return true;
}

/* A value costs json-c 40 bytes and more, so a line of sixteen million brackets would cost
 * gigabytes. Each value but the first stands behind a comma or an opening bracket. */
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

static bool take_text(struct article_line *article, const struct text_rule *rule,
                      struct article_text *ret_text)
{
    struct json_object *value = NULL;

    *ret_text = (struct article_text){0};
    if (!json_object_object_get_ex(article->_root, rule->key, &value) || value == NULL) {
        if (rule->is_optional)
            return true;
        return refuse(article, "%s is missing", rule->key);
    }
    return check_text(article, rule, value, ret_text);
}

static bool check_slug(struct article_line *article)
{
    const char *slug = article->slug.data;
    bool has_letter = false;
    char before = '-';

    for (size_t i = 0; i < article->slug.bytes; i++) {
        char c = slug[i];
        bool is_letter = c >= 'a' && c <= 'z', is_digit = c >= '0' && c <= '9';
        if (!is_letter && !is_digit && (c != '-' || before == '-'))
            return refuse(article, "slug is not words of a-z and 0-9 joined by single hyphens");
        has_letter |= is_letter;
        before = c;
    }
    if (before == '-')
        return refuse(article, "slug is not words of a-z and 0-9 joined by single hyphens");
    if (!has_letter)
        return refuse(article, "slug has no letter: digits alone would be an id");
    return true;
}

static bool take_names(struct article_line *article, const char *key, struct article_names *names)
{
    const struct text_rule rule = {
        .key = key, .min_characters = 1, .max_characters = 200, .is_listed = true};
    struct json_object *list = NULL;

    names->count = 0;
    if (!json_object_object_get_ex(article->_root, key, &list) || list == NULL)
        return true;
    if (!json_object_is_type(list, json_type_array))
        return refuse(article, "%s is not a list", key);
    if (json_object_array_length(list) > ARTICLE_LINE_MAX_NAMES)
        return refuse(article, "%s has more than %d names", key, ARTICLE_LINE_MAX_NAMES);
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct article_text *name = &names->name[names->count];
        if (!check_text(article, &rule, json_object_array_get_idx(list, i), name))
            return false;
        size_t same = 0;
        while (names->name[same].bytes != name->bytes ||
               memcmp(names->name[same].data, name->data, name->bytes) != 0)
            same++;
        if (same == names->count) /* not there yet: it found itself */
            names->count++;
    }
    return true;
}

static bool take_time(struct article_line *article)
{
    static const struct text_rule rule = {
        .key = "published_at", .min_characters = 1, .max_characters = 100};
    struct article_text text;

    if (!take_text(article, &rule, &text))
        return false;
    if (!rfc3339_parse(text.data, text.bytes, &article->published_us))
        return refuse(article, "published_at is not a time of the years 1 to 9999 as in RFC 3339, "
                               "like 2024-02-29T23:59:59Z");
    return true;
}

static bool check_text(struct article_line *article, const struct text_rule *rule,
                       struct json_object *value, struct article_text *ret_text)
{
    size_t characters;

    if (!json_object_is_type(value, json_type_string))
        return refuse(article, "%s is not %s", rule->key,
                      rule->is_listed ? "a list of strings" : "a string");
    struct article_text text = {json_object_get_string(value),
                                (size_t)json_object_get_string_len(value)};
    if (memchr(text.data, 0, text.bytes) != NULL)
        return refuse(article, "%s has a NUL character", rule->key);
    if (!utf8_count(text.data, text.bytes, &characters))
        return refuse(article, "%s is not UTF-8", rule->key);
    if (characters < rule->min_characters)
        return refuse(article, "%s is empty", rule->key);
    if (characters > rule->max_characters)
        return refuse(article, "%s has more than %zu characters", rule->key, rule->max_characters);
    *ret_text = text;
    return true;
}

static bool refuse(struct article_line *article, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(article->reason, sizeof(article->reason), format, args);
    va_end(args);
    return false;
}
