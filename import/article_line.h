/* import/article_line.h - one line of NDJSON becomes an article that the database accepts.
 *
 * The rules are those of migrations/0001_articles.sql. They are checked here, so that a bad line has
 * a reason of its own and no other line fails with it. Keys of the line that we do not know are
 * ignored. Nothing here needs a database. A struct belongs to one thread at a time. */
#ifndef IMPORT_ARTICLE_LINE_H
#define IMPORT_ARTICLE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "import/language_tag.h"

struct json_object;
struct json_tokener;

enum {
    ARTICLE_LINE_MAX_NAMES = 100,       /* tags, and authors, of an article */
    ARTICLE_LINE_MAX_CORRECTIONS = 100, /* of an article */
    ARTICLE_LINE_MAX_PIXELS = 1000000,  /* the width and the height of an image */
    ARTICLE_LINE_MAX_VALUES = 10000,    /* JSON values of a line: this limits its memory */
    ARTICLE_LINE_MAX_BYTES = 16 << 20,  /* of a line */
};

struct article_text {
    const char *data; /* NULL: absent or null */
    size_t bytes;
};

struct article_names {
    struct article_text name[ARTICLE_LINE_MAX_NAMES]; /* clean; each once; in the line's order */
    size_t count;
};

struct article_image {
    struct article_text url; /* NULL: the article has no image */
    struct article_text alt, credit;
    int width, height; /* in pixels; 0: not known */
};

/* Texts are UTF-8 without NUL, borrowed until the next parse or finish. */
struct article_line {
    struct article_text slug, title, summary, body, section; /* only summary may be NULL */
    struct article_names authors, tags;
    struct article_image image;
    struct article_text language;    /* may be NULL */
    struct article_text corrections; /* a JSON list of {"text": ..., "at": ...}, times in UTC */
    int64_t published_us;            /* since 1970, UTC */
    char reason[160];                /* why a parse returned false, for the user */

    struct json_tokener *_tokener;
    struct json_object *_root, *_corrections;
    char _language[LANGUAGE_TAG_MAX_BYTES + 1];
};

void article_line_init(struct article_line *article);
void article_line_finish(struct article_line *article);

/* False and a reason if the line is not a good article. */
bool article_line_parse(struct article_line *article, const char *line, size_t bytes);

#endif
