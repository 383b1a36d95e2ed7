/* Why an answer that is kept, or joined, is never older than the changes that this thread knows. C is a
 * change, L is a look-up of an entity that C concerns. One thread: no two steps overlap.
 *
 *   C reported, L begins             The snapshot of L is younger than C, since a change is reported after
 *                                    its commit.
 *   L begins, C reported, L ends     C raised freshness.seq above L's `since`. L is not kept, although it
 *                                    may have seen C. Its waiters came before C was reported, and get it.
 *                                    A later request does not join (`since` is old): a new look-up begins.
 *   L begins, L ends, C reported     L is kept with its dependencies; C drops it.
 *   C is never reported              Nothing is confirmed any more: from max_stale on, kept answers are not
 *                                    shown, and a look-up that began longer ago is not joined.
 *   "everything" reported            As C, for every entity.
 *
 * The first line requires that the queries of L are sent after `since` was read. */
#include "server/lookup.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/container_of.h"
#include "server/service.h"

static struct lookup *find(struct service *service, const struct answer_key *key, uint64_t now_us);
static struct lookup *begin(struct service *service, const struct resource *resource,
                            const struct answer_key *key, int64_t id, uint64_t now_us);

void lookup_wait_start(struct lookup_waiter *waiter, struct service *service,
                       const struct resource *resource, const struct answer_key *key, int64_t id,
                       unsigned part, lookup_waiter_done_fn *done)
{
    assert(resource->nparts <= 32 && part < resource->nparts && waiter->_lookup == NULL);
    uint64_t now_us = clock_us();
    struct lookup *lookup = find(service, key, now_us);
    bool has_joined = lookup != NULL;
    if (!has_joined)
        lookup = begin(service, resource, key, id, now_us);
    assert(lookup->resource == resource && lookup->id == id);

    lookup->_asked |= 1u << part;
    *waiter = (struct lookup_waiter){._done = done, ._part = part, ._lookup = lookup};
    h2o_linklist_insert(&lookup->_waiters, &waiter->_link);
    if (!has_joined) {
        resource->start(lookup);
        return;
    }
    counter_add(&service->answers.stats.joined, 1);
    if (resource->on_joined != NULL)
        resource->on_joined(lookup);
}

/* A look-up that may be joined. One that is too old is closed, and ends for the waiters that it has. */
static struct lookup *find(struct service *service, const struct answer_key *key, uint64_t now_us)
{
    struct answer_cache *cache = &service->answers;
    struct table_node *node = table_find(&cache->_lookups, key->number);
    if (node == NULL)
        return NULL;
    struct lookup *lookup = container_of(node, struct lookup, _node);
    bool is_fresh = freshness_is_confirmed(&cache->freshness, now_us)
                        ? lookup->since == cache->freshness.seq
                        : now_us - lookup->began_us < cache->max_stale_us;
    if (is_fresh && answer_key_is(&lookup->key, key))
        return lookup;
    lookup_close(lookup);
    return NULL;
}

static struct lookup *begin(struct service *service, const struct resource *resource,
                            const struct answer_key *key, int64_t id, uint64_t now_us)
{
    assert(resource->lookup_size >= sizeof(struct lookup));
    struct lookup *lookup = h2o_mem_alloc(resource->lookup_size);
    memset(lookup, 0, resource->lookup_size);
    *lookup = (struct lookup){
        .resource = resource,
        .service = service,
        .key = *key,
        .id = id,
        .since = service->answers.freshness.seq,
        .began_us = now_us,
        ._may_be_joined = true,
    };
    if (key->text.len > 0)
        lookup->key.text = h2o_strdup(NULL, key->text.base, key->text.len);
    h2o_linklist_init_anchor(&lookup->_waiters);
    h2o_linklist_insert(&service->answers._all_lookups, &lookup->_link);
    table_insert(&service->answers._lookups, &lookup->_node, key->number);
    return lookup;
}

bool lookup_has_waiters(const struct lookup *lookup, unsigned part)
{
    const h2o_linklist_t *waiters = &lookup->_waiters;
    for (const h2o_linklist_t *link = waiters->next; link != waiters; link = link->next) {
        if (container_of(link, struct lookup_waiter, _link)->_part == part)
            return true;
    }
    return false;
}

bool lookup_was_asked(const struct lookup *lookup, unsigned part)
{
    return (lookup->_asked & 1u << part) != 0;
}

void lookup_close(struct lookup *lookup)
{
    if (lookup->_may_be_joined)
        table_remove(&lookup->service->answers._lookups, &lookup->_node);
    lookup->_may_be_joined = false;
}

/* A waiter that is told may start to wait again, and may cancel other waiters. So the waiters of this call are
 * on a list of their own. */
void lookup_tell(struct lookup *lookup, unsigned part, const struct lookup_result *result)
{
    assert((result->answer != NULL) == (result->error == DB_OK));
    h2o_linklist_t told, *waiters = &lookup->_waiters;
    h2o_linklist_init_anchor(&told);
    for (h2o_linklist_t *link = waiters->next, *next; link != waiters; link = next) {
        next = link->next;
        if (container_of(link, struct lookup_waiter, _link)->_part != part)
            continue;
        h2o_linklist_unlink(link);
        h2o_linklist_insert(&told, link);
    }
    lookup->_telling++;
    while (!h2o_linklist_is_empty(&told)) {
        struct lookup_waiter *waiter = container_of(told.next, struct lookup_waiter, _link);
        h2o_linklist_unlink(&waiter->_link);
        waiter->_lookup = NULL;
        waiter->_done(waiter, result);
    }
    lookup->_telling--;
}

void lookup_fail(struct lookup *lookup, enum db_error error, const char *message)
{
    lookup_close(lookup);
    for (unsigned part = 0; part < lookup->resource->nparts; part++)
        lookup_tell(lookup, part, &(struct lookup_result){.error = error, .message = message});
    lookup_end(lookup);
}

void lookup_wait_cancel(struct lookup_waiter *waiter)
{
    struct lookup *lookup = waiter->_lookup;
    if (lookup == NULL)
        return;
    waiter->_lookup = NULL;
    h2o_linklist_unlink(&waiter->_link);
    if (!h2o_linklist_is_empty(&lookup->_waiters) || lookup->_telling > 0 || lookup->goes_on)
        return;
    lookup_end(lookup);
}

void lookup_end(struct lookup *lookup)
{
    assert(h2o_linklist_is_empty(&lookup->_waiters) && lookup->_telling == 0);
    lookup_close(lookup);
    h2o_linklist_unlink(&lookup->_link);
    lookup->resource->cancel(lookup);
    free(lookup->key.text.base);
    free(lookup);
}

void lookup_cancel_all(struct answer_cache *cache)
{
    while (!h2o_linklist_is_empty(&cache->_all_lookups)) {
        struct lookup *lookup = container_of(cache->_all_lookups.next, struct lookup, _link);
        for (h2o_linklist_t *link = lookup->_waiters.next, *next; link != &lookup->_waiters;
             link = next) {
            next = link->next;
            container_of(link, struct lookup_waiter, _link)->_lookup = NULL;
            h2o_linklist_unlink(link);
        }
        lookup_end(lookup);
    }
}
