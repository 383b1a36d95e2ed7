/* bench/template.h - sentences with slots: "{Town} backs {topic} with {20-90} votes".
 *
 * {name} is replaced by the slot's value, which is a template itself; {Name} likewise, with a capital
 * first letter; {20-90} by a number of that range. Numbers up to ten become words. */
#ifndef BENCH_TEMPLATE_H
#define BENCH_TEMPLATE_H

#include <stddef.h>

#include "bench/random.h"

enum { TEXT_MAX = 16384, SLOTS_MAX = 40, SLOT_VALUES_MAX = 2048 };

struct text {
    size_t len;
    char bytes[TEXT_MAX]; /* ended by NUL once something was added */
};

void text_add(struct text *text, const char *bytes, size_t len);

struct slots {
    size_t n;
    struct slot {
        const char *name;
        const char *value;
    } of[SLOTS_MAX];
    char _values[SLOT_VALUES_MAX]; /* of slots_print */
    size_t _values_len;
};

/* Both are borrowed. A name that is there already gets the new value. */
void slots_set(struct slots *slots, const char *name, const char *value);

/* The value is made, and kept in slots. */
void slots_print(struct slots *slots, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds the template to `out`, with its slots filled. A slot without a value is a mistake in the
 * templates: it is named, and the program aborts. */
void template_expand(const char *template, const struct slots *slots, struct random *chance,
                     struct text *out);

#endif
