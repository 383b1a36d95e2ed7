#include "base/slug.h"

#include <stdbool.h>

enum slug_fault slug_check(const char *text, size_t bytes)
{
    bool has_letter = false, is_after_hyphen = true;
    if (bytes > SLUG_MAX_BYTES)
        return SLUG_IS_NOT_WORDS;
    for (size_t i = 0; i < bytes; i++) {
        bool is_letter = text[i] >= 'a' && text[i] <= 'z';
        bool is_digit = text[i] >= '0' && text[i] <= '9';
        bool is_hyphen = text[i] == '-' && !is_after_hyphen;
        if (!is_letter && !is_digit && !is_hyphen)
            return SLUG_IS_NOT_WORDS;
        has_letter = has_letter || is_letter;
        is_after_hyphen = is_hyphen;
    }
    if (is_after_hyphen) /* at its end, or it is empty */
        return SLUG_IS_NOT_WORDS;
    return has_letter ? SLUG_OK : SLUG_HAS_NO_LETTER;
}
