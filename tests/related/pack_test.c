/* What is packed is read again as it was, and damaged bytes are refused. */
#include <criterion/criterion.h>
#include <string.h>

#include "related/pack.h"

TestSuite(pack, .timeout = 60);

static const struct vector vector = {.term = {4, 9, 0xFFFFFFFC}, .weight = {1.5F, 0, 3}, .n = 3};
static struct posting two[] = {{1, -62135596800000000, 2.5F}, {INT64_C(576460752303423487), 0, 1}};
static const struct postings postings = {.posting = two, .n = 2};

Test(pack, reads_a_vector_as_it_was_written)
{
    char bytes[PACK_VECTOR_BYTES];
    struct vector read;
    size_t n = pack_vector(bytes, &vector);
    cr_expect_eq(n, 24);
    cr_expect(unpack_vector(&read, bytes, n));
    cr_assert_eq(read.n, 3);
    for (unsigned i = 0; i < 3; i++) {
        cr_expect_eq(read.term[i], vector.term[i]);
        cr_expect_eq(read.weight[i], vector.weight[i]);
    }
    cr_expect(unpack_vector(&read, bytes, 0), "an article may have no terms");
    cr_expect_eq(read.n, 0);
}

Test(pack, reads_postings_as_they_were_written)
{
    char bytes[PACK_POSTINGS_BYTES];
    struct postings read = {0};
    size_t n = pack_postings(bytes, &postings);
    cr_expect_eq(n, 40);
    cr_expect(unpack_postings(&read, bytes, n));
    cr_assert_eq(read.n, 2);
    for (unsigned i = 0; i < 2; i++) {
        cr_expect_eq(read.posting[i].article, postings.posting[i].article);
        cr_expect_eq(read.posting[i].published_us, postings.posting[i].published_us);
        cr_expect_eq(read.posting[i].impact, postings.posting[i].impact);
    }
    postings_finish(&read);
}

Test(pack, reads_hashes_up_to_a_bound)
{
    const uint32_t hashes[] = {1, 2, 0xFFFFFFFF};
    uint32_t read[2];
    char bytes[12];
    cr_expect_eq(pack_hashes(bytes, hashes, 3), 12);
    cr_expect_eq(unpack_hashes(read, 2, bytes, 12), 2);
    cr_expect_eq(read[1], 2);
    cr_expect_eq(unpack_hashes(read, 2, bytes, 7), 1, "the rest of 3 bytes is no hash");
}

Test(pack, refuses_damaged_bytes)
{
    char bytes[PACK_VECTOR_BYTES + 8] = {0};
    struct vector v;
    struct postings p = {0};
    size_t n = pack_vector(bytes, &vector);
    cr_expect_not(unpack_vector(&v, bytes, n - 1), "a part of a term");
    cr_expect_not(unpack_vector(&v, bytes, sizeof(bytes)), "too many terms");
    memset(bytes + 8, 0, 4);
    cr_expect_not(unpack_vector(&v, bytes, n), "terms out of order");
    cr_expect_eq(v.n, 0);
    pack_vector(bytes, &vector);
    memset(bytes + 4, 0xFF, 4);
    cr_expect_not(unpack_vector(&v, bytes, n), "a weight that is no number");

    n = pack_postings(bytes, &postings);
    cr_expect_not(unpack_postings(&p, bytes, n + 1), "a part of a posting");
    memset(bytes, 0, 8);
    cr_expect_not(unpack_postings(&p, bytes, n), "no article");
    cr_expect_eq(p.n, 0);
    postings_finish(&p);
}
