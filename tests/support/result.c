#include "tests/support/result.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

enum { MAX_COLUMNS = 16, MAX_ARRAY_BYTES = 4096, BIGINT_OID = 20 };

static const int64_t from_1970_to_2000_us = INT64_C(946684800) * 1000000;

static char *put_int32(char *to, int32_t value);

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

void result_put_int64s(PGresult *result, int row, int column, const int64_t *items, int n)
{
    char wire[MAX_ARRAY_BYTES], *to = wire;
    assert(20 + 12 * (size_t)n <= sizeof(wire));
    to = put_int32(to, n > 0); /* dimensions: an empty array has none */
    to = put_int32(to, 0);
    to = put_int32(to, BIGINT_OID);
    if (n > 0) {
        to = put_int32(to, n);
        to = put_int32(to, 1);
    }
    for (int i = 0; i < n; i++) {
        uint64_t item = htobe64((uint64_t)items[i]);
        to = put_int32(to, sizeof(item));
        memcpy(to, &item, sizeof(item));
        to += sizeof(item);
    }
    result_put(result, row, column, wire, (size_t)(to - wire));
}

static char *put_int32(char *to, int32_t value)
{
    uint32_t wire = htobe32((uint32_t)value);
    memcpy(to, &wire, sizeof(wire));
    return to + sizeof(wire);
}
