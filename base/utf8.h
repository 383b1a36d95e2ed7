/* base/utf8.h - is this text what PostgreSQL takes for UTF-8, and how long is it in characters? */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* False where the bytes are not UTF-8 (overlong forms, surrogates and what is beyond U+10FFFF
 * included) or where there is a NUL, which PostgreSQL's text can't hold. */
bool utf8_count(const char *text, size_t bytes, size_t *ret_characters);

/* The bytes of the character that begins here, or 0 where none does. left: 1 or more. */
size_t utf8_sequence(const char *text, size_t left);

#endif
