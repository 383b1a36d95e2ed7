/* Arrays in PostgreSQL's binary format. */
#include <criterion/criterion.h>
#include <string.h>

#include "db/array.h"
#include "db/types.h"

TestSuite(array, .timeout = 60);

static void expect_bytes(struct db_param param, const char *want, size_t n)
{
    cr_expect(param.is_binary);
    cr_assert_eq((size_t)param.length, n);
    cr_expect(memcmp(param.value, want, n) == 0);
}

Test(array, has_a_header_and_each_element_with_its_length)
{
    struct db_array ids = {0}, texts = {0};

    db_array_add_int64(&ids, 7);
    db_array_add_int64(&ids, -1);
    expect_bytes(db_array_param(&ids, DB_TYPE_BIGINT),
                 "\0\0\0\1\0\0\0\0\0\0\0\24\0\0\0\2\0\0\0\1"
                 "\0\0\0\10\0\0\0\0\0\0\0\7\0\0\0\10\377\377\377\377\377\377\377\377",
                 44);
    db_array_add(&texts, "abc", 3);
    db_array_add(&texts, NULL, 0);
    expect_bytes(db_array_param(&texts, DB_TYPE_TEXT),
                 "\0\0\0\1\0\0\0\0\0\0\0\31\0\0\0\2\0\0\0\1\0\0\0\3abc\0\0\0\0", 31);
    db_array_finish(&ids);
    db_array_finish(&texts);
}

Test(array, may_be_empty_and_may_be_filled_again)
{
    struct db_array numbers = {0};

    expect_bytes(db_array_param(&numbers, DB_TYPE_INTEGER),
                 "\0\0\0\1\0\0\0\0\0\0\0\27\0\0\0\0\0\0\0\1", 20);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10000; i++)
            db_array_add_int32(&numbers, i);
        struct db_param param = db_array_param(&numbers, DB_TYPE_INTEGER);
        cr_expect_eq(param.length, 20 + 8 * 10000);
        cr_expect_eq(param.value[param.length - 1], (char)(9999 & 0xFF));
        db_array_clear(&numbers);
        cr_expect_eq(numbers.n, 0);
    }
    db_array_finish(&numbers);
}
