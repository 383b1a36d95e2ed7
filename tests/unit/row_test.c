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

Test(row, reads_an_array_of_bigint)
{
    const int64_t items[] = {INT64_MAX, -1, INT64_C(0x0102030405060708)};
    result_put_int64s(result, 0, 0, items, 3);
    struct db_int64s array = db_row_int64s(result, 0, 0);
    cr_assert_eq(array.n, 3);
    for (size_t i = 0; i < array.n; i++)
        cr_expect_eq(db_int64s_at(array, i), items[i]);
}

Test(row, reads_null_and_an_empty_array_as_no_item)
{
    result_put_null(result, 0, 0);
    result_put_int64s(result, 1, 0, NULL, 0);
    cr_expect_eq(db_row_int64s(result, 0, 0).n, 0);
    cr_expect_eq(db_row_int64s(result, 1, 0).n, 0);
}

Test(row, aborts_behind_the_last_item_of_an_array, .signal = SIGABRT)
{
    const int64_t item = 7;
    result_put_int64s(result, 0, 0, &item, 1);
    db_int64s_at(db_row_int64s(result, 0, 0), 1);
}

Test(row, aborts_on_an_array_that_ends_in_the_middle_of_an_item, .signal = SIGABRT)
{
    const int64_t items[] = {1, 2};
    result_put_int64s(result, 0, 0, items, 2);
    result_put(result, 1, 0, PQgetvalue(result, 0, 0), 20 + 12 + 4);
    db_row_int64s(result, 1, 0);
}

Test(row, aborts_on_an_array_of_another_type, .signal = SIGABRT)
{
    static const char texts[] = "\0\0\0\0\0\0\0\0\0\0\0\x19";
    result_put(result, 0, 0, texts, 12);
    db_row_int64s(result, 0, 0);
}

struct time_case {
    char name[32];
    int64_t postgresql_us, want_us; /* since 2000; since 1970 */
};

ParameterizedTestParameters(row, reads_times_on_both_sides_of_2000_and_1970)
{
    static struct time_case cases[] = {
        {"2000", 0, INT64_C(946684800000000)},
        {"1970", -INT64_C(946684800000000), 0},
        {"a microsecond before 2000", -1, INT64_C(946684799999999)},
        {"a microsecond before 1970", -INT64_C(946684800000001), -1},
        {"2026", INT64_C(820454400000000), INT64_C(1767139200000000)},
        {"year 1", -INT64_C(63082281600000000), -INT64_C(62135596800000000)},
        {"the end of 9999", INT64_C(252455615999999999), INT64_C(253402300799999999)},
    };
    return cr_make_param_array(struct time_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct time_case *c, row, reads_times_on_both_sides_of_2000_and_1970)
{
    result_put_int64(result, 0, 0, c->postgresql_us);
    cr_assert_eq(db_row_time_us(result, 0, 0), c->want_us, "%s", c->name);
}
