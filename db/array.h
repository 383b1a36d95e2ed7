/* db/array.h - a parameter that is an array of PostgreSQL, in its binary format (array_recv in arrayfuncs.c).
 *
 *     struct db_array ids = {0};
 *     db_array_add_int64(&ids, 7);
 *     ... db_array_param(&ids, DB_TYPE_BIGINT) ...
 *     db_array_finish(&ids);
 *
 * It grows as needed, up to the gigabyte that PostgreSQL takes; memory that can't be had aborts. A thread may use
 * an array while no other does. */
#ifndef DB_ARRAY_H
#define DB_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#include "db/statements.h"

/* Zeroed at the start: empty. */
struct db_array {
    size_t n; /* elements */

    char *_wire; /* a header, then the elements */
    size_t _bytes, _room;
};

void db_array_add(struct db_array *array, const void *bytes, size_t n); /* a text or bytea */
void db_array_add_int64(struct db_array *array, int64_t value);
void db_array_add_int32(struct db_array *array, int32_t value);
void db_array_add_int16(struct db_array *array, int16_t value);
void db_array_add_float(struct db_array *array, float value);

/* type: the OID of the elements' type (db/types.h). Valid until the array is changed. */
struct db_param db_array_param(struct db_array *array, unsigned type);

void db_array_clear(struct db_array *array); /* empty again; keeps its memory */
void db_array_finish(struct db_array *array);

#endif
