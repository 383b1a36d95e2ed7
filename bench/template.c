#include "bench/template.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *value_of(const struct slots *slots, const char *name, size_t len);
static void add_number(struct text *out, unsigned n);

void template_expand(const char *template, const struct slots *slots, struct random *random,
                     struct text *out)
{
    const char *open;
    while ((open = strchr(template, '{')) != NULL) {
        text_add(out, template, (size_t)(open - template));
        const char *name = open + 1, *close = strchr(name, '}');
        assert(close != NULL);
        if (isdigit((unsigned char)name[0])) {
            char *dash;
            unsigned low = (unsigned)strtoul(name, &dash, 10);
            assert(*dash == '-');
            add_number(out, random_between(random, low, (unsigned)strtoul(dash + 1, NULL, 10)));
        } else {
            size_t start = out->len;
            template_expand(value_of(slots, name, (size_t)(close - name)), slots, random, out);
            if (isupper((unsigned char)name[0]))
                out->bytes[start] = (char)toupper((unsigned char)out->bytes[start]);
        }
        template = close + 1;
    }
    text_add(out, template, strlen(template));
}

/* name: the text before the closing brace. */
static const char *value_of(const struct slots *slots, const char *name, size_t len)
{
    for (size_t i = 0; i < slots->n; i++) {
        const char *known = slots->of[i].name;
        if (strlen(known) == len && tolower((unsigned char)name[0]) == known[0] &&
            memcmp(known + 1, name + 1, len - 1) == 0)
            return slots->of[i].value;
    }
    fprintf(stderr, "make_articles: words.h has a slot {%.*s} without a value\n", (int)len, name);
    abort();
}

/* Words up to ten, as in newspapers, with a capital first letter at the start of a sentence. */
static void add_number(struct text *out, unsigned n)
{
    static const char *const words[] = {"no",  "one",   "two",   "three", "four", "five",
                                        "six", "seven", "eight", "nine",  "ten"};
    char digits[16];
    if (n <= 10) {
        bool is_first = out->len == 0 || out->bytes[out->len - 1] == '\n' ||
                        (out->len >= 2 && out->bytes[out->len - 2] == '.');
        size_t start = out->len;
        text_add(out, words[n], strlen(words[n]));
        if (is_first)
            out->bytes[start] = (char)toupper((unsigned char)out->bytes[start]);
        return;
    }
    int len = n < 1000 ? snprintf(digits, sizeof(digits), "%u", n)
                       : snprintf(digits, sizeof(digits), "%u,%03u", n / 1000, n % 1000);
    text_add(out, digits, (size_t)len);
}

void text_add(struct text *text, const char *bytes, size_t len)
{
    assert(text->len + len < TEXT_MAX);
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = '\0';
}

void slots_set(struct slots *slots, const char *name, const char *value)
{
    for (size_t i = 0; i < slots->n; i++) {
        if (strcmp(slots->of[i].name, name) == 0) {
            slots->of[i].value = value;
            return;
        }
    }
    assert(slots->n < SLOTS_MAX);
    slots->of[slots->n++] = (struct slot){name, value};
}

void slots_print(struct slots *slots, const char *name, const char *format, ...)
{
    char *value = slots->_values + slots->_values_len;
    size_t room = sizeof(slots->_values) - slots->_values_len;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(value, room, format, args);
    va_end(args);
    assert(len >= 0 && (size_t)len < room);
    slots->_values_len += (size_t)len + 1;
    slots_set(slots, name, value);
}
