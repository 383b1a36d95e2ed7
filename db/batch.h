/* db/batch.h - many look-ups by id as one command: the ids that go out, the rows that come back. */
#ifndef DB_BATCH_H
#define DB_BATCH_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DB_BATCH_MAX_IDS = 64,
    DB_BATCH_MAX_BYTES = 20 + 12 * DB_BATCH_MAX_IDS,
};

struct db_batch {
    size_t n;
    int64_t id[DB_BATCH_MAX_IDS]; /* ascending, each once */
};

/* True: the id is in the batch now, or was already. False: it is full. */
bool db_batch_add(struct db_batch *batch, int64_t id);

/* Writes the ids as a binary bigint[] (array_recv in PostgreSQL's arrayfuncs.c); returns the length. */
int db_batch_encode(const struct db_batch *batch, char wire[DB_BATCH_MAX_BYTES]);

/* Which rows of an answer belong to which id. */
struct db_batch_rows {
    size_t n;
    struct db_id_rows {
        int64_t id;
        int row, nrows;
    } of[DB_BATCH_MAX_IDS]; /* ascending by id */
};

/* result: column 1 is a binary bigint, the id; the rows of an id stand together, the ids in any order.
 * No more ids than were asked for. */
void db_batch_rows_read(struct db_batch_rows *rows, const PGresult *result);

/* The rows of this id: none where it has none. */
struct db_id_rows db_batch_rows_find(const struct db_batch_rows *rows, int64_t id);

#endif
