/* handlers/article_fetch.h - an article and its related list, both looked up at the same time.
 *
 *     article_fetch_start --+--> on_article --+--> done
 *                           +--> on_related --+
 *
 * Promise: as a query's: never `done` before start returns; then exactly one, or none after cancel.
 * The article never waits in vain: related may fail or be late, and `done` comes all the same, by the
 * deadline. */
#ifndef HANDLERS_ARTICLE_FETCH_H
#define HANDLERS_ARTICLE_FETCH_H

#include "db/query.h"
#include "handlers/article_text.h"

struct article_fetch;
typedef void article_fetch_done_fn(struct article_fetch *fetch);

enum article_fetch_outcome {
    ARTICLE_FOUND,
    ARTICLE_ABSENT, /* no such article, or a draft */
    ARTICLE_WITHDRAWN,
    ARTICLE_NOT_KNOWN, /* see error */
};

/* Embed it; the rules of struct db_query hold. */
struct article_fetch {
    article_fetch_done_fn *done;

    /* Set for `done`. */
    enum article_fetch_outcome outcome;
    enum db_error error;         /* of the article */
    const char *message;         /* what the server said of it, or NULL; lent */
    h2o_iovec_t article;         /* ARTICLE_FOUND: {...}; lent until cancel */
    struct related_text related; /* likewise; none where related_error is not DB_OK */
    enum db_error related_error;
    char related_message[128]; /* what the server said of it, "" for nothing */

    struct db_query _article, _related;
    unsigned _pending;
};

void article_fetch_start(struct article_fetch *fetch, struct db_pool *pool, int64_t id,
                         article_fetch_done_fn *done);

/* Fine in any state, zeroed included, and needed in the end: it frees what was found. */
void article_fetch_cancel(struct article_fetch *fetch);

#endif
