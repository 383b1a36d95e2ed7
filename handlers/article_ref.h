/* handlers/article_ref.h - how an address names an article: by its id or by its slug. */
#ifndef HANDLERS_ARTICLE_REF_H
#define HANDLERS_ARTICLE_REF_H

#include <stddef.h>
#include <stdint.h>

#include "base/slug.h"

enum article_ref_kind {
    ARTICLE_REF_INVALID, /* neither of the two */
    ARTICLE_REF_ID,
    ARTICLE_REF_SLUG,
};

struct article_ref {
    enum article_ref_kind kind;
    int64_t id;                    /* 1 or more */
    char slug[SLUG_MAX_BYTES + 1]; /* [a-z0-9]+(-[a-z0-9]+)* with a letter */
};

/* text: a segment of a path as it was sent, which may be percent-encoded. A text of digits only is an id, with
 * or without leading zeros, or invalid where it does not fit. */
struct article_ref article_ref_parse(const char *text, size_t length);

#endif
