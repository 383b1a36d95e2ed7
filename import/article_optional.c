/* The parts that may be missing. Missing and null mean the same. */
#include "import/article_optional.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rfc3339.h"
#include "import/article_value.h"
#include "import/web_url.h"

static bool read_url(struct article_line *article, struct json_object *image);
static bool read_pixels(struct article_line *article, struct json_object *image, const char *key,
                        int *ret_pixels);
static bool read_correction(struct article_line *article, size_t i, struct json_object *correction);
static struct json_object *or_abort(struct json_object *made);

enum { MAX_URL_BYTES = 2000 };

bool article_optional_image(struct article_line *article)
{
    static const char *const keys[] = {"url", "alt", "credit", "width", "height", NULL};
    static const struct text_rule alt = {
        .field = "image.alt", .key = "alt", .max_characters = 2000, .is_optional = true};
    static const struct text_rule credit = {
        .field = "image.credit", .key = "credit", .max_characters = 2000, .is_optional = true};
    struct json_object *object = NULL;
    struct article_image *image = &article->image;

    *image = (struct article_image){0};
    if (!json_object_object_get_ex(article->_root, "image", &object) || object == NULL)
        return true;
    if (!json_object_is_type(object, json_type_object))
        return article_value_refuse(article, "image is not an object");
    return article_value_has_only(article, "image", object, keys) && read_url(article, object) &&
           article_value_text(article, object, &alt, &image->alt) &&
           article_value_text(article, object, &credit, &image->credit) &&
           read_pixels(article, object, "width", &image->width) &&
           read_pixels(article, object, "height", &image->height);
}

static bool read_url(struct article_line *article, struct json_object *image)
{
    static const struct text_rule rule = {
        .field = "image.url", .key = "url", .min_characters = 1, .max_characters = SIZE_MAX};
    struct article_text *url = &article->image.url;

    if (!article_value_text(article, image, &rule, url))
        return false;
    if (url->bytes > MAX_URL_BYTES)
        return article_value_refuse(article, "image.url has more than %d bytes", MAX_URL_BYTES);
    if (!web_url_is_absolute(url->data, url->bytes))
        return article_value_refuse(article, "image.url is not an absolute http(s) URL");
    return true;
}

/* JSON has one kind of number: 640.0 and 6.4e2 are as good as 640. */
static bool read_pixels(struct article_line *article, struct json_object *image, const char *key,
                        int *ret_pixels)
{
    struct json_object *value = NULL;

    if (!json_object_object_get_ex(image, key, &value) || value == NULL)
        return true;
    double pixels = json_object_get_double(value);
    bool is_number =
        json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);
    if (!is_number || !(pixels >= 1 && pixels <= ARTICLE_LINE_MAX_PIXELS) ||
        pixels != (double)(int)pixels)
        return article_value_refuse(article, "image.%s is not a whole number from 1 to %d", key,
                                    ARTICLE_LINE_MAX_PIXELS);
    *ret_pixels = (int)pixels;
    return true;
}

bool article_optional_language(struct article_line *article)
{
    static const struct text_rule rule = {
        .field = "language", .key = "language", .max_characters = SIZE_MAX, .is_optional = true};
    struct article_text *language = &article->language;

    if (!article_value_text(article, article->_root, &rule, language))
        return false;
    if (language->data == NULL)
        return true;
    if (language->bytes > LANGUAGE_TAG_MAX_BYTES)
        return article_value_refuse(article, "language has more than %d characters",
                                    LANGUAGE_TAG_MAX_BYTES);
    if (!language_tag_parse(language->data, language->bytes, article->_language))
        return article_value_refuse(article, "language is not a BCP 47 tag, like en or zh-Hant-TW");
    language->data = article->_language;
    return true;
}

bool article_optional_corrections(struct article_line *article)
{
    struct json_object *list = NULL;
    size_t n = 0;

    json_object_put(article->_corrections);
    article->_corrections = or_abort(json_object_new_array());
    json_object_object_get_ex(article->_root, "corrections", &list);
    if (list != NULL && !json_object_is_type(list, json_type_array))
        return article_value_refuse(article, "corrections is not a list");
    if (list != NULL)
        n = json_object_array_length(list);
    if (n > ARTICLE_LINE_MAX_CORRECTIONS)
        return article_value_refuse(article, "corrections has more than %d corrections",
                                    ARTICLE_LINE_MAX_CORRECTIONS);
    for (size_t i = 0; i < n; i++)
        if (!read_correction(article, i, json_object_array_get_idx(list, i)))
            return false;
    article->corrections.data = json_object_to_json_string_length(
        article->_corrections, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
        &article->corrections.bytes);
    return true;
}

static bool read_correction(struct article_line *article, size_t i, struct json_object *correction)
{
    static const char *const keys[] = {"text", "at", NULL};
    char field[32], text_field[40], at_field[40], at[RFC3339_BYTES];
    struct article_text text;
    int64_t at_us;

    snprintf(field, sizeof(field), "corrections[%zu]", i);
    snprintf(text_field, sizeof(text_field), "%s.text", field);
    snprintf(at_field, sizeof(at_field), "%s.at", field);
    const struct text_rule text_rule = {
        .field = text_field, .key = "text", .min_characters = 1, .max_characters = 2000};
    const struct text_rule at_rule = {
        .field = at_field, .key = "at", .min_characters = 1, .max_characters = 100};

    if (!json_object_is_type(correction, json_type_object))
        return article_value_refuse(article, "%s is not an object", field);
    if (!article_value_has_only(article, field, correction, keys) ||
        !article_value_text(article, correction, &text_rule, &text) ||
        !article_value_time(article, correction, &at_rule, &at_us))
        return false;
    struct json_object *kept = or_abort(json_object_new_object());
    rfc3339_format(at_us, at);
    json_object_object_add(kept, "text",
                           or_abort(json_object_new_string_len(text.data, (int)text.bytes)));
    json_object_object_add(kept, "at", or_abort(json_object_new_string(at)));
    json_object_array_add(article->_corrections, kept);
    return true;
}

static struct json_object *or_abort(struct json_object *made)
{
    if (made == NULL)
        abort();
    return made;
}
