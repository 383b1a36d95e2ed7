/* base/slug.h - the readable part of an address, as the database takes it (migrations/0001_articles.sql). */
#ifndef BASE_SLUG_H
#define BASE_SLUG_H

#include <stddef.h>

enum { SLUG_MAX_BYTES = 200 };

enum slug_fault {
    SLUG_OK,
    SLUG_IS_NOT_WORDS,  /* not [a-z0-9]+(-[a-z0-9]+)*, or not 1 to SLUG_MAX_BYTES long */
    SLUG_HAS_NO_LETTER, /* digits and hyphens only: such an article could not be told from an id */
};

enum slug_fault slug_check(const char *text, size_t bytes);

#endif
