#include <criterion/criterion.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "base/gzip.h"
#include "server/answer.h"

enum { LENGTH = 4000, SMALLEST_GZIP = 1024, LARGEST_GZIP = 512 << 10, MEMORY_BYTES = 100 << 20 };

static struct memory memory;

static void init(void)
{
    memory_init(&memory, MEMORY_BYTES);
}

static void finish(void)
{
    gzip_finish_thread();
    cr_expect_eq(memory_used(&memory), 0);
}

TestSuite(answer, .init = init, .fini = finish);

static struct answer *answer_of(const char *bytes, size_t length)
{
    h2o_iovec_t part = h2o_iovec_init(bytes, length);
    return answer_create_copy(&memory, &part, 1);
}

/* Text that gzip makes smaller, but not very small. */
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

Test(answer, has_its_parts_one_after_the_other)
{
    h2o_iovec_t parts[] = {
        {H2O_STRLIT("{\"a\":")}, {NULL, 0}, {H2O_STRLIT("1")}, {H2O_STRLIT("}")}};
    struct answer *answer = answer_create_copy(&memory, parts, 4);
    cr_expect_eq(answer->kind, ANSWER_OK);
    cr_assert_eq(answer->length, 7);
    cr_expect_arr_eq(answer->parts[0].bytes.base, "{\"a\":1}", 7);
    cr_expect_eq(answer->missing, DB_OK);
    cr_expect_eq(answer->stale_at_us, 0);
    cr_expect_null(answer->gzip.base);
    h2o_mem_release_shared(answer);
}

Test(answer, has_a_copy_of_its_parts)
{
    char bytes[] = "before";
    struct answer *answer = answer_of(bytes, 6);
    memcpy(bytes, "after!", 6);
    cr_expect_arr_eq(answer->parts[0].bytes.base, "before", 6);
    h2o_mem_release_shared(answer);
}

Test(answer, has_the_same_etag_for_the_same_bytes_in_any_parts)
{
    h2o_iovec_t halves[] = {{H2O_STRLIT("har")}, {H2O_STRLIT("bour")}};
    struct answer *one = answer_of("harbour", 7), *two = answer_create_copy(&memory, halves, 2);
    cr_expect_str_eq(one->etag, two->etag);
    /* The next version of the program must give the same ETag, because caches of others have it. */
    cr_expect_str_eq(one->etag, "\"4525043ccc4dc55e\"");
    h2o_mem_release_shared(one);
    h2o_mem_release_shared(two);
}

Test(answer, has_another_etag_when_any_byte_differs)
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

Test(answer, has_an_etag_in_quotes_for_each_of_its_two_forms)
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
    cr_expect_arr_eq(answer->parts[0].bytes.base, text(), LENGTH, "the plain bytes stay");
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

Test(answer, is_compressed_when_it_has_a_kilobyte_or_more)
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

Test(answer, is_compressed_even_when_that_does_not_make_it_smaller)
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

Test(answer, reports_its_memory_and_the_memory_that_compression_adds)
{
    struct answer *answer = answer_of(text(), LENGTH);
    size_t before = answer_memory(answer);
    cr_expect_geq(before, sizeof(*answer) + LENGTH);
    cr_expect_leq(before, sizeof(*answer) + sizeof(struct segment) + LENGTH + 128);
    size_t more = answer_compress(answer);
    cr_expect_geq(more, answer->gzip.len);
    cr_expect_leq(more, answer->gzip.len + 32);
    cr_expect_eq(answer_memory(answer), before + more);
    h2o_mem_release_shared(answer);
}

Test(answer, has_no_bytes_when_the_article_is_absent_or_withdrawn)
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

/* ---- answers of two segments */

static struct segment *segment_of(const char *bytes, size_t length)
{
    struct segment *segment = segment_create(&memory, length);
    segment_append(segment, bytes, length);
    return segment;
}

/* The second part begins at a byte of its segment. */
static struct answer *answer_of_two(struct segment *one, struct segment *two, size_t from)
{
    const struct answer_part parts[] = {
        {one, h2o_iovec_init(one->bytes, one->length)},
        {two, h2o_iovec_init(two->bytes + from, two->length - from)},
    };
    return answer_create(&memory, parts, 2);
}

Test(answer, shares_the_segments_that_it_is_made_of)
{
    struct segment *one = segment_of("har", 3), *two = segment_of("{bour", 5);
    struct answer *answer = answer_of_two(one, two, 1);
    h2o_mem_release_shared(one);
    h2o_mem_release_shared(two);
    cr_expect_eq(answer->length, 7);
    cr_expect_arr_eq(answer->parts[0].bytes.base, "har", 3);
    cr_expect_arr_eq(answer->parts[1].bytes.base, "bour", 4);
    cr_expect_str_eq(answer->etag, "\"4525043ccc4dc55e\"",
                     "the ETag is that of the same bytes in one piece");
    h2o_mem_release_shared(answer);
}

Test(answer, has_the_same_etag_for_any_pieces_of_a_large_segment)
{
    enum { LARGE = 1000 * 1000 };
    char *bytes = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)(i * i >> 3);
    struct answer *want = answer_of(bytes, LARGE);
    for (size_t piece = 999; piece < LARGE; piece *= 7) {
        struct segment *one = segment_create_large(&memory, LARGE - 10);
        for (size_t at = 0; at < LARGE - 10; at += piece)
            segment_append(one, bytes + at, LARGE - 10 - at < piece ? LARGE - 10 - at : piece);
        struct segment *two = segment_of(bytes + LARGE - 10, 10);
        struct answer *got = answer_of_two(one, two, 0);
        cr_expect_str_eq(got->etag, want->etag, "in pieces of %zu", piece);
        h2o_mem_release_shared(one);
        h2o_mem_release_shared(two);
        h2o_mem_release_shared(got);
    }
    h2o_mem_release_shared(want);
    free(bytes);
}

Test(answer, is_compressed_over_both_parts)
{
    struct segment *one = segment_of(text(), LENGTH / 2),
                   *two = segment_of(text() + LENGTH / 2, LENGTH / 2);
    struct answer *answer = answer_of_two(one, two, 0);
    h2o_mem_release_shared(one);
    h2o_mem_release_shared(two);
    cr_assert_gt(answer_compress(answer), 0);
    expect_gzip_of(answer, text(), LENGTH);
    h2o_mem_release_shared(answer);
}

Test(answer, is_not_compressed_above_half_a_megabyte)
{
    char *bytes = calloc(1, LARGEST_GZIP + 1);
    struct answer *most = answer_of(bytes, LARGEST_GZIP),
                  *too_long = answer_of(bytes, LARGEST_GZIP + 1);
    cr_expect_gt(answer_compress(most), 0);
    cr_expect_eq(answer_compress(too_long), 0);
    h2o_mem_release_shared(most);
    h2o_mem_release_shared(too_long);
    free(bytes);
}

/* ---- the budget */

Test(answer, is_not_made_when_the_budget_has_no_room)
{
    memory_init(&memory, LENGTH + 2000);
    struct answer *first = answer_of(text(), LENGTH);
    cr_assert_not_null(first);
    cr_expect_null(answer_of(text(), LENGTH));
    h2o_mem_release_shared(first);
    struct answer *again = answer_of(text(), LENGTH);
    cr_expect_not_null(again);
    h2o_mem_release_shared(again);
}

Test(answer, stays_plain_when_the_budget_has_no_room_for_compression)
{
    memory_init(&memory, LENGTH + 1000);
    struct answer *answer = answer_of(text(), LENGTH);
    cr_assert_not_null(answer);
    cr_expect_eq(answer_compress(answer), 0);
    cr_expect_null(answer->gzip.base);
    h2o_mem_release_shared(answer);
}

Test(answer, reserves_as_much_as_its_compression_takes)
{
    struct answer *answer = answer_of(text(), LENGTH);
    size_t used = memory_used(&memory);
    size_t more = answer_compress(answer);
    cr_assert_gt(more, 0);
    cr_expect_eq(memory_used(&memory), used + more);
    h2o_mem_release_shared(answer);
    cr_expect_eq(memory_used(&memory), 0);
}

Test(answer, is_not_compressed_in_vain)
{
    struct answer *answer = answer_of(text(), LENGTH);
    memory.max_bytes = memory_used(&memory) + LENGTH / 2; /* the result fits, LENGTH bytes don't */
    cr_expect_eq(answer_compress(answer), 0);
    cr_expect_null(answer->gzip.base);
    h2o_mem_release_shared(answer);
}

Test(answer, counts_once_a_segment_that_two_answers_in_the_cache_share)
{
    struct segment *one = segment_of("har", 3), *two = segment_of("bour", 4);
    struct answer *first = answer_of_two(one, two, 0), *second = answer_of_two(one, two, 1);
    h2o_mem_release_shared(one);
    h2o_mem_release_shared(two);
    size_t before = memory_used(&memory);
    answer_enter_cache(first);
    answer_enter_cache(second);
    cr_expect_eq(memory_used(&memory), 0);
    answer_leave_cache(first);
    cr_expect_eq(memory_used(&memory), 0, "the second one is still there");
    answer_leave_cache(second);
    cr_expect_eq(memory_used(&memory), before);
    h2o_mem_release_shared(first);
    h2o_mem_release_shared(second);
}
