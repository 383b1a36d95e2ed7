#include "handlers/article_text.h"

#include <assert.h>
#include <string.h>

#include "db/row.h"

enum { A_DOCUMENT = 4 }; /* column of db/sql/article_by_id.sql */

/* Columns of db/sql/related_by_id.sql; the first is the article that has the list. */
enum { R_DEPENDS_ON = 1, R_CARDS };

static h2o_iovec_t copy(struct db_text text)
{
    if (text.length == 0)
        return (h2o_iovec_t){0};
    char *base = h2o_mem_alloc((size_t)text.length);
    memcpy(base, text.base, (size_t)text.length);
    return h2o_iovec_init(base, (size_t)text.length);
}

h2o_iovec_t article_text(const PGresult *result, int row)
{
    return copy(db_row_text(result, row, A_DOCUMENT));
}

struct related_text related_text(const PGresult *result, int row, int nrows)
{
    struct related_text related = {0};
    assert(nrows <= 1);
    if (nrows == 0)
        return related;

    struct db_int64s keys = db_row_int64s(result, row, R_DEPENDS_ON);
    related.n = keys.n;
    assert(related.n <= ARTICLE_MAX_CARDS);
    for (size_t i = 0; i < related.n; i++)
        related.ids[i] = db_int64s_at(keys, i) / 16;
    related.cards = copy(db_row_text(result, row, R_CARDS));
    return related;
}
