#include "related/rank.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 8192 }; /* more than twice the articles of RANK_TERMS postings: a power of two */

/* Found with several archives; docs/related.md has the figures. */
static const float half_life_days = 730; /* the nearness in time is 1 / sqrt(2) there */
static const float later_share =
    0.75F; /* readers want earlier articles more often than later ones */
static const float recent_boost = 0.3F; /* for articles of the same days */
static const float recent_days = 7;
static const float section_boost = 0.05F;
static const float other_language = 0.1F;
static const float breadth_power = 0.3F; /* articles that are near to everything count less */
static const float least_share =
    0.04F; /* of the article's own score: below, a card is wrong as often as right */
static const float alike_overlap = 0.5F; /* from here on, two texts may be the same story */
static const float alike_score = 0.5F;   /* two versions of a story have similar scores */

void candidates_init(struct candidates *candidates)
{
    *candidates = (struct candidates){._article = calloc(SLOTS, sizeof(*candidates->_article)),
                                      ._sum = calloc(SLOTS, sizeof(*candidates->_sum)),
                                      ._used = calloc(SLOTS, sizeof(*candidates->_used))};
    if (candidates->_article == NULL || candidates->_sum == NULL || candidates->_used == NULL)
        abort();
}

void candidates_finish(struct candidates *candidates)
{
    free(candidates->_article);
    free(candidates->_sum);
    free(candidates->_used);
}

void candidates_clear(struct candidates *candidates)
{
    for (unsigned i = 0; i < candidates->_n; i++)
        candidates->_article[candidates->_used[i]] = 0;
    candidates->_n = 0;
}

void candidates_add(struct candidates *candidates, int64_t article, float score)
{
    size_t slot = ((uint64_t)article * 0x9E3779B97F4A7C15u) >> 51;

    while (candidates->_article[slot] != 0 && candidates->_article[slot] != article)
        slot = (slot + 1) % SLOTS;
    if (candidates->_article[slot] == 0) {
        if (candidates->_n == SLOTS / 2)
            return;
        candidates->_article[slot] = article;
        candidates->_sum[slot] = 0;
        candidates->_used[candidates->_n++] = (uint16_t)slot;
    }
    candidates->_sum[slot] += score;
}

struct sum {
    int64_t article;
    float sum;
};

/* The later article is better among equals. */
static bool is_better(const struct sum *one, const struct sum *other)
{
    if (one->sum != other->sum)
        return one->sum > other->sum;
    return one->article > other->article;
}

unsigned candidates_best(struct candidates *candidates, unsigned most, int64_t *ret_articles)
{
    struct sum best[RANK_NEIGHBOURS + 1];
    unsigned n = 0;

    assert(most >= 1 && most <= RANK_NEIGHBOURS);

    for (unsigned i = 0; i < candidates->_n; i++) {
        uint16_t slot = candidates->_used[i];
        struct sum sum = {candidates->_article[slot], candidates->_sum[slot]};
        if (n == most && !is_better(&sum, &best[n - 1]))
            continue;
        unsigned at = n;
        for (; at > 0 && is_better(&sum, &best[at - 1]); at--)
            best[at] = best[at - 1];
        best[at] = sum;
        n += n < most;
    }
    for (unsigned i = 0; i < n; i++)
        ret_articles[i] = best[i].article;
    return n;
}

static float total_of(const struct score *score)
{
    return likeness_sum(score->likeness) * score->nearness * score->recent * score->section *
           score->language / score->breadth;
}

static struct score score_of(struct likeness likeness, const struct profile *own,
                             const struct profile *other)
{
    float days = fabsf((float)(other->published_us - own->published_us) / 86400e6F);
    struct score score = {
        .likeness = likeness,
        .nearness = (other->published_us > own->published_us ? later_share : 1) /
                    sqrtf(1 + days / half_life_days),
        .recent = 1 + recent_boost * expf(-days / recent_days),
        .section = other->section_id == own->section_id ? 1 + section_boost : 1,
        .language = strcmp(other->language, own->language) == 0 ? 1 : other_language,
        .breadth = powf(fmaxf(other->self, 1), breadth_power),
    };
    score.total = total_of(&score);
    return score;
}

struct score rank_score(const struct query *query, const struct profile *article,
                        const struct vector *other, const struct profile *candidate)
{
    return score_of(query_compare(query, other), article, candidate);
}

float rank_back_score(const struct score *score, const struct profile *article,
                      const struct profile *candidate)
{
    float back = score_of(score->likeness, candidate, article).total;
    return back >= least_share * rank_own_score(candidate->self) ? back : 0;
}

float rank_impact(float weight, float self)
{
    return weight / powf(fmaxf(self, 1), breadth_power);
}

float rank_own_score(float self)
{
    return self / powf(fmaxf(self, 1), breadth_power);
}

static int by_score(const void *a, const void *b)
{
    const struct finalist *one = a, *other = b;

    if (one->score.total != other->score.total)
        return one->score.total > other->score.total ? -1 : 1;
    return (other->profile->id > one->profile->id) - (other->profile->id < one->profile->id);
}

/* shared: the number of terms that both have. */
static bool may_be_same_story(const struct finalist *one, const struct finalist *other,
                              unsigned shared)
{
    unsigned least = one->vector->n < other->vector->n ? one->vector->n : other->vector->n;
    return one->profile->title_hash == other->profile->title_hash ||
           (float)shared >= alike_overlap * (float)least;
}

static unsigned count_shared(const struct vector *one, const struct vector *other)
{
    unsigned shared = 0;

    for (unsigned i = 0, j = 0; i < one->n && j < other->n;) {
        uint32_t a = one->term[i], b = other->term[j];
        shared += a == b;
        i += a <= b;
        j += b <= a;
    }
    return shared;
}

/* The terms of a vector as bits: a bound for the number of terms that two vectors share costs a few operations. */
struct bits {
    uint64_t word[16];
    unsigned lost; /* terms whose bit another term has set already */
};

static void set_bits(struct bits *bits, const struct vector *vector)
{
    *bits = (struct bits){0};
    for (unsigned i = 0; i < vector->n; i++) {
        uint32_t bit = vector->term[i] >> 2 & 1023;
        uint64_t mask = UINT64_C(1) << (bit & 63);
        bits->lost += (bits->word[bit >> 6] & mask) != 0;
        bits->word[bit >> 6] |= mask;
    }
}

/* Two vectors share no more terms than this. */
static unsigned most_shared(const struct bits *one, const struct bits *other)
{
    unsigned n = one->lost < other->lost ? one->lost : other->lost;

    for (size_t i = 0; i < sizeof(one->word) / sizeof(one->word[0]); i++)
        n += (unsigned)__builtin_popcountll(one->word[i] & other->word[i]);
    return n;
}

/* The place of the card that is the same story; n: none is. */
static unsigned same_card(const struct finalist *finalists, const struct bits *bits,
                          const unsigned *cards, unsigned n, unsigned candidate,
                          struct rank_stories *stories)
{
    const struct finalist *other = &finalists[candidate];
    unsigned i = 0;

    for (; i < n; i++) {
        const struct finalist *card = &finalists[cards[i]];
        if (other->score.total >= alike_score * card->score.total &&
            may_be_same_story(card, other, most_shared(&bits[cards[i]], &bits[candidate])) &&
            may_be_same_story(card, other, count_shared(card->vector, other->vector)) &&
            stories->are_same(stories, (int)cards[i], (int)candidate))
            break;
    }
    return i;
}

unsigned rank_choose(const struct query *query, const struct profile *article,
                     struct finalist *finalists, unsigned n, struct rank_stories *stories,
                     unsigned ret_cards[RANK_CARDS])
{
    const struct finalist own = {.vector = query->vector, .profile = article};
    float least = least_share * rank_own_score(query->self);
    struct bits bits[RANK_FINALISTS];
    unsigned ncards = 0;

    assert(n <= RANK_FINALISTS);

    qsort(finalists, n, sizeof(*finalists), by_score);
    for (unsigned i = 0; i < n; i++) {
        const struct finalist *f = &finalists[i];
        if (f->score.total < least)
            break;
        set_bits(&bits[i], f->vector);
        if (may_be_same_story(&own, f, f->score.likeness.terms) &&
            stories->are_same(stories, -1, (int)i))
            continue;
        unsigned same = same_card(finalists, bits, ret_cards, ncards, i, stories);
        if (same < ncards) {
            if (f->profile->published_us > finalists[ret_cards[same]].profile->published_us)
                ret_cards[same] = i;
        } else if (ncards < RANK_CARDS) {
            ret_cards[ncards++] = i;
        }
    }
    return ncards;
}
