#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/counter.h"
#include "db/pool_stats.h"
#include "server/metrics.h"

static const struct histogram_bounds bounds = {3, {10, 20, 40}};

struct value_case {
    uint64_t value;
    unsigned bucket;
};

ParameterizedTestParameters(counter, puts_a_value_under_the_first_bound_that_holds_it)
{
    static struct value_case cases[] = {
        {0, 0},  {9, 0},  {10, 0}, {11, 1},         {20, 1},        {21, 2},
        {39, 2}, {40, 2}, {41, 3}, {1000000000, 3}, {INT64_MAX, 3},
    };
    return cr_make_param_array(struct value_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct value_case *c, counter, puts_a_value_under_the_first_bound_that_holds_it)
{
    struct histogram h = {0};
    histogram_add(&h, &bounds, c->value);
    for (unsigned i = 0; i <= HISTOGRAM_MAX_BOUNDS; i++)
        cr_expect_eq(counter_get(&h.bucket[i]), i == c->bucket, "%lu: bucket %u",
                     (unsigned long)c->value, i);
    cr_expect_eq(counter_get(&h.sum), c->value);
}

Test(counter, adds_up_the_values_of_a_histogram)
{
    struct histogram h = {0};
    for (uint64_t i = 0; i <= 50; i++)
        histogram_add(&h, &bounds, i);
    cr_expect_eq(counter_get(&h.bucket[0]), 11);
    cr_expect_eq(counter_get(&h.bucket[1]), 10);
    cr_expect_eq(counter_get(&h.bucket[2]), 20);
    cr_expect_eq(counter_get(&h.bucket[3]), 10);
    cr_expect_eq(counter_get(&h.sum), 50 * 51 / 2);
}

Test(counter, has_a_bucket_above_as_many_bounds_as_there_may_be)
{
    struct histogram_bounds most = {.n = HISTOGRAM_MAX_BOUNDS};
    for (size_t i = 0; i < most.n; i++)
        most.bound[i] = i + 1;
    struct histogram h = {0};
    histogram_add(&h, &most, HISTOGRAM_MAX_BOUNDS);
    histogram_add(&h, &most, HISTOGRAM_MAX_BOUNDS + 1);
    cr_expect_eq(counter_get(&h.bucket[HISTOGRAM_MAX_BOUNDS - 1]), 1);
    cr_expect_eq(counter_get(&h.bucket[HISTOGRAM_MAX_BOUNDS]), 1);
}

Test(counter, has_bounds_that_ascend)
{
    const struct histogram_bounds *all[] = {&db_batch_bounds, &db_wait_bounds_us,
                                            &metrics_latency_bounds_us};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        cr_assert(all[i]->n >= 1 && all[i]->n <= HISTOGRAM_MAX_BOUNDS);
        for (size_t b = 1; b < all[i]->n; b++)
            cr_expect_gt(all[i]->bound[b], all[i]->bound[b - 1]);
    }
}

Test(counter, goes_up_and_down)
{
    struct counter c = {0};
    counter_add(&c, 5);
    counter_sub(&c, 2);
    cr_expect_eq(counter_get(&c), 3);
    counter_set(&c, 100);
    cr_expect_eq(counter_get(&c), 100);
}

enum { ADDED = 200000 };
static struct counter shared;

static void *add_all(void *unused)
{
    (void)unused;
    for (int i = 0; i < ADDED; i++)
        counter_add(&shared, 1);
    return NULL;
}

Test(counter, is_read_by_another_thread_while_it_grows)
{
    pthread_t writer;
    cr_assert_eq(pthread_create(&writer, NULL, add_all, NULL), 0);
    for (uint64_t before = 0, now = 0; now < ADDED; before = now) {
        now = counter_get(&shared);
        cr_assert(now >= before && now <= ADDED, "it never goes back");
    }
    pthread_join(writer, NULL);
}

Test(counter, has_a_clock_that_never_goes_back)
{
    uint64_t before = clock_us();
    for (int i = 0; i < 10000; i++) {
        uint64_t now = clock_us();
        cr_assert(now >= before);
        before = now;
    }
}
