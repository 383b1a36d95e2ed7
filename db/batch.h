/* db/batch.h - many look-ups by id as one command: which ids it asks for, and which rows belong to which
 * id. */
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

/* True: the batch has the id. False: it is full. */
bool db_batch_add(struct db_batch *batch, int64_t id);

/* Writes the ids as a binary bigint[] (array_recv in PostgreSQL's arrayfuncs.c); returns the length. */
int db_batch_encode(const struct db_batch *batch, char wire[DB_BATCH_MAX_BYTES]);

struct db_batch_rows {
    size_t n;
    struct db_id_rows {
        int64_t id;
        int row, nrows;
    } of[DB_BATCH_MAX_IDS]; /* ascending by id */
};

/* result: column 1 is the id, a binary bigint. The rows of an id follow each other; the ids are in any
 * order. There are no more ids than a batch has. */
void db_batch_rows_read(struct db_batch_rows *rows, const PGresult *result);

/* The rows of this id; nrows is 0 where it has none. */
struct db_id_rows db_batch_rows_find(const struct db_batch_rows *rows, int64_t id);

#endif
