/* bench/template.h - sentences with slots: "{Town} backs {topic} with {20-90} votes".
 *
 * The slot's value replaces {name}; it may have slots too. {Name} gives it a capital first letter. A number
 * of the range replaces {20-90}. Numbers up to ten become words. */
#ifndef BENCH_TEMPLATE_H
#define BENCH_TEMPLATE_H

#include <stddef.h>

#include "bench/random.h"

enum { TEXT_MAX = 16384, SLOTS_MAX = 40, SLOT_VALUES_MAX = 2048 };

struct text {
    size_t len;
    char bytes[TEXT_MAX]; /* ends with NUL after the first text_add */
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

/* Borrows both. A known name gets the new value. */
void slots_set(struct slots *slots, const char *name, const char *value);

/* Formats the value and stores it in slots. */
void slots_print(struct slots *slots, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds the template to `out`, with its slots filled. A slot without a value is a mistake in words.h: the
 * program prints its name and aborts. */
void template_expand(const char *template, const struct slots *slots, struct random *random,
                     struct text *out);

#endif
