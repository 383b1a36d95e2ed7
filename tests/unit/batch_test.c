#include <criterion/criterion.h>
#include <endian.h>
#include <string.h>

#include "db/batch.h"
#include "tests/support/result.h"

Test(batch, keeps_ids_ascending_and_each_once)
{
    const int64_t ids[] = {5, 1, INT64_MAX, 5, 3, 1, 2, INT64_MAX, 4, 5},
                  want[] = {1, 2, 3, 4, 5, INT64_MAX};
    struct db_batch batch = {0};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        cr_assert(db_batch_add(&batch, ids[i]));
    cr_assert_eq(batch.n, 6);
    cr_assert_arr_eq(batch.id, want, sizeof(want));
}

Test(batch, is_full_at_the_65th_id)
{
    struct db_batch batch = {0};
    for (int64_t i = 0; i < DB_BATCH_MAX_IDS; i++)
        cr_assert(db_batch_add(&batch, 1000 - 10 * i));
    struct db_batch before = batch;
    cr_expect_not(db_batch_add(&batch, 1));
    cr_expect_not(db_batch_add(&batch, 555));
    cr_expect_not(db_batch_add(&batch, 5000));
    cr_expect_arr_eq(&batch, &before, sizeof(batch));
    cr_expect(db_batch_add(&batch, 1000), "an id that the batch has needs no room");
    cr_expect(db_batch_add(&batch, 1000 - 10 * (DB_BATCH_MAX_IDS - 1)));
    cr_expect_eq(batch.n, DB_BATCH_MAX_IDS);
}

Test(batch, encodes_a_bigint_array_as_postgresql_reads_it)
{
    const unsigned char want[] = {
        0, 0, 0, 1,  /* dimensions */
        0, 0, 0, 0,  /* nulls */
        0, 0, 0, 20, /* bigint */
        0, 0, 0, 2,  /* elements */
        0, 0, 0, 1,  /* lower bound */
        0, 0, 0, 8,  0,    0,    0,    0,    0,    0,    1,    2,
        0, 0, 0, 8,  0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    };
    struct db_batch batch = {0};
    char wire[DB_BATCH_MAX_BYTES];
    db_batch_add(&batch, INT64_MAX);
    db_batch_add(&batch, 258);
    cr_assert_eq(db_batch_encode(&batch, wire), (int)sizeof(want));
    cr_assert_arr_eq(wire, want, sizeof(want));
}

Test(batch, encodes_a_full_batch_in_its_buffer)
{
    struct db_batch batch = {0};
    char wire[DB_BATCH_MAX_BYTES];
    for (int64_t i = 1; i <= DB_BATCH_MAX_IDS; i++)
        db_batch_add(&batch, i);
    cr_assert_eq(db_batch_encode(&batch, wire), DB_BATCH_MAX_BYTES);
    uint64_t last;
    memcpy(&last, wire + DB_BATCH_MAX_BYTES - sizeof(last), sizeof(last));
    cr_assert_eq(be64toh(last), (uint64_t)DB_BATCH_MAX_IDS);
}

static void expect_rows(const struct db_batch_rows *rows, int64_t id, int row, int nrows)
{
    struct db_id_rows found = db_batch_rows_find(rows, id);
    cr_expect_eq(found.nrows, nrows, "id %ld: %d rows", (long)id, found.nrows);
    if (nrows > 0)
        cr_expect_eq(found.row, row, "id %ld: row %d", (long)id, found.row);
}

Test(batch, finds_the_rows_of_ids_in_any_order)
{
    const int64_t ids[] = {70, 70, 70, 3, 900, 900, 12, INT64_MAX, 1};
    PGresult *result = result_create(1);
    for (int i = 0; i < (int)(sizeof(ids) / sizeof(ids[0])); i++)
        result_put_int64(result, i, 0, ids[i]);

    struct db_batch_rows rows;
    db_batch_rows_read(&rows, result);
    PQclear(result);
    cr_assert_eq(rows.n, 6);
    expect_rows(&rows, 70, 0, 3);
    expect_rows(&rows, 3, 3, 1);
    expect_rows(&rows, 900, 4, 2);
    expect_rows(&rows, 12, 6, 1);
    expect_rows(&rows, INT64_MAX, 7, 1);
    expect_rows(&rows, 1, 8, 1);
    expect_rows(&rows, 2, 0, 0);
    expect_rows(&rows, 71, 0, 0);
    expect_rows(&rows, INT64_MAX - 1, 0, 0);
}

Test(batch, finds_nothing_in_an_answer_without_rows)
{
    PGresult *result = result_create(1);
    struct db_batch_rows rows;
    memset(&rows, 0x55, sizeof(rows)); /* as the stack may leave it */
    db_batch_rows_read(&rows, result);
    PQclear(result);
    cr_assert_eq(rows.n, 0);
    expect_rows(&rows, 1, 0, 0);
}

Test(batch, reads_a_full_answer_backwards)
{
    PGresult *result = result_create(1);
    for (int i = 0; i < DB_BATCH_MAX_IDS * 6; i++)
        result_put_int64(result, i, 0, DB_BATCH_MAX_IDS - i / 6);
    struct db_batch_rows rows;
    db_batch_rows_read(&rows, result);
    PQclear(result);
    for (int id = 1; id <= DB_BATCH_MAX_IDS; id++)
        expect_rows(&rows, id, (DB_BATCH_MAX_IDS - id) * 6, 6);
}
