/* UTF-8 by the table of well-formed byte sequences (Unicode 15, table 3-7). */
#include "base/utf8.h"

bool utf8_count(const char *text, size_t bytes, size_t *ret_characters)
{
    const char *end = text + bytes;
    size_t characters = 0;

    for (; text < end; characters++) {
        size_t n = utf8_sequence(text, (size_t)(end - text));
        if (n == 0)
            return false;
        text += n;
    }
    *ret_characters = characters;
    return true;
}

size_t utf8_sequence(const char *text, size_t left)
{
    const unsigned char *s = (const unsigned char *)text;
    unsigned char first = s[0], low = 0x80, high = 0xBF; /* bounds of the second byte */
    size_t n;

    if (first < 0x80)
        return first != 0;
    if (first >= 0xC2 && first <= 0xDF)
        n = 2;
    else if (first >= 0xE0 && first <= 0xEF)
        n = 3;
    else if (first >= 0xF0 && first <= 0xF4)
        n = 4;
    else
        return 0;

    if (first == 0xE0)
        low = 0xA0;
    else if (first == 0xED)
        high = 0x9F;
    else if (first == 0xF0)
        low = 0x90;
    else if (first == 0xF4)
        high = 0x8F;
    if (left < n || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (s[i] < 0x80 || s[i] > 0xBF)
            return 0;
    return n;
}
