/* FIFO, LRU and SIEVE have one list each. ARC has two, and two for ids that it has evicted. S3-FIFO is the
 * cache of the program. Belady's policy has a heap. */
#include "bench/cache_policies.h"

#include <assert.h>
#include <stdlib.h>

#include "cache/cache.h"

static void *zeroed(size_t n, size_t bytes)
{
    void *p = calloc(n > 0 ? n : 1, bytes);
    if (p == NULL)
        abort();
    return p;
}

/* ---- lists of ids: an id is on one of them, or on none */

enum { MAX_LISTS = 4, NOWHERE = MAX_LISTS };

struct place {
    uint32_t newer, older; /* in a circle of the ids and of the list itself (nids + list) */
    uint8_t list;
    bool is_visited; /* SIEVE */
};

struct policy {
    uint32_t nids, room;
    struct place *at; /* nids, and the lists */
    uint32_t n[MAX_LISTS];
    uint32_t hand;   /* SIEVE: an id, or its list */
    uint32_t target; /* ARC: of the first list's length */
    struct cache cache;
};

static struct policy *create_lists(uint32_t nids, uint32_t room)
{
    assert(nids < UINT32_MAX - MAX_LISTS && room >= 1);
    struct policy *p = zeroed(1, sizeof(*p));
    *p = (struct policy){.nids = nids, .room = room, .hand = nids};
    p->at = zeroed((size_t)nids + MAX_LISTS, sizeof(p->at[0]));
    for (uint32_t id = 0; id < nids; id++)
        p->at[id].list = NOWHERE;
    for (uint32_t list = nids; list < nids + MAX_LISTS; list++)
        p->at[list].newer = p->at[list].older = list;
    return p;
}

static void destroy_lists(struct policy *p)
{
    free(p->at);
    free(p);
}

static void put(struct policy *p, uint32_t id, uint8_t list)
{
    uint32_t head = p->nids + list, newest = p->at[head].older;
    p->at[id] = (struct place){.newer = head, .older = newest, .list = list};
    p->at[newest].newer = id;
    p->at[head].older = id;
    p->n[list]++;
}

static void remove_id(struct policy *p, uint32_t id)
{
    const struct place *place = &p->at[id];
    p->n[place->list]--;
    p->at[place->newer].older = place->older;
    p->at[place->older].newer = place->newer;
    p->at[id].list = NOWHERE;
}

static uint32_t oldest(const struct policy *p, uint8_t list)
{
    return p->at[p->nids + list].newer;
}

static bool ask_fifo(struct policy *p, uint32_t id)
{
    if (p->at[id].list == 0)
        return true;
    if (p->n[0] == p->room)
        remove_id(p, oldest(p, 0));
    put(p, id, 0);
    return false;
}

static bool ask_lru(struct policy *p, uint32_t id)
{
    bool is_hit = p->at[id].list == 0;
    if (is_hit)
        remove_id(p, id);
    else if (p->n[0] == p->room)
        remove_id(p, oldest(p, 0));
    put(p, id, 0);
    return is_hit;
}

/* Zhang et al., "SIEVE is simpler than LRU", NSDI 2024. The hand moves from old to new. */
static bool ask_sieve(struct policy *p, uint32_t id)
{
    if (p->at[id].list == 0) {
        p->at[id].is_visited = true;
        return true;
    }
    if (p->n[0] == p->room) {
        uint32_t victim = p->hand;
        while (victim == p->nids || p->at[victim].is_visited) {
            p->at[victim].is_visited = false;
            victim = p->at[victim].newer;
        }
        p->hand = p->at[victim].newer;
        remove_id(p, victim);
    }
    put(p, id, 0);
    return false;
}

/* ---- ARC: Megiddo and Modha, FAST 2003, figure 4, with the names of the paper */

enum { T1, T2, B1, B2 };

static uint32_t at_most(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void move_oldest(struct policy *p, uint8_t from, uint8_t to)
{
    uint32_t id = oldest(p, from);
    remove_id(p, id);
    put(p, id, to);
}

static void replace(struct policy *p, bool is_in_b2)
{
    if (p->n[T1] > 0 && (p->n[T1] > p->target || (is_in_b2 && p->n[T1] == p->target)))
        move_oldest(p, T1, B1);
    else
        move_oldest(p, T2, B2);
}

static void make_room_for_new(struct policy *p)
{
    uint32_t seen = p->n[T1] + p->n[T2] + p->n[B1] + p->n[B2];
    if (p->n[T1] + p->n[B1] == p->room) {
        bool has_evicted = p->n[T1] < p->room;
        remove_id(p, oldest(p, has_evicted ? B1 : T1));
        if (has_evicted)
            replace(p, false);
    } else if (seen >= p->room) {
        if (seen == 2 * p->room)
            remove_id(p, oldest(p, B2));
        replace(p, false);
    }
}

static bool ask_arc(struct policy *p, uint32_t id)
{
    uint8_t list = p->at[id].list;
    if (list == B1)
        p->target = at_most(p->room, p->target + (p->n[B2] > p->n[B1] ? p->n[B2] / p->n[B1] : 1));
    else if (list == B2)
        p->target -= at_most(p->target, p->n[B1] > p->n[B2] ? p->n[B1] / p->n[B2] : 1);
    if (list == B1 || list == B2)
        replace(p, list == B2);
    else if (list == NOWHERE)
        make_room_for_new(p);
    if (list != NOWHERE)
        remove_id(p, id);
    put(p, id, list == NOWHERE ? T1 : T2);
    return list == T1 || list == T2;
}

/* ---- the program's cache: the objects are so large that its own memory for each does not count */

enum { OBJECT_BYTES = 1 << 20, OWN_BYTES = 512 };

static void on_evicted(struct cache *cache, struct cache_item *item)
{
    (void)cache;
    free(item);
}

static struct policy *create_ours(uint32_t nids, uint32_t room)
{
    struct policy *p = zeroed(1, sizeof(*p));
    (void)nids;
    cache_init(&p->cache, (size_t)room * (OBJECT_BYTES + OWN_BYTES), on_evicted);
    return p;
}

static bool ask_ours(struct policy *p, uint32_t id)
{
    if (cache_find(&p->cache, id) != NULL)
        return true;
    cache_insert(&p->cache, zeroed(1, sizeof(struct cache_item)), id, OBJECT_BYTES, NULL, 0);
    return false;
}

static void destroy_ours(struct policy *p)
{
    cache_finish(&p->cache);
    free(p);
}

const struct policy_class policies[NPOLICIES] = {
    [POLICY_FIFO] = {"FIFO", create_lists, ask_fifo, destroy_lists},
    [POLICY_LRU] = {"LRU", create_lists, ask_lru, destroy_lists},
    [POLICY_SIEVE] = {"SIEVE", create_lists, ask_sieve, destroy_lists},
    [POLICY_ARC] = {"ARC", create_lists, ask_arc, destroy_lists},
    [POLICY_S3FIFO] = {"S3-FIFO", create_ours, ask_ours, destroy_ours},
};

/* ---- Belady: a heap of the next uses of the kept ids, the latest use on top. A request for an id makes its
 * entry old. An old entry has a use in the past, so it never is on top while a later one exists. */

struct heap {
    size_t n, *next_use;
};

static void heap_push(struct heap *heap, size_t next_use)
{
    size_t i = heap->n++;
    for (; i > 0 && heap->next_use[(i - 1) / 2] < next_use; i = (i - 1) / 2)
        heap->next_use[i] = heap->next_use[(i - 1) / 2];
    heap->next_use[i] = next_use;
}

static size_t heap_pop(struct heap *heap)
{
    size_t top = heap->next_use[0], last = heap->next_use[--heap->n], i = 0;
    for (size_t child; (child = 2 * i + 1) < heap->n; i = child) {
        if (child + 1 < heap->n && heap->next_use[child + 1] > heap->next_use[child])
            child++;
        if (heap->next_use[child] <= last)
            break;
        heap->next_use[i] = heap->next_use[child];
    }
    heap->next_use[i] = last;
    return top;
}

/* next[i]: the next request for the id of request i; a unique number of n or more where there is none. */
static size_t *next_uses(const uint32_t *ids, size_t n, uint32_t nids)
{
    size_t *next = zeroed(n, sizeof(*next)), *seen = zeroed(nids, sizeof(*seen));
    for (size_t id = 0; id < nids; id++)
        seen[id] = n + id;
    for (size_t i = n; i-- > 0;) {
        next[i] = seen[ids[i]];
        seen[ids[i]] = i;
    }
    free(seen);
    return next;
}

/* Does not keep an id without a next use, or with a later next use than all kept ids. */
void belady(const uint32_t *ids, size_t n, uint32_t nids, uint32_t room, bool *hit)
{
    size_t *next = next_uses(ids, n, nids), nkept = 0;
    bool *is_kept = zeroed(nids, sizeof(*is_kept));
    struct heap heap = {.next_use = zeroed(n, sizeof(size_t))};
    for (size_t i = 0; i < n; i++) {
        hit[i] = is_kept[ids[i]];
        nkept -= hit[i];
        is_kept[ids[i]] = false;
        if (next[i] >= n)
            continue;
        if (nkept == room) {
            if (heap.next_use[0] <= next[i])
                continue;
            is_kept[ids[heap_pop(&heap)]] = false;
            nkept--;
        }
        is_kept[ids[i]] = true;
        nkept++;
        heap_push(&heap, next[i]);
    }
    free(heap.next_use);
    free(is_kept);
    free(next);
}
