#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <string.h>

#include "db/row.h"
#include "tests/support/result.h"

static PGresult *result;

static void one_column(void)
{
    result = result_create(1);
}

static void clear(void)
{
    PQclear(result);
}

TestSuite(row, .init = one_column, .fini = clear);

Test(row, reads_integers_of_both_signs)
{
    const int64_t wide[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_C(0x0102030405060708)};
    const int32_t narrow[] = {0, 1, -1, INT32_MAX, INT32_MIN, 0x01020304};
    for (int i = 0; i < 6; i++) {
        result_put_int64(result, i, 0, wide[i]);
        cr_expect_eq(db_row_int64(result, i, 0), wide[i]);
    }
    for (int i = 0; i < 6; i++) {
        result_put_int32(result, 6 + i, 0, narrow[i]);
        cr_expect_eq(db_row_int32(result, 6 + i, 0), narrow[i]);
    }
}

Test(row, aborts_on_a_number_of_another_width, .signal = SIGABRT)
{
    result_put_int32(result, 0, 0, 7);
    db_row_int64(result, 0, 0);
}

Test(row, distinguishes_null_and_empty_text)
{
    result_put_null(result, 0, 0);
    result_put_text(result, 1, 0, "");
    result_put_text(result, 2, 0, "h\xc3\xa9");
    cr_expect(db_row_is_null(result, 0, 0));
    cr_expect_null(db_row_text(result, 0, 0).base);
    cr_expect_not(db_row_is_null(result, 1, 0));
    cr_expect_not_null(db_row_text(result, 1, 0).base);
    cr_expect_eq(db_row_text(result, 1, 0).length, 0);
    cr_expect_eq(db_row_text(result, 2, 0).length, 3, "the length is in bytes");
}

Test(row, reads_packed_keys)
{
    const uint64_t items[] = {INT64_MAX, 0, UINT64_C(0x0102030405060708)};
    result_put_keys(result, 0, 0, items, 3);
    struct db_keys keys = db_row_keys(result, 0, 0);
    cr_assert_eq(keys.n, 3);
    for (size_t i = 0; i < keys.n; i++)
        cr_expect_eq(db_keys_at(keys, i), items[i]);
}

Test(row, reads_null_and_an_empty_value_as_no_key)
{
    result_put_null(result, 0, 0);
    result_put_keys(result, 1, 0, NULL, 0);
    cr_expect_eq(db_row_keys(result, 0, 0).n, 0);
    cr_expect_eq(db_row_keys(result, 1, 0).n, 0);
}

Test(row, aborts_after_the_last_key, .signal = SIGABRT)
{
    const uint64_t item = 7;
    result_put_keys(result, 0, 0, &item, 1);
    db_keys_at(db_row_keys(result, 0, 0), 1);
}

Test(row, aborts_on_keys_that_end_in_the_middle_of_one, .signal = SIGABRT)
{
    result_put(result, 0, 0, "123456789012", 12);
    db_row_keys(result, 0, 0);
}
