/* related/language.h - the language of a text.
 *
 * Threads: each struct belongs to one thread at a time. */
#ifndef RELATED_LANGUAGE_H
#define RELATED_LANGUAGE_H

#include <stddef.h>

enum { LANGUAGE_SIZE = 9 }; /* of a primary subtag of BCP 47, with its NUL */

struct language;

/* NULL: the files of libexttextcat are missing. Then errno says why. */
struct language *language_create(void);
void language_destroy(struct language *language);

/* The primary subtag of the language that the text is most likely in, such as "en" or "zh". "" if the text
 * is too short or no language is likely. Reads a few thousand bytes of the text. */
void language_of_text(struct language *language, const char *text, size_t bytes,
                      char ret_language[LANGUAGE_SIZE]);

void language_copy(char to[LANGUAGE_SIZE], const char *from); /* cut off where it is too long */

/* The primary subtag of a BCP 47 tag, in small letters: "en" for "en-GB". "" if it is longer than 8 letters. */
void language_of_tag(const char *tag, size_t bytes, char ret_language[LANGUAGE_SIZE]);

#endif
