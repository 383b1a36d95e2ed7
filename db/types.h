/* db/types.h - the OIDs of PostgreSQL's types. They never change: catalog/pg_type.dat. */
#ifndef DB_TYPES_H
#define DB_TYPES_H

enum {
    DB_TYPE_BIGINT = 20,
    DB_TYPE_INTEGER = 23,
    DB_TYPE_TEXT = 25,
    DB_TYPE_BIGINT_ARRAY = 1016,
};

#endif
