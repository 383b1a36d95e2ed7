#include "related/postings.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void postings_finish(struct postings *postings)
{
    free(postings->posting);
    *postings = (struct postings){0};
}

static void make_room(struct postings *postings, unsigned room)
{
    assert(room <= POSTINGS_MAX);
    if (room <= postings->_room)
        return;
    postings->posting = realloc(postings->posting, room * sizeof(*postings->posting));
    if (postings->posting == NULL)
        abort();
    postings->_room = room;
}

struct posting *postings_reset(struct postings *postings, unsigned room)
{
    make_room(postings, room);
    postings->n = 0;
    return postings->posting;
}

static unsigned larger(unsigned room)
{
    if (room == 0)
        return 1;
    return room < POSTINGS_MAX / 2 ? 2 * room : POSTINGS_MAX;
}

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
    if (postings->n == postings->_room && postings->n < POSTINGS_MAX)
        make_room(postings, larger(postings->_room));
    struct posting *list = postings->posting;
    unsigned heaviest = postings->n < POSTINGS_HEAVIEST ? postings->n : POSTINGS_HEAVIEST,
             at = heaviest;

    while (at > 0 && is_heavier(&posting, &list[at - 1]))
        at--;
    if (at < POSTINGS_HEAVIEST) {
        if (heaviest < POSTINGS_HEAVIEST) {
            insert(list, heaviest, at, posting);
            postings->n++;
            return true;
        }
        struct posting last = list[POSTINGS_HEAVIEST - 1];
        insert(list, heaviest - 1, at, posting);
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
