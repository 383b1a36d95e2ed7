/* Which rows of an answer belong to which id (db/batch.h).
 *
 *     every three bytes of the input --> an id and how many rows it has --> a result --> db_batch_rows_read
 *
 * The result keeps the contract: each id once, its rows together, no more ids than a batch can ask for. */
#include <stdbool.h>
#include <string.h>

#include "db/batch.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/result.h"

enum { BYTES_OF_ID = 3, MAX_ROWS_OF_ID = 5 };

static bool read_id(const uint8_t *at, struct db_id_rows *ret_id);
static bool is_among(const struct db_id_rows *ids, size_t n, int64_t id);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct db_id_rows ids[DB_BATCH_MAX_IDS], id;
    size_t n = 0;
    int row = 0;
    PGresult *result = result_create(1);
    for (size_t i = 0; i + BYTES_OF_ID <= size && n < DB_BATCH_MAX_IDS; i += BYTES_OF_ID) {
        if (!read_id(data + i, &id) || is_among(ids, n, id.id))
            continue;
        id.row = row;
        for (int added = 0; added < id.nrows; added++)
            result_put_int64(result, row++, 0, id.id);
        ids[n++] = id;
    }
    struct db_batch_rows rows;
    db_batch_rows_read(&rows, result);
    fuzz_check(rows.n == n);
    for (size_t i = 0; i < n; i++) {
        struct db_id_rows found = db_batch_rows_find(&rows, ids[i].id);
        fuzz_check(found.id == ids[i].id && found.row == ids[i].row && found.nrows == ids[i].nrows);
        fuzz_check(i == 0 || rows.of[i - 1].id < rows.of[i].id);
        int64_t other = (int64_t)((uint64_t)ids[i].id + 1);
        fuzz_check(is_among(ids, n, other) || db_batch_rows_find(&rows, other).nrows == 0);
    }
    PQclear(result);
    return 0;
}

/* Near zero and near both ends of a bigint. False: no rows. */
static bool read_id(const uint8_t *at, struct db_id_rows *ret_id)
{
    uint64_t base = at[0] < 0x80 ? 0 : at[0] < 0xc0 ? (uint64_t)INT64_MAX : (uint64_t)INT64_MIN;
    ret_id->id = (int64_t)(base + (uint64_t)(int64_t)(int8_t)(at[0] << 2) * 256 + at[1]);
    ret_id->nrows = at[2] % (MAX_ROWS_OF_ID + 1);
    return ret_id->nrows > 0;
}

static bool is_among(const struct db_id_rows *ids, size_t n, int64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i].id == id)
            return true;
    return false;
}
