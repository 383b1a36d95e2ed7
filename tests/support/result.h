/* tests/support/result.h - answers of PostgreSQL in its binary format, made by hand.
 *
 * A row begins with the first value that is put into it; rows are made in their order. The caller clears
 * the result. */
#ifndef TESTS_SUPPORT_RESULT_H
#define TESTS_SUPPORT_RESULT_H

#include <libpq-fe.h>
#include <stddef.h>
#include <stdint.h>

PGresult *result_create(int ncolumns);

void result_put(PGresult *result, int row, int column, const void *bytes, size_t length);
void result_put_null(PGresult *result, int row, int column);
void result_put_int64(PGresult *result, int row, int column, int64_t value);
void result_put_int32(PGresult *result, int row, int column, int32_t value);
void result_put_text(PGresult *result, int row, int column, const char *text); /* NULL: null */

/* A timestamptz: microseconds since 1970, as db/row.h returns it. */
void result_put_time_us(PGresult *result, int row, int column, int64_t time_us);

/* Packed keys of entities: see db_row_keys() in db/row.h. */
void result_put_keys(PGresult *result, int row, int column, const uint64_t *keys, size_t n);

#endif
