/* handlers/article_row.h - the rows of db/sql/article_by_id.sql, large_article.sql and related_by_id.sql.
 *
 * The database makes articles and cards as finished JSON. All pointers are lent by the result. */
#ifndef HANDLERS_ARTICLE_ROW_H
#define HANDLERS_ARTICLE_ROW_H

#include <h2o.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "cache/dependencies.h"

/* A longer document does not come with article_by_id. It comes with large_article, in pieces of this length. */
enum { ARTICLE_SMALL_MAX_BYTES = 65536 };

enum article_status {
    ARTICLE_PUBLISHED,
    ARTICLE_WITHDRAWN,
    ARTICLE_MARKED, /* of article_by_id: large_article has the right status and document */
    ARTICLE_HIDDEN, /* any other: to readers, there is no such article */
};

struct article_row {
    enum article_status status;
    size_t bytes;         /* the length of the document */
    h2o_iovec_t document; /* {"id":...}; base NULL where it is large, marked or withdrawn */
};

/* Of article_by_id. Adds the entities that the article depends on, besides itself. */
struct article_row article_row_read(const PGresult *result, int row,
                                    struct dependencies *dependencies);

/* Of large_article: document is a piece. */
struct article_row large_article_row_read(const PGresult *result, int row,
                                          struct dependencies *dependencies);

/* Of related_by_id, where an article has one row or none: {...},{...}, the best first; empty for none. Adds
 * the entities that the list depends on, also where it has no card. */
h2o_iovec_t related_row_read(const PGresult *result, int row, int nrows,
                             struct dependencies *dependencies);

#endif
