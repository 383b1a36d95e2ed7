#include "db/row.h"

#include "db/types.h"

enum { HEAD_BYTES = 20, ELEMENT_BYTES = sizeof(uint32_t) + sizeof(uint64_t) };

static int32_t int32_at(const char *at)
{
    uint32_t wire;
    memcpy(&wire, at, sizeof(wire));
    return (int32_t)be32toh(wire);
}

/* The head has the number of dimensions, a flag for nulls, the type of the elements, their number and
 * the first index. An array without an element has no dimension, and its head ends after the type. */
struct db_int64s db_row_int64s(const PGresult *result, int row, int column)
{
    if (db_row_is_null(result, row, column))
        return (struct db_int64s){0};

    const char *array = PQgetvalue(result, row, column);
    int length = PQgetlength(result, row, column);
    assert(length >= 12 && int32_at(array + 8) == DB_TYPE_BIGINT);
    if (int32_at(array) == 0)
        return (struct db_int64s){0};
    assert(int32_at(array) == 1 && int32_at(array + 4) == 0 && length >= HEAD_BYTES);
    int32_t n = int32_at(array + 12);
    assert(n >= 0 && (int64_t)length == HEAD_BYTES + (int64_t)n * ELEMENT_BYTES);
    return (struct db_int64s){._base = array + HEAD_BYTES + sizeof(uint32_t), .n = (size_t)n};
}
