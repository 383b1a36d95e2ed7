/* db/types.h - the OIDs of PostgreSQL's types. They never change: catalog/pg_type.dat. */
#ifndef DB_TYPES_H
#define DB_TYPES_H

enum {
    DB_TYPE_BYTEA = 17,
    DB_TYPE_BIGINT = 20,
    DB_TYPE_SMALLINT = 21,
    DB_TYPE_INTEGER = 23,
    DB_TYPE_TEXT = 25,
    DB_TYPE_REAL = 700,
    DB_TYPE_TIME = 1184, /* timestamptz */
    DB_TYPE_BYTEA_ARRAY = 1001,
    DB_TYPE_SMALLINT_ARRAY = 1005,
    DB_TYPE_INTEGER_ARRAY = 1007,
    DB_TYPE_TEXT_ARRAY = 1009,
    DB_TYPE_BIGINT_ARRAY = 1016,
    DB_TYPE_REAL_ARRAY = 1021,
    DB_TYPE_TIME_ARRAY = 1185, /* timestamptz */
};

#endif
