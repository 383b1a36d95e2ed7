#include "handlers/article_row.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "db/row.h"

enum { BY_ID_STATUS = 1, BY_ID_BYTES, BY_ID_DEPENDS_ON, BY_ID_DOCUMENT };
enum { LARGE_STATUS, LARGE_BYTES, LARGE_DEPENDS_ON, LARGE_PIECE };
enum { RELATED_DEPENDS_ON = 1, RELATED_CARDS };

static struct article_row read_row(const PGresult *result, int row, int first_column,
                                   struct dependencies *dependencies);
static enum article_status status_of(h2o_iovec_t name);
static h2o_iovec_t text(const PGresult *result, int row, int column);
static int32_t number(const char *at);
static void add_keys(const PGresult *result, int row, int column,
                     struct dependencies *dependencies);

struct article_row article_row_read(const PGresult *result, int row,
                                    struct dependencies *dependencies)
{
    return read_row(result, row, BY_ID_STATUS, dependencies);
}

struct article_row large_article_row_read(const PGresult *result, int row,
                                          struct dependencies *dependencies)
{
    return read_row(result, row, LARGE_STATUS, dependencies);
}

static struct article_row read_row(const PGresult *result, int row, int first_column,
                                   struct dependencies *dependencies)
{
    static_assert(BY_ID_DOCUMENT - BY_ID_STATUS == LARGE_PIECE - LARGE_STATUS,
                  "both statements have these columns in the same order");
    h2o_iovec_t status = text(result, row, first_column);
    assert(PQgetlength(result, row, first_column + 1) == 4);
    int32_t bytes = number(PQgetvalue(result, row, first_column + 1));
    assert(bytes >= 0);
    add_keys(result, row, first_column + 2, dependencies);
    return (struct article_row){
        .status = status_of(status),
        .bytes = (size_t)bytes,
        .document = text(result, row, first_column + 3),
    };
}

h2o_iovec_t related_row_read(const PGresult *result, int row, int nrows,
                             struct dependencies *dependencies)
{
    assert(nrows == 0 || nrows == 1);
    if (nrows == 0)
        return (h2o_iovec_t){0};
    add_keys(result, row, RELATED_DEPENDS_ON, dependencies);
    return text(result, row, RELATED_CARDS);
}

static enum article_status status_of(h2o_iovec_t name)
{
    return h2o_memis(name.base, name.len, H2O_STRLIT("published"))   ? ARTICLE_PUBLISHED
           : h2o_memis(name.base, name.len, H2O_STRLIT("withdrawn")) ? ARTICLE_WITHDRAWN
           : h2o_memis(name.base, name.len, H2O_STRLIT("marked"))    ? ARTICLE_MARKED
                                                                     : ARTICLE_HIDDEN;
}

static h2o_iovec_t text(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column))
        return (h2o_iovec_t){0};
    return h2o_iovec_init(PQgetvalue(result, row, column),
                          (size_t)PQgetlength(result, row, column));
}

static int32_t number(const char *at)
{
    uint32_t wire;
    memcpy(&wire, at, sizeof(wire));
    return (int32_t)be32toh(wire);
}

static void add_keys(const PGresult *result, int row, int column, struct dependencies *dependencies)
{
    struct db_keys keys = db_row_keys(result, row, column);
    for (size_t i = 0; i < keys.n; i++)
        dependencies_add(dependencies, db_keys_at(keys, i));
}
