#include <criterion/criterion.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "server/answer.h"

enum { LENGTH = 4000, SMALLEST_GZIP = 1024 };

static struct answer *answer_of(const char *bytes, size_t length)
{
    h2o_iovec_t part = h2o_iovec_init(bytes, length);
    return answer_create(&part, 1);
}

/* Text that can be compressed, but not to nothing. */
static const char *text(void)
{
    static char bytes[LENGTH];
    srand(1);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)('a' + rand() % 8);
    return bytes;
}

static void expect_gzip_of(const struct answer *answer, const char *want, size_t length)
{
    char *bytes = malloc(length);
    size_t got = 0;
    struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
    cr_assert_eq(libdeflate_gzip_decompress(decompressor, answer->gzip.base, answer->gzip.len,
                                            bytes, length, &got),
                 LIBDEFLATE_SUCCESS);
    libdeflate_free_decompressor(decompressor);
    cr_assert_eq(got, length);
    cr_expect_arr_eq(bytes, want, length);
    free(bytes);
}

Test(answer, has_its_parts_one_behind_the_other)
{
    h2o_iovec_t parts[] = {
        {H2O_STRLIT("{\"a\":")}, {NULL, 0}, {H2O_STRLIT("1")}, {H2O_STRLIT("}")}};
    struct answer *answer = answer_create(parts, 4);
    cr_expect_eq(answer->kind, ANSWER_OK);
    cr_assert_eq(answer->length, 7);
    cr_expect_arr_eq(answer->bytes, "{\"a\":1}", 7);
    cr_expect_eq(answer->related_error, DB_OK);
    cr_expect_eq(answer->stale_at_us, 0);
    cr_expect_null(answer->gzip.base);
    h2o_mem_release_shared(answer);
}

Test(answer, has_a_copy_of_its_parts)
{
    char bytes[] = "before";
    struct answer *answer = answer_of(bytes, 6);
    memcpy(bytes, "after!", 6);
    cr_expect_arr_eq(answer->bytes, "before", 6);
    h2o_mem_release_shared(answer);
}

Test(answer, has_the_same_name_for_the_same_bytes_however_they_came)
{
    h2o_iovec_t halves[] = {{H2O_STRLIT("har")}, {H2O_STRLIT("bour")}};
    struct answer *one = answer_of("harbour", 7), *two = answer_create(halves, 2);
    cr_expect_str_eq(one->etag, two->etag);
    /* Also in the next version of the program, for it is in the caches of others. */
    cr_expect_str_eq(one->etag, "\"4525043ccc4dc55e\"");
    h2o_mem_release_shared(one);
    h2o_mem_release_shared(two);
}

Test(answer, has_another_name_for_any_other_byte)
{
    enum { N = 300 };
    char bytes[N];
    memset(bytes, 'a', sizeof(bytes));
    struct answer *first = answer_of(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] ^= 1;
        struct answer *other = answer_of(bytes, sizeof(bytes));
        cr_expect_str_neq(other->etag, first->etag);
        h2o_mem_release_shared(other);
        bytes[i] ^= 1;
    }
    struct answer *shorter = answer_of(bytes, sizeof(bytes) - 1);
    cr_expect_str_neq(shorter->etag, first->etag);
    h2o_mem_release_shared(shorter);
    h2o_mem_release_shared(first);
}

static void expect_name(const char *etag, const char *end)
{
    enum { DIGITS = 16 };
    cr_expect_eq(etag[0], '"');
    cr_expect_eq(strspn(etag + 1, "0123456789abcdef"), DIGITS, "%s", etag);
    cr_expect_str_eq(etag + 1 + DIGITS, end);
}

Test(answer, has_a_name_in_quotes_for_each_of_its_two_forms)
{
    struct answer *answer = answer_of(text(), LENGTH);
    answer_compress(answer);
    expect_name(answer->etag, "\"");
    expect_name(answer->gzip_etag, "-gz\"");
    cr_expect_neq(strncmp(answer->etag, answer->gzip_etag, 8), 0,
                  "each is the hash of its own bytes");
    h2o_mem_release_shared(answer);
}

Test(answer, is_compressed_once)
{
    struct answer *answer = answer_of(text(), LENGTH);
    cr_assert_gt(answer_compress(answer), 0);
    char *base = answer->gzip.base;
    cr_expect_lt(answer->gzip.len, LENGTH);
    expect_gzip_of(answer, text(), LENGTH);
    cr_expect_eq(answer_compress(answer), 0);
    cr_expect_eq(answer->gzip.base, base);
    cr_expect_arr_eq(answer->bytes, text(), LENGTH, "the bytes as they are stay");
    h2o_mem_release_shared(answer);
}

Test(answer, is_compressed_to_the_same_bytes_every_time)
{
    struct answer *one = answer_of(text(), LENGTH), *two = answer_of(text(), LENGTH);
    answer_compress(one);
    answer_compress(two);
    cr_assert_eq(one->gzip.len, two->gzip.len);
    cr_expect_arr_eq(one->gzip.base, two->gzip.base, one->gzip.len);
    h2o_mem_release_shared(one);
    h2o_mem_release_shared(two);
}

Test(answer, is_compressed_from_a_kilobyte_on)
{
    struct answer *small = answer_of(text(), SMALLEST_GZIP - 1),
                  *large = answer_of(text(), SMALLEST_GZIP);
    cr_expect_eq(answer_compress(small), 0);
    cr_expect_null(small->gzip.base);
    cr_expect_gt(answer_compress(large), 0);
    expect_gzip_of(large, text(), SMALLEST_GZIP);
    h2o_mem_release_shared(small);
    h2o_mem_release_shared(large);
}

Test(answer, is_compressed_though_that_makes_it_no_smaller)
{
    static char noise[LENGTH];
    srand(1);
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (char)(rand() >> 8);
    struct answer *answer = answer_of(noise, sizeof(noise));
    cr_expect_gt(answer_compress(answer), 0);
    expect_gzip_of(answer, noise, sizeof(noise));
    h2o_mem_release_shared(answer);
}

Test(answer, tells_what_it_costs_and_what_it_costs_more)
{
    struct answer *answer = answer_of(text(), LENGTH);
    size_t before = answer_memory(answer);
    cr_expect_geq(before, sizeof(*answer) + LENGTH);
    cr_expect_leq(before, sizeof(*answer) + LENGTH + 64);
    size_t more = answer_compress(answer);
    cr_expect_geq(more, answer->gzip.len);
    cr_expect_leq(more, answer->gzip.len + 32);
    cr_expect_eq(answer_memory(answer), before + more);
    h2o_mem_release_shared(answer);
}

Test(answer, is_of_another_kind_without_bytes)
{
    const enum answer_kind kinds[] = {ANSWER_ABSENT, ANSWER_WITHDRAWN};
    for (size_t i = 0; i < 2; i++) {
        struct answer *answer = answer_create_empty(kinds[i]);
        cr_expect_eq(answer->kind, kinds[i]);
        cr_expect_eq(answer->length, 0);
        cr_expect_geq(answer_memory(answer), sizeof(*answer));
        cr_expect_leq(answer_memory(answer), sizeof(*answer) + 64);
        cr_expect_eq(answer_compress(answer), 0);
        h2o_mem_release_shared(answer);
    }
}
