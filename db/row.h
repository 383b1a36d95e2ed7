/* db/row.h - values out of a result in PostgreSQL's binary format.
 *
 * The statements fix the types of their columns, so a value of another length is a bug here and
 * aborts. All pointers are lent by the result. */
#ifndef DB_ROW_H
#define DB_ROW_H

#include <assert.h>
#include <endian.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool db_row_is_null(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column);
}

static inline int64_t db_row_int64(const PGresult *result, int row, int column)
{
    uint64_t wire;
    assert(PQgetlength(result, row, column) == sizeof(wire));
    memcpy(&wire, PQgetvalue(result, row, column), sizeof(wire));
    return (int64_t)be64toh(wire);
}

static inline int32_t db_row_int32(const PGresult *result, int row, int column)
{
    uint32_t wire;
    assert(PQgetlength(result, row, column) == sizeof(wire));
    memcpy(&wire, PQgetvalue(result, row, column), sizeof(wire));
    return (int32_t)be32toh(wire);
}

struct db_text {
    const char *base; /* NULL is SQL's NULL; not ended by NUL where it comes from an array */
    int length;       /* bytes */
};

static inline struct db_text db_row_text(const PGresult *result, int row, int column)
{
    if (db_row_is_null(result, row, column))
        return (struct db_text){0};
    return (struct db_text){PQgetvalue(result, row, column), PQgetlength(result, row, column)};
}

/* Ids that stand together, 8 bytes each, as PostgreSQL's int8send() makes them. */
static inline size_t db_ids_count(struct db_text ids)
{
    assert(ids.length % (int)sizeof(uint64_t) == 0);
    return (size_t)ids.length / sizeof(uint64_t);
}

static inline int64_t db_ids_at(struct db_text ids, size_t i)
{
    uint64_t wire;
    assert(i < db_ids_count(ids));
    memcpy(&wire, ids.base + i * sizeof(wire), sizeof(wire));
    return (int64_t)be64toh(wire);
}

/* Walks over a text[] (array_send in PostgreSQL's arrayfuncs.c):
 *
 *     struct db_text_array tags = db_row_text_array(result, row, column);
 *     for (struct db_text tag; db_text_array_next(&tags, &tag);) ... */
struct db_text_array {
    const char *_at;
    int _left;
};

/* NULL is an empty array. */
struct db_text_array db_row_text_array(const PGresult *result, int row, int column);
bool db_text_array_next(struct db_text_array *array, struct db_text *ret_item);

/* A timestamptz as microseconds since 1970-01-01 00:00 UTC; not infinite (the schema sees to that). */
static inline int64_t db_row_time_us(const PGresult *result, int row, int column)
{
    const int64_t from_1970_to_2000_us = INT64_C(946684800) * 1000000;
    return db_row_int64(result, row, column) + from_1970_to_2000_us;
}

#endif
