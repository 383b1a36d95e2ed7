/* base/json_text.h - a string as JSON has it, written straight into a buffer.
 *
 * The same bytes as json-c makes with JSON_C_TO_STRING_NOSLASHESCAPE, of which it is the one part that
 * an article's body needs: json-c looks at each byte on its own and copies the text twice. */
#ifndef BASE_JSON_TEXT_H
#define BASE_JSON_TEXT_H

#include <stddef.h>

/* Bytes of the text once it is escaped, the quotes around it included. */
size_t json_text_length(const char *text, size_t length);

/* Writes json_text_length() bytes, and returns where they end. text: UTF-8, NUL bytes included. */
char *json_text_write(char *to, const char *text, size_t length);

#endif
