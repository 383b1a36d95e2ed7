#include "db/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "db/row.h"
#include "db/types.h"

bool db_batch_add(struct db_batch *batch, int64_t id)
{
    size_t low = 0, high = batch->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (batch->id[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < batch->n && batch->id[low] == id)
        return true;
    if (batch->n == DB_BATCH_MAX_IDS)
        return false;
    memmove(&batch->id[low + 1], &batch->id[low], (batch->n - low) * sizeof(batch->id[0]));
    batch->id[low] = id;
    batch->n++;
    return true;
}

static char *put_int32(char *to, int32_t value)
{
    uint32_t wire = htobe32((uint32_t)value);
    memcpy(to, &wire, sizeof(wire));
    return to + sizeof(wire);
}

int db_batch_encode(const struct db_batch *batch, char wire[DB_BATCH_MAX_BYTES])
{
    char *to = wire;
    to = put_int32(to, 1); /* dimensions */
    to = put_int32(to, 0); /* no nulls */
    to = put_int32(to, DB_TYPE_BIGINT);
    to = put_int32(to, (int32_t)batch->n);
    to = put_int32(to, 1); /* lower bound */
    for (size_t i = 0; i < batch->n; i++) {
        uint64_t id = htobe64((uint64_t)batch->id[i]);
        to = put_int32(to, sizeof(id));
        memcpy(to, &id, sizeof(id));
        to += sizeof(id);
    }
    assert(to - wire <= DB_BATCH_MAX_BYTES);
    return (int)(to - wire);
}

static int by_id(const void *a, const void *b)
{
    int64_t left = ((const struct db_id_rows *)a)->id, right = ((const struct db_id_rows *)b)->id;
    return (left > right) - (left < right);
}

void db_batch_rows_read(struct db_batch_rows *rows, const PGresult *result)
{
    rows->n = 0;
    bool is_sorted = true;
    int nrows = PQntuples(result);
    for (int row = 0; row < nrows; row++) {
        int64_t id = db_row_int64(result, row, 0);
        struct db_id_rows *last = rows->n > 0 ? &rows->of[rows->n - 1] : NULL;
        if (last != NULL && last->id == id) {
            last->nrows++;
            continue;
        }
        is_sorted = is_sorted && (last == NULL || last->id < id);
        assert(rows->n < DB_BATCH_MAX_IDS);
        rows->of[rows->n++] = (struct db_id_rows){.id = id, .row = row, .nrows = 1};
    }
    if (!is_sorted)
        qsort(rows->of, rows->n, sizeof(rows->of[0]), by_id);
}

struct db_id_rows db_batch_rows_find(const struct db_batch_rows *rows, int64_t id)
{
    const struct db_id_rows key = {.id = id};
    const struct db_id_rows *found =
        rows->n == 0 ? NULL : bsearch(&key, rows->of, rows->n, sizeof(rows->of[0]), by_id);
    return found != NULL ? *found : key;
}
