/* Texts, times and names of a line. */
#include "import/article_value.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/rfc3339.h"
#include "base/utf8.h"

static bool check_string(struct article_line *article, const char *field, struct json_object *value,
                         struct article_text *ret_text, size_t *ret_characters);
static bool has_name(const struct article_names *names, const struct article_text *name);

bool article_value_text(struct article_line *article, struct json_object *object,
                        const struct text_rule *rule, struct article_text *ret_text)
{
    struct json_object *value = NULL;
    struct article_text text = {0};
    size_t characters = 0;

    *ret_text = (struct article_text){0};
    if (!json_object_object_get_ex(object, rule->key, &value) || value == NULL)
        return rule->is_optional || article_value_refuse(article, "%s is missing", rule->field);
    if (!check_string(article, rule->field, value, &text, &characters))
        return false;
    if (characters < rule->min_characters)
        return article_value_refuse(article, "%s is empty", rule->field);
    if (characters > rule->max_characters)
        return article_value_refuse(article, "%s has more than %zu characters", rule->field,
                                    rule->max_characters);
    *ret_text = text;
    return true;
}

bool article_value_time(struct article_line *article, struct json_object *object,
                        const struct text_rule *rule, int64_t *ret_us)
{
    struct article_text text = {0};

    if (!article_value_text(article, object, rule, &text))
        return false;
    if (rfc3339_parse(text.data, text.bytes, ret_us))
        return true;
    if (rfc3339_is_wrong_leap_second(text.data, text.bytes))
        return article_value_refuse(article,
                                    "%s is not a time: a leap second (:60) can only be "
                                    "23:59:60 in UTC",
                                    rule->field);
    return article_value_refuse(article,
                                "%s is not a time of the years 1 to 9999 as in RFC 3339, "
                                "like 2024-02-29T23:59:59Z",
                                rule->field);
}

bool article_value_name(struct article_line *article, const char *field, struct json_object *value,
                        struct article_text *ret_text)
{
    struct article_text text = {0};
    struct name name;
    size_t characters = 0;

    if (!check_string(article, field, value, &text, &characters))
        return false;
    switch (name_clean(&name, text.data, text.bytes)) {
    case NAME_EMPTY:
        return article_value_refuse(
            article, characters == 0 ? "%s is empty" : "%s has only white space", field);
    case NAME_TOO_LONG:
        return article_value_refuse(article, "%s has more than %d characters", field,
                                    NAME_MAX_CHARACTERS);
    case NAME_OK:
        break;
    }
    *ret_text = (struct article_text){name.data, name.bytes};
    if (name.data == name.buffer) { /* which is gone when we return */
        if (!json_object_set_string_len(value, name.data, (int)name.bytes))
            abort();
        ret_text->data = json_object_get_string(value);
    }
    return true;
}

bool article_value_names(struct article_line *article, const char *key, struct article_names *names)
{
    struct json_object *list = NULL;

    names->count = 0;
    if (!json_object_object_get_ex(article->_root, key, &list) || list == NULL)
        return true;
    if (!json_object_is_type(list, json_type_array))
        return article_value_refuse(article, "%s is not a list", key);
    if (json_object_array_length(list) > ARTICLE_LINE_MAX_NAMES)
        return article_value_refuse(article, "%s has more than %d names", key,
                                    ARTICLE_LINE_MAX_NAMES);
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *value = json_object_array_get_idx(list, i);
        struct article_text name = {0};
        char field[32];
        snprintf(field, sizeof(field), "%s[%zu]", key, i);
        if (!json_object_is_type(value, json_type_string))
            return article_value_refuse(article, "%s is not a list of strings", key);
        if (!article_value_name(article, field, value, &name))
            return false;
        assert(name.data != NULL);
        if (!has_name(names, &name))
            names->name[names->count++] = name;
    }
    return true;
}

static bool has_name(const struct article_names *names, const struct article_text *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->name[i].bytes == name->bytes &&
            memcmp(names->name[i].data, name->data, name->bytes) == 0)
            return true;
    return false;
}

static bool check_string(struct article_line *article, const char *field, struct json_object *value,
                         struct article_text *ret_text, size_t *ret_characters)
{
    if (!json_object_is_type(value, json_type_string))
        return article_value_refuse(article, "%s is not a string", field);
    struct article_text text = {json_object_get_string(value),
                                (size_t)json_object_get_string_len(value)};
    if (memchr(text.data, 0, text.bytes) != NULL)
        return article_value_refuse(article, "%s has a NUL character", field);
    if (!utf8_count(text.data, text.bytes, ret_characters))
        return article_value_refuse(article, "%s is not UTF-8", field);
    *ret_text = text;
    return true;
}

bool article_value_has_only(struct article_line *article, const char *field,
                            struct json_object *object, const char *const *keys)
{
    json_object_object_foreach(object, key, value)
    {
        size_t i = 0;
        (void)value;
        while (keys[i] != NULL && strcmp(keys[i], key) != 0)
            i++;
        if (keys[i] != NULL)
            continue;
        char shown[41]; /* a key may have any bytes and any length: show a printable part of it */
        snprintf(shown, sizeof(shown), "%s", key);
        for (char *c = shown; *c != '\0'; c++)
            if (*c < ' ' || *c > '~')
                *c = '?';
        return article_value_refuse(article, "%s has the key \"%s\", which is unknown", field,
                                    shown);
    }
    return true;
}

bool article_value_refuse(struct article_line *article, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(article->reason, sizeof(article->reason), format, args);
    va_end(args);
    return false;
}
