/* db/row.h - reads the values of a result that is in PostgreSQL's binary format.
 *
 * The statements fix the types of their columns. So a value of another length is a bug, and aborts. The
 * result lends all pointers. */
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

static inline bool db_row_bool(const PGresult *result, int row, int column)
{
    assert(PQgetlength(result, row, column) == 1);
    return PQgetvalue(result, row, column)[0] != 0;
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

static inline int16_t db_row_int16(const PGresult *result, int row, int column)
{
    uint16_t wire;
    assert(PQgetlength(result, row, column) == sizeof(wire));
    memcpy(&wire, PQgetvalue(result, row, column), sizeof(wire));
    return (int16_t)be16toh(wire);
}

static inline float db_row_float(const PGresult *result, int row, int column)
{
    int32_t bits = db_row_int32(result, row, column);
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

struct db_text {
    const char *base; /* NULL is SQL's NULL; otherwise a NUL follows the text */
    int length;       /* in bytes */
};

static inline struct db_text db_row_text(const PGresult *result, int row, int column)
{
    if (db_row_is_null(result, row, column))
        return (struct db_text){0};
    return (struct db_text){PQgetvalue(result, row, column), PQgetlength(result, row, column)};
}

/* Packed keys of entities (base/entity.h): a bytea of 8 bytes for each, as keys_pack() in the database
 * makes it.
 *
 *     struct db_keys keys = db_row_keys(result, row, column);
 *     for (size_t i = 0; i < keys.n; i++)
 *         use(db_keys_at(keys, i)); */
struct db_keys {
    const char *_base;
    size_t n;
};

/* SQL's NULL is no key. */
static inline struct db_keys db_row_keys(const PGresult *result, int row, int column)
{
    size_t length = (size_t)PQgetlength(result, row, column);
    assert(length % sizeof(uint64_t) == 0);
    return (struct db_keys){PQgetvalue(result, row, column), length / sizeof(uint64_t)};
}

static inline uint64_t db_keys_at(struct db_keys keys, size_t i)
{
    uint64_t wire;
    assert(i < keys.n);
    memcpy(&wire, keys._base + i * sizeof(wire), sizeof(wire));
    return be64toh(wire);
}

/* A timestamptz as microseconds since 1970-01-01 00:00 UTC. The schema allows no infinite one. */
static inline int64_t db_row_time_us(const PGresult *result, int row, int column)
{
    const int64_t from_1970_to_2000_us = INT64_C(946684800) * 1000000;
    return db_row_int64(result, row, column) + from_1970_to_2000_us;
}

#endif
