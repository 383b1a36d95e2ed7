/*     article_wait_start --> join, or begin_lookup --> [both look-ups] on_looked_up --> keep --> done, done ...
 *
 * Why no answer that is kept, or joined, is older than what this loop was told, whatever the order in
 * which a change C of an article and a look-up L of it happen (one thread: no two steps overlap):
 *
 *   told C, L begins            L's snapshot is younger than C, for what is told has been committed.
 *   L begins, told C, L lands   C raised freshness.seq above L's `since`: L is not kept, though it may
 *                               have seen C. That C touches a card alone is no matter: the list's
 *                               ids are asked for too, now that they are known. L's own waiters began
 *                               before C was told, and get it; who comes after C was told does not
 *                               join (its `since` is old) but takes off anew.
 *   L begins, L lands, told C   L is kept, with its dependencies; C drops it, should it not have seen C.
 *   told C never                nothing vouches any more; what is kept is not shown from max_stale on,
 *                               and a lookup that began longer ago is not joined.
 *   told "everything"           as C, for every article.
 *
 * The queries of L are sent after `since` was read: that is what the first line rests on. */
#include "handlers/article_lookup.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/container_of.h"

enum { ABSENT_FOR_US = 10 * 1000 * 1000 };

struct article_lookup {
    struct table_node node; /* by id, while it may be joined */
    bool may_be_found, has_ended;
    struct answer_cache *answers;
    int64_t id;
    uint64_t since, began_us;
    struct article_fetch fetch;
    h2o_linklist_t waiters;
};

static struct article_lookup *find(struct answer_cache *store, int64_t id, uint64_t now_us);
static struct article_lookup *begin_lookup(struct answer_cache *store, struct db_pool *pool,
                                           int64_t id, uint64_t now_us);
static article_fetch_done_fn on_looked_up;
static struct answer *make_answer(const struct article_fetch *found, enum article_part part);
static void keep(struct article_lookup *lookup, struct answer *answer, enum article_part part);
static void hide(struct article_lookup *lookup);
static void destroy(struct article_lookup *lookup);

void article_wait_start(struct article_waiter *waiter, struct answer_cache *store,
                        struct db_pool *pool, int64_t id, enum article_part part,
                        article_waiter_done_fn *done)
{
    uint64_t now_us = clock_us();
    struct article_lookup *lookup = find(store, id, now_us);
    if (lookup != NULL)
        counter_add(&store->stats.joined, 1);
    else
        lookup = begin_lookup(store, pool, id, now_us);
    *waiter = (struct article_waiter){._done = done, ._part = part, ._lookup = lookup};
    h2o_linklist_insert(&lookup->waiters, &waiter->_link);
}

/* One that may be joined; one that may not any more is hidden, to land for those that it has. */
static struct article_lookup *find(struct answer_cache *store, int64_t id, uint64_t now_us)
{
    struct table_node *node = table_find(&store->lookups, (uint64_t)id);
    if (node == NULL)
        return NULL;
    struct article_lookup *lookup = container_of(node, struct article_lookup, node);
    bool is_fresh = freshness_is_confirmed(&store->freshness, now_us)
                        ? lookup->since == store->freshness.seq
                        : now_us - lookup->began_us < store->max_stale_us;
    if (is_fresh)
        return lookup;
    hide(lookup);
    return NULL;
}

static struct article_lookup *begin_lookup(struct answer_cache *store, struct db_pool *pool,
                                           int64_t id, uint64_t now_us)
{
    struct article_lookup *lookup = h2o_mem_alloc(sizeof(*lookup));
    *lookup = (struct article_lookup){
        .answers = store,
        .may_be_found = true,
        .id = id,
        .since = store->freshness.seq,
        .began_us = now_us,
    };
    h2o_linklist_init_anchor(&lookup->waiters);
    table_insert(&store->lookups, &lookup->node, (uint64_t)id);
    article_fetch_start(&lookup->fetch, pool, id, on_looked_up);
    return lookup;
}

static void on_looked_up(struct article_fetch *fetch)
{
    struct article_lookup *lookup = container_of(fetch, struct article_lookup, fetch);
    struct answer *answers[ARTICLE_NPARTS] = {NULL};
    hide(lookup);
    lookup->has_ended = true;

    while (!h2o_linklist_is_empty(&lookup->waiters)) {
        struct article_waiter *waiter =
            container_of(lookup->waiters.next, struct article_waiter, _link);
        struct answer **answer = &answers[waiter->_part];
        if (*answer == NULL) {
            *answer = make_answer(fetch, waiter->_part);
            if (*answer != NULL)
                keep(lookup, *answer, waiter->_part);
        }
        h2o_linklist_unlink(&waiter->_link);
        waiter->_lookup = NULL;
        waiter->_done(waiter, fetch, *answer);
    }
    for (enum article_part part = 0; part < ARTICLE_NPARTS; part++) {
        if (answers[part] != NULL)
            h2o_mem_release_shared(answers[part]);
    }
    destroy(lookup);
}

static struct answer *make_answer(const struct article_fetch *found, enum article_part part)
{
    h2o_iovec_t whole[] = {
        {H2O_STRLIT("{\"article\":")}, found->article,     {H2O_STRLIT(",\"related_articles\":[")},
        found->related.cards,          {H2O_STRLIT("]}")},
    };
    h2o_iovec_t related[] = {
        {H2O_STRLIT("{\"related_articles\":[")},
        found->related.cards,
        {H2O_STRLIT("]}")},
    };
    struct answer *answer = NULL;

    switch (found->outcome) {
    case ARTICLE_FOUND:
        if (part == ARTICLE_WHOLE)
            answer = answer_create(whole, sizeof(whole) / sizeof(whole[0]));
        else if (found->related_error == DB_OK)
            answer = answer_create(related, sizeof(related) / sizeof(related[0]));
        if (answer != NULL)
            answer->related_error = found->related_error;
        return answer;
    case ARTICLE_ABSENT:
        return answer_create_empty(ANSWER_ABSENT);
    case ARTICLE_WITHDRAWN:
        return answer_create_empty(ANSWER_WITHDRAWN);
    case ARTICLE_NOT_KNOWN:
        break;
    }
    return NULL;
}

/* What is not there is kept for some seconds only, so that who tries many ids finds little of the memory
 * his. A list that could not be had is not kept at all. */
static void keep(struct article_lookup *lookup, struct answer *answer, enum article_part part)
{
    if (answer->related_error != DB_OK)
        return;
    if (answer->kind != ANSWER_OK)
        answer->stale_at_us = clock_us() + ABSENT_FOR_US;

    const struct related_text *related = &lookup->fetch.related;
    int64_t dependencies[1 + ARTICLE_MAX_CARDS] = {lookup->id};
    size_t n = 1;
    for (size_t i = 0; answer->kind == ANSWER_OK && i < related->n; i++)
        dependencies[n++] = related->ids[i];
    answer_cache_keep(lookup->answers, article_key(lookup->id, part), answer, dependencies, n,
                      lookup->since);
}

void article_wait_cancel(struct article_waiter *waiter)
{
    struct article_lookup *lookup = waiter->_lookup;
    if (lookup == NULL)
        return;
    waiter->_lookup = NULL;
    h2o_linklist_unlink(&waiter->_link);
    /* Where it has landed, on_looked_up() is up the stack, and ends it. */
    if (!h2o_linklist_is_empty(&lookup->waiters) || lookup->has_ended)
        return;
    hide(lookup);
    destroy(lookup);
}

/* Nobody joins it any more. */
static void hide(struct article_lookup *lookup)
{
    if (lookup->may_be_found)
        table_remove(&lookup->answers->lookups, &lookup->node);
    lookup->may_be_found = false;
}

static void destroy(struct article_lookup *lookup)
{
    article_fetch_cancel(&lookup->fetch);
    free(lookup);
}
