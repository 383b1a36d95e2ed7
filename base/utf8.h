/* base/utf8.h - is a text UTF-8 as PostgreSQL accepts it, and how many characters does it have? */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* False if the bytes are not UTF-8 or have a NUL, which PostgreSQL's text can't hold. Overlong forms,
 * surrogates and numbers above U+10FFFF are not UTF-8. */
bool utf8_count(const char *text, size_t bytes, size_t *ret_characters);

/* The number of bytes of the character that begins here; 0 if none does. left: 1 or more. */
size_t utf8_sequence(const char *text, size_t left);

#endif
