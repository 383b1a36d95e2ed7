#include "related/postings.h"

#include <string.h>

static void insert(struct posting *list, unsigned n, unsigned at, struct posting posting)
{
    memmove(&list[at + 1], &list[at], (n - at) * sizeof(*list));
    list[at] = posting;
}

static bool is_heavier(const struct posting *one, const struct posting *other)
{
    if (one->impact != other->impact)
        return one->impact > other->impact;
    return one->article > other->article;
}

static bool is_later(const struct posting *one, const struct posting *other)
{
    if (one->published_us != other->published_us)
        return one->published_us > other->published_us;
    return one->article > other->article;
}

bool postings_add(struct postings *postings, struct posting posting)
{
    struct posting *list = postings->posting;
    unsigned heaviest = postings->n < POSTINGS_HEAVIEST ? postings->n : POSTINGS_HEAVIEST,
             at = heaviest;

    while (at > 0 && is_heavier(&posting, &list[at - 1]))
        at--;
    if (at < POSTINGS_HEAVIEST) {
        struct posting last = list[POSTINGS_HEAVIEST - 1];
        bool is_full = heaviest == POSTINGS_HEAVIEST;
        insert(list, is_full ? heaviest - 1 : heaviest, at, posting);
        if (!is_full) {
            postings->n++;
            return true;
        }
        posting = last; /* perhaps one of the latest */
    }
    unsigned latest = postings->n - POSTINGS_HEAVIEST;
    struct posting *late = list + POSTINGS_HEAVIEST;
    unsigned place = latest;
    while (place > 0 && is_later(&posting, &late[place - 1]))
        place--;
    if (place == POSTINGS_LATEST)
        return at < POSTINGS_HEAVIEST;
    bool is_full = latest == POSTINGS_LATEST;
    insert(late, is_full ? latest - 1 : latest, place, posting);
    postings->n += !is_full;
    return true;
}

bool postings_remove(struct postings *postings, int64_t article)
{
    struct posting *list = postings->posting;

    for (unsigned i = 0; i < postings->n; i++) {
        if (list[i].article != article)
            continue;
        postings->n--;
        memmove(&list[i], &list[i + 1], (postings->n - i) * sizeof(*list));
        /* The newest of the latest has moved to the heaviest: it belongs to its place there. */
        if (i < POSTINGS_HEAVIEST && postings->n >= POSTINGS_HEAVIEST) {
            struct posting moved = list[POSTINGS_HEAVIEST - 1];
            unsigned at = POSTINGS_HEAVIEST - 1;
            while (at > 0 && is_heavier(&moved, &list[at - 1]))
                at--;
            insert(list, POSTINGS_HEAVIEST - 1, at, moved);
        }
        return true;
    }
    return false;
}
