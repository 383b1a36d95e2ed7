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

Test(row, tells_null_from_empty_text)
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

Test(row, reads_ids_that_stand_together)
{
    static const char packed[] = "\0\0\0\0\0\0\0\1\x7f\xff\xff\xff\xff\xff\xff\xff";
    result_put(result, 0, 0, packed, 16);
    result_put(result, 1, 0, "", 0);
    struct db_text two = db_row_text(result, 0, 0), none = db_row_text(result, 1, 0);
    cr_expect_eq(db_ids_count(none), 0);
    cr_assert_eq(db_ids_count(two), 2);
    cr_expect_eq(db_ids_at(two, 0), 1);
    cr_expect_eq(db_ids_at(two, 1), INT64_MAX);
}

Test(row, aborts_on_half_an_id, .signal = SIGABRT)
{
    db_ids_count((struct db_text){.base = "0123456789ab", .length = 12});
}

struct array_case {
    bool is_null;
    char items[64]; /* with '|' between */
    int n;
};

ParameterizedTestParameters(row, walks_over_a_text_array)
{
    static struct array_case cases[] = {
        {true, "", 0},
        {false, "", 0},
        {false, "one", 1},
        {false, "one|two|three", 3},
        {false, "|", 2}, /* two empty texts */
        {false, "a||b", 3},
        {false, "\xc3\xa9t\xc3\xa9|\xe6\x97\xa5\xe6\x9c\xac|\xf0\x9f\x93\xb0", 3},
    };
    return cr_make_param_array(struct array_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct array_case *c, row, walks_over_a_text_array)
{
    result_put_texts(result, 0, 0, c->is_null ? NULL : c->items);
    struct db_text_array array = db_row_text_array(result, 0, 0);
    const char *want = c->items;
    int n = 0;
    for (struct db_text item; db_text_array_next(&array, &item); n++) {
        cr_assert_eq((size_t)item.length, strcspn(want, "|"));
        cr_assert_arr_eq(item.base, want, (size_t)item.length);
        want += item.length + 1;
    }
    cr_assert_eq(n, c->n, "%s: %d items", c->items, n);
    struct db_text none;
    cr_assert_not(db_text_array_next(&array, &none), "an end stays an end");
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
