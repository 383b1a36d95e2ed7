#include "handlers/article_text.h"

#include <assert.h>
#include <string.h>

#include "base/json_text.h"
#include "db/row.h"

/* The columns of db/sql/article_by_id.sql. */
enum { A_HEAD = 2, A_BODY, A_TAIL };

/* The columns of db/sql/related_by_id.sql; the first is the id of the list. */
enum { R_ID = 1, R_CARD };

static char *put(char *to, const char *bytes, size_t length)
{
    return (char *)memcpy(to, bytes, length) + length;
}

h2o_iovec_t article_text(const PGresult *result, int row)
{
    static const char key[] = ",\"body\":";
    struct db_text head = db_row_text(result, row, A_HEAD), body = db_row_text(result, row, A_BODY),
                   tail = db_row_text(result, row, A_TAIL);

    size_t length =
        head.length + strlen(key) + json_text_length(body.base, body.length) + tail.length;
    char *text = h2o_mem_alloc(length), *to = text;
    to = put(to, head.base, head.length);
    to = put(to, key, strlen(key));
    to = json_text_write(to, body.base, body.length);
    to = put(to, tail.base, tail.length);
    assert(to == text + length);
    return h2o_iovec_init(text, length);
}

struct related_text related_text(const PGresult *result, int row, int nrows)
{
    struct related_text related = {0};
    size_t length = 0;
    assert(nrows <= ARTICLE_MAX_CARDS);
    if (nrows <= 0)
        return related;
    for (int i = row; i < row + nrows; i++)
        length += (size_t)db_row_text(result, i, R_CARD).length + 1;

    assert(length > 0);
    char *text = h2o_mem_alloc(length), *to = text;
    for (int i = row; i < row + nrows; i++) {
        related.ids[related.n++] = db_row_int64(result, i, R_ID);
        struct db_text card = db_row_text(result, i, R_CARD);
        if (card.base == NULL)
            continue;
        if (to > text)
            *to++ = ',';
        to = put(to, card.base, card.length);
    }
    related.cards = h2o_iovec_init(text, to - text);
    return related;
}
