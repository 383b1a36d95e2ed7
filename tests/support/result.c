#include "tests/support/result.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

enum { MAX_COLUMNS = 16, MAX_KEYS = 1024 };

static const int64_t from_1970_to_2000_us = INT64_C(946684800) * 1000000;

PGresult *result_create(int ncolumns)
{
    PGresAttDesc columns[MAX_COLUMNS] = {0};
    assert(ncolumns <= MAX_COLUMNS);
    for (int i = 0; i < ncolumns; i++)
        columns[i] = (PGresAttDesc){.name = (char *)"column", .format = 1, .typlen = -1};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    int done = PQsetResultAttrs(result, ncolumns, columns);
    assert(done);
    return result;
}

void result_put(PGresult *result, int row, int column, const void *bytes, size_t length)
{
    int done = PQsetvalue(result, row, column, (char *)bytes, (int)length);
    assert(done);
}

void result_put_null(PGresult *result, int row, int column)
{
    int done = PQsetvalue(result, row, column, NULL, -1);
    assert(done);
}

void result_put_int64(PGresult *result, int row, int column, int64_t value)
{
    uint64_t wire = htobe64((uint64_t)value);
    result_put(result, row, column, &wire, sizeof(wire));
}

void result_put_int32(PGresult *result, int row, int column, int32_t value)
{
    uint32_t wire = htobe32((uint32_t)value);
    result_put(result, row, column, &wire, sizeof(wire));
}

void result_put_text(PGresult *result, int row, int column, const char *text)
{
    if (text == NULL)
        result_put_null(result, row, column);
    else
        result_put(result, row, column, text, strlen(text));
}

void result_put_time_us(PGresult *result, int row, int column, int64_t time_us)
{
    result_put_int64(result, row, column, time_us - from_1970_to_2000_us);
}

void result_put_keys(PGresult *result, int row, int column, const uint64_t *keys, size_t n)
{
    uint64_t wire[MAX_KEYS];
    assert(n <= MAX_KEYS);
    for (size_t i = 0; i < n; i++)
        wire[i] = htobe64(keys[i]);
    result_put(result, row, column, wire, n * sizeof(wire[0]));
}
