/* import/copy_rows.h - articles as rows of PostgreSQL's binary COPY, kept until their transaction
 * has committed. The binary form needs no escapes. */
#ifndef IMPORT_COPY_ROWS_H
#define IMPORT_COPY_ROWS_H

#include <stdbool.h>
#include <stddef.h>

struct article_line;

enum { COPY_ROWS_MAX = 1000, COPY_ROWS_FULL_BYTES = 8 << 20 };

/* Bounded: full with max_count rows or COPY_ROWS_FULL_BYTES. The last row may exceed the bytes. */
struct copy_rows {
    char *data;
    size_t bytes, count, max_count;
    size_t start[COPY_ROWS_MAX + 1];   /* row i is data[start[i]] up to data[start[i + 1]] */
    unsigned long line[COPY_ROWS_MAX]; /* number of its line in the file, for messages */

    size_t _capacity;
};

extern const char copy_rows_header[19], copy_rows_trailer[2]; /* around the rows of one COPY */

void copy_rows_init(struct copy_rows *rows, size_t max_count); /* 1 to COPY_ROWS_MAX */
void copy_rows_finish(struct copy_rows *rows);
void copy_rows_clear(struct copy_rows *rows); /* keeps the memory */
bool copy_rows_is_full(const struct copy_rows *rows);

/* The columns are those of import/sql/create_staged.sql, in that order. */
void copy_rows_add(struct copy_rows *rows, unsigned long line, const struct article_line *article);

#endif
