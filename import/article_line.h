/* import/article_line.h - one line of NDJSON becomes an article that the database will not refuse.
 *
 * The rules are those of migrations/0001_articles.sql, checked here so that a bad line is told by
 * its own reason and takes no neighbour with it. Keys that we do not know are ignored. */
#ifndef IMPORT_ARTICLE_LINE_H
#define IMPORT_ARTICLE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct json_tokener;

enum {
    ARTICLE_LINE_MAX_NAMES = 100,      /* tags, and authors, of an article */
    ARTICLE_LINE_MAX_VALUES = 10000,   /* JSON values of a line: what bounds its memory */
    ARTICLE_LINE_MAX_BYTES = 16 << 20, /* what the reader of the lines is told */
};

struct article_text {
    const char *data; /* NULL: absent or null */
    size_t bytes;
};

struct article_names {
    struct article_text name[ARTICLE_LINE_MAX_NAMES]; /* each once, in the order of the line */
    size_t count;
};

/* Texts are UTF-8 without NUL, lent until the next parse or finish. */
struct article_line {
    struct article_text slug, title, summary, body, section; /* only summary may be NULL */
    struct article_names authors, tags;
    int64_t published_us; /* since 1970, UTC */
    char reason[160];     /* why a parse returned false, for the user */

    struct json_tokener *_tokener;
    struct json_object *_root;
};

void article_line_init(struct article_line *article);
void article_line_finish(struct article_line *article);

/* False and a reason where the line is no good article. */
bool article_line_parse(struct article_line *article, const char *line, size_t bytes);

#endif
