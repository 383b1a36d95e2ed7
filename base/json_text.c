#include "base/json_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Most text needs no escape, so it is looked at in blocks. gcc's vector types make each step one
 * instruction; of this size on every processor of today (twice the size is taken apart on many). */
enum { BLOCK = 16 };
typedef unsigned char block __attribute__((vector_size(BLOCK)));
typedef uint64_t block_words __attribute__((vector_size(BLOCK)));

static const char digits[] = "0123456789abcdef";

/* What follows the backslash; 0: nothing is escaped. 'u' is followed by four digits. */
static const char escapes[256] = {
    'u',         'u',           'u', 'u', 'u', 'u', 'u', 'u',
    'b',         't',           'n', 'u', 'f', 'r', 'u', 'u', /* 0x00 */
    'u',         'u',           'u', 'u', 'u', 'u', 'u', 'u',
    'u',         'u',           'u', 'u', 'u', 'u', 'u', 'u', /* 0x10 */
    ['"'] = '"', ['\\'] = '\\',
};

static bool is_plain(const char *at)
{
    block bytes;
    memcpy(&bytes, at, sizeof(bytes));
    block_words found = (block_words)((bytes < 0x20) | (bytes == '"') | (bytes == '\\'));
    return (found[0] | found[1]) == 0;
}

size_t json_text_length(const char *text, size_t length)
{
    size_t total = length + 2, i = 0;
    while (i < length) {
        size_t end = length - i < BLOCK ? length : i + BLOCK;
        if (end - i == BLOCK && is_plain(text + i)) {
            i = end;
            continue;
        }
        for (; i < end; i++) {
            char escape = escapes[(unsigned char)text[i]];
            total += escape == 0 ? 0 : escape == 'u' ? 5 : 1;
        }
    }
    return total;
}

static char *write_escaped(char *to, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        char escape = escapes[c];
        if (escape == 0) {
            *to++ = (char)c;
            continue;
        }
        *to++ = '\\';
        *to++ = escape;
        if (escape == 'u') {
            to[0] = to[1] = '0';
            to[2] = digits[c >> 4];
            to[3] = digits[c & 15];
            to += 4;
        }
    }
    return to;
}

char *json_text_write(char *to, const char *text, size_t length)
{
    *to++ = '"';
    size_t i = 0;
    while (i < length) {
        size_t n = length - i < BLOCK ? length - i : BLOCK;
        if (n == BLOCK && is_plain(text + i)) {
            memcpy(to, text + i, BLOCK);
            to += BLOCK;
        } else {
            to = write_escaped(to, text + i, n);
        }
        i += n;
    }
    *to++ = '"';
    return to;
}
