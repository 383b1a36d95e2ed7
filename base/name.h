/* base/name.h - the one form of a name of a section, an author or a tag.
 *
 * Two names are the same name if their clean forms have the same bytes. A clean name has no white
 * space (Unicode White_Space) at its ends and is in Unicode's normalization form C.
 *
 * Threads: any; a struct belongs to one thread at a time. Nothing here allocates memory. */
#ifndef BASE_NAME_H
#define BASE_NAME_H

#include <stddef.h>

enum {
    NAME_MAX_CHARACTERS = 200, /* of a clean name */
    NAME_MAX_BYTES = 4 * NAME_MAX_CHARACTERS,
};

enum name_status {
    NAME_OK,
    NAME_EMPTY,    /* nothing, or white space only */
    NAME_TOO_LONG, /* the clean form has more than NAME_MAX_CHARACTERS */
};

struct name {
    const char *data; /* a part of the text that name_clean received, or `buffer` */
    size_t bytes;
    char buffer[NAME_MAX_BYTES];
};

/* The text must be UTF-8 without NUL (utf8_count checks this). It must live as long as the name is
 * used, and the name must not be copied. Only NAME_OK sets data and bytes. */
enum name_status name_clean(struct name *name, const char *text, size_t bytes);

#endif
