/* Which items does the cache evict when a crawler reads the whole archive? Readers ask for 20,000
 * articles with the frequencies of Zipf's law. In each minute, a crawler asks once for each
 * article, evenly between the readers' requests. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "bench/cache_policies.h"
#include "bench/random.h"

enum { ARTICLES = 20000, MINUTES = 6, A_MINUTE = 60000 };

static double sum[ARTICLES + 1]; /* [r]: the weights of the first r ranks */
static uint32_t id_of[ARTICLES]; /* by rank: the popular articles are anywhere in the archive */

static void draw_ranks(struct random *rng, double exponent)
{
    for (uint32_t r = 0; r < ARTICLES; r++) {
        sum[r + 1] = sum[r] + pow(r + 1, -exponent);
        uint32_t other = random_below(rng, r + 1);
        id_of[r] = id_of[other];
        id_of[other] = r;
    }
}

static uint32_t reader_asks(struct random *rng)
{
    double x = random_unit(rng) * sum[ARTICLES];
    uint32_t low = 0, high = ARTICLES - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (sum[middle + 1] > x)
            high = middle;
        else
            low = middle + 1;
    }
    return id_of[low];
}

/* The readers' hits in percent, from the second minute on. */
static double hits(int kind, double exponent, uint32_t room, bool has_crawler)
{
    struct random rng = random_of(1);
    struct policy *policy = policies[kind].create(ARTICLES, room);
    unsigned n = 0;
    draw_ranks(&rng, exponent);
    for (uint32_t i = 0; i < MINUTES * A_MINUTE; i++) {
        n += policies[kind].ask(policy, reader_asks(&rng)) && i >= A_MINUTE;
        if (has_crawler && i % (A_MINUTE / ARTICLES) == 0)
            policies[kind].ask(policy, i / (A_MINUTE / ARTICLES) % ARTICLES);
    }
    policies[kind].destroy(policy);
    return 100.0 * n / ((MINUTES - 1) * A_MINUTE);
}

static double lost_to_the_crawler(int kind, uint32_t room)
{
    double without = hits(kind, 0.9, room, false), with = hits(kind, 0.9, room, true);
    cr_log_info("%s, room for %u: %.2f %% without the crawler, %.2f with it", policies[kind].name,
                room, without, with);
    return without - with;
}

TestSuite(cache_scan, .timeout = 60);

Test(cache_scan, loses_at_most_one_point_when_a_crawler_reads_everything_each_minute)
{
    cr_expect_leq(lost_to_the_crawler(POLICY_S3FIFO, ARTICLES / 20), 1.0);
    cr_expect_leq(lost_to_the_crawler(POLICY_S3FIFO, ARTICLES / 10), 1.0);
}

Test(cache_scan, would_lose_more_with_lru)
{
    cr_expect_gt(lost_to_the_crawler(POLICY_LRU, ARTICLES / 20), 3.0);
    cr_expect_gt(lost_to_the_crawler(POLICY_LRU, ARTICLES / 10), 3.0);
}

Test(cache_scan, hits_within_two_points_of_the_best_policy_without_a_crawler)
{
    const double exponents[] = {0.7, 0.9, 1.1};
    for (size_t i = 0; i < 3; i++) {
        double ours = hits(POLICY_S3FIFO, exponents[i], ARTICLES / 20, false);
        for (int kind = 0; kind < NPOLICIES; kind++) {
            double theirs = hits(kind, exponents[i], ARTICLES / 20, false);
            cr_expect_geq(ours, theirs - 2, "Zipf %.1f: %.2f %%, and %s %.2f %%", exponents[i],
                          ours, policies[kind].name, theirs);
        }
    }
}

/* Checks the reference policies. In a loop over one more item than fits, LRU and FIFO never hit,
 * and the best policy misses one item in each turn. */
Test(cache_scan, is_compared_with_policies_that_are_right_about_a_loop)
{
    enum { ROOM = 50, N = 51 * 100 };
    static uint32_t ids[N];
    static bool hit[N];
    size_t best = 0, fifo = 0, lru = 0;
    struct policy *f = policies[POLICY_FIFO].create(51, ROOM),
                  *l = policies[POLICY_LRU].create(51, ROOM);
    for (uint32_t i = 0; i < N; i++) {
        ids[i] = i % 51;
        fifo += policies[POLICY_FIFO].ask(f, ids[i]);
        lru += policies[POLICY_LRU].ask(l, ids[i]);
    }
    policies[POLICY_FIFO].destroy(f);
    policies[POLICY_LRU].destroy(l);
    belady(ids, N, 51, ROOM, hit);
    for (uint32_t i = 0; i < N; i++)
        best += hit[i];
    cr_expect_eq(fifo, 0);
    cr_expect_eq(lru, 0);
    cr_expect_eq(best, 99 * 50, "%zu", best);
}
