/* import/article_value.h - one value of an article's line, checked by a rule.
 *
 * Each function that returns false has written article->reason, which names the field. */
#ifndef IMPORT_ARTICLE_VALUE_H
#define IMPORT_ARTICLE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "import/article_line.h"

/* How long a text may be, and whether it may be missing. */
struct text_rule {
    const char *field; /* as reasons name it: "title", "image.url" */
    const char *key;   /* in its JSON object */
    size_t min_characters, max_characters;
    bool is_optional;
};

/* The text at rule->key of the object. NULL if it is optional and absent or null. */
bool article_value_text(struct article_line *article, struct json_object *object,
                        const struct text_rule *rule, struct article_text *ret_text);

/* The time at rule->key of the object. */
bool article_value_time(struct article_line *article, struct json_object *object,
                        const struct text_rule *rule, int64_t *ret_us);

/* The value must be a name. It becomes clean (base/name.h), also in the value itself. */
bool article_value_name(struct article_line *article, const char *field, struct json_object *value,
                        struct article_text *ret_text);

/* The names in the list at this key: none if it is absent or null. */
bool article_value_names(struct article_line *article, const char *key,
                         struct article_names *names);

/* False if the object has a key that is not one of these; NULL ends them. */
bool article_value_has_only(struct article_line *article, const char *field,
                            struct json_object *object, const char *const *keys);

/* Writes the reason, and returns false. */
bool article_value_refuse(struct article_line *article, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
