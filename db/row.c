#include "db/row.h"

static int32_t get_int32(const char *at)
{
    uint32_t wire;
    memcpy(&wire, at, sizeof(wire));
    return (int32_t)be32toh(wire);
}

struct db_text_array db_row_text_array(const PGresult *result, int row, int column)
{
    if (db_row_is_null(result, row, column))
        return (struct db_text_array){0};

    const char *at = PQgetvalue(result, row, column);
    assert(PQgetlength(result, row, column) >= 12);
    int32_t dimensions = get_int32(at);
    if (dimensions == 0)
        return (struct db_text_array){0};
    assert(dimensions == 1);
    return (struct db_text_array){._at = at + 20, ._left = get_int32(at + 12)};
}

bool db_text_array_next(struct db_text_array *array, struct db_text *ret_item)
{
    if (array->_left == 0)
        return false;
    int32_t length = get_int32(array->_at);
    assert(length >= 0); /* no nulls among names */
    *ret_item = (struct db_text){array->_at + 4, length};
    array->_at += 4 + length;
    array->_left--;
    return true;
}
