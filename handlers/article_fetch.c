#include "handlers/article_fetch.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/container_of.h"

enum { A_STATUS = 1 }; /* column of db/sql/article_by_id.sql */

static db_query_done_fn on_article, on_related;
static enum article_fetch_outcome outcome_of(const struct db_query *article);
static void arrive(struct article_fetch *fetch);

void article_fetch_start(struct article_fetch *fetch, struct db_pool *pool, int64_t id,
                         article_fetch_done_fn *done)
{
    *fetch = (struct article_fetch){
        .done = done,
        ._article = {.statement = DB_ARTICLE_BY_ID, .id = id, .done = on_article},
        ._related = {.statement = DB_RELATED_BY_ID, .id = id, .done = on_related},
        ._pending = 2,
    };
    db_query_start(pool, &fetch->_article);
    db_query_start(pool, &fetch->_related);
}

static void on_article(struct db_query *article)
{
    struct article_fetch *fetch = container_of(article, struct article_fetch, _article);
    fetch->outcome = outcome_of(article);
    fetch->error = article->error;
    fetch->message = article->message;

    if (fetch->outcome == ARTICLE_FOUND) {
        fetch->article = article_text(article->result, article->row);
        arrive(fetch);
        return;
    }
    /* There is nothing that a related list could be added to. */
    db_query_cancel(&fetch->_related);
    fetch->done(fetch);
}

static enum article_fetch_outcome outcome_of(const struct db_query *article)
{
    if (article->error != DB_OK)
        return ARTICLE_NOT_KNOWN;
    if (article->nrows == 0)
        return ARTICLE_ABSENT;
    switch (PQgetvalue(article->result, article->row, A_STATUS)[0]) {
    case 'p':
        return ARTICLE_FOUND;
    case 'w':
        return ARTICLE_WITHDRAWN;
    default: /* a draft is nobody's business */
        return ARTICLE_ABSENT;
    }
}

static void on_related(struct db_query *related)
{
    struct article_fetch *fetch = container_of(related, struct article_fetch, _related);
    fetch->related_error = related->error;
    if (related->message != NULL)
        snprintf(fetch->related_message, sizeof(fetch->related_message), "%s", related->message);
    if (related->error == DB_OK)
        fetch->related = related_text(related->result, related->row, related->nrows);
    arrive(fetch);
}

static void arrive(struct article_fetch *fetch)
{
    assert(fetch->_pending > 0);
    if (--fetch->_pending == 0)
        fetch->done(fetch);
}

void article_fetch_cancel(struct article_fetch *fetch)
{
    db_query_cancel(&fetch->_article);
    db_query_cancel(&fetch->_related);
    free(fetch->article.base);
    free(fetch->related.cards.base);
    fetch->article = fetch->related.cards = (h2o_iovec_t){0};
}
