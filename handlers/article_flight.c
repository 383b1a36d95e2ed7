/*     article_wait_start --> join, or take_off --> [both look-ups] on_landed --> keep --> done, done ...
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
 *   L begins, L lands, told C   L is kept, with its subjects; C drops it, should it not have seen C.
 *   told C never                nothing vouches any more; what is kept is not shown from max_stale on,
 *                               and a flight that began longer ago is not joined.
 *   told "everything"           as C, for every article.
 *
 * The queries of L are sent after `since` was read: that is what the first line rests on. */
#include "handlers/article_flight.h"

#include <stdlib.h>

#include "base/container_of.h"

enum { ABSENT_FOR_US = 10 * 1000 * 1000 };

struct article_flight {
    struct table_node node; /* by id, while it may be joined */
    bool may_be_found, has_landed;
    struct store *store;
    int64_t id;
    uint64_t since, began_us;
    struct article_fetch fetch;
    h2o_linklist_t waiters;
};

static struct article_flight *find(struct store *store, int64_t id, uint64_t now_us);
static struct article_flight *take_off(struct store *store, struct db_pool *pool, int64_t id,
                                       uint64_t now_us);
static article_fetch_done_fn on_landed;
static struct answer *make_answer(const struct article_fetch *found, enum article_part part);
static void keep(struct article_flight *flight, struct answer *answer, enum article_part part);
static void hide(struct article_flight *flight);
static void destroy(struct article_flight *flight);

void article_wait_start(struct article_waiter *waiter, struct store *store, struct db_pool *pool,
                        int64_t id, enum article_part part, article_waiter_done_fn *done)
{
    uint64_t now_us = monotonic_us();
    struct article_flight *flight = find(store, id, now_us);
    if (flight != NULL)
        counter_add(&store->stats.joined, 1);
    else
        flight = take_off(store, pool, id, now_us);
    *waiter = (struct article_waiter){._done = done, ._part = part, ._flight = flight};
    h2o_linklist_insert(&flight->waiters, &waiter->_link);
}

/* One that may be joined; one that may not any more is hidden, to land for those that it has. */
static struct article_flight *find(struct store *store, int64_t id, uint64_t now_us)
{
    struct table_node *node = table_find(&store->flights, (uint64_t)id);
    if (node == NULL)
        return NULL;
    struct article_flight *flight = container_of(node, struct article_flight, node);
    bool is_fresh = freshness_is_vouched(&store->freshness, now_us)
                        ? flight->since == store->freshness.seq
                        : now_us - flight->began_us < store->max_stale_us;
    if (is_fresh)
        return flight;
    hide(flight);
    return NULL;
}

static struct article_flight *take_off(struct store *store, struct db_pool *pool, int64_t id,
                                       uint64_t now_us)
{
    struct article_flight *flight = h2o_mem_alloc(sizeof(*flight));
    *flight = (struct article_flight){
        .store = store,
        .may_be_found = true,
        .id = id,
        .since = store->freshness.seq,
        .began_us = now_us,
    };
    h2o_linklist_init_anchor(&flight->waiters);
    table_insert(&store->flights, &flight->node, (uint64_t)id);
    article_fetch_start(&flight->fetch, pool, id, on_landed);
    return flight;
}

static void on_landed(struct article_fetch *fetch)
{
    struct article_flight *flight = container_of(fetch, struct article_flight, fetch);
    struct answer *answers[ARTICLE_NPARTS] = {NULL};
    hide(flight);
    flight->has_landed = true;

    while (!h2o_linklist_is_empty(&flight->waiters)) {
        struct article_waiter *waiter =
            container_of(flight->waiters.next, struct article_waiter, _link);
        struct answer **answer = &answers[waiter->_part];
        if (*answer == NULL) {
            *answer = make_answer(fetch, waiter->_part);
            if (*answer != NULL)
                keep(flight, *answer, waiter->_part);
        }
        h2o_linklist_unlink(&waiter->_link);
        waiter->_flight = NULL;
        waiter->_done(waiter, fetch, *answer);
    }
    for (enum article_part part = 0; part < ARTICLE_NPARTS; part++) {
        if (answers[part] != NULL)
            h2o_mem_release_shared(answers[part]);
    }
    destroy(flight);
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
static void keep(struct article_flight *flight, struct answer *answer, enum article_part part)
{
    if (answer->related_error != DB_OK)
        return;
    if (answer->kind != ANSWER_OK)
        answer->stale_at_us = monotonic_us() + ABSENT_FOR_US;

    const struct related_text *related = &flight->fetch.related;
    int64_t subjects[1 + ARTICLE_MAX_CARDS] = {flight->id};
    size_t n = 1;
    for (size_t i = 0; answer->kind == ANSWER_OK && i < related->n; i++)
        subjects[n++] = related->ids[i];
    store_keep(flight->store, article_key(flight->id, part), answer, subjects, n, flight->since);
}

void article_wait_cancel(struct article_waiter *waiter)
{
    struct article_flight *flight = waiter->_flight;
    if (flight == NULL)
        return;
    waiter->_flight = NULL;
    h2o_linklist_unlink(&waiter->_link);
    /* Where it has landed, on_landed() is up the stack, and ends it. */
    if (!h2o_linklist_is_empty(&flight->waiters) || flight->has_landed)
        return;
    hide(flight);
    destroy(flight);
}

/* Nobody joins it any more. */
static void hide(struct article_flight *flight)
{
    if (flight->may_be_found)
        table_remove(&flight->store->flights, &flight->node);
    flight->may_be_found = false;
}

static void destroy(struct article_flight *flight)
{
    article_fetch_cancel(&flight->fetch);
    free(flight);
}
