/* lists/explain.h - why does an article have the list that it has?
 *
 *     {"related_articles": [{a card, "explanation": {"score", "reason", "words", "pairs", "tags", "age_days", "parts"}}],
 *      "left_out":         [{a card, "same_as": the id of the article that is shown instead}]}
 *
 * The list is made anew, by the functions that make lists, in a transaction that writes nothing. So it is the list of this
 * moment, and the stored one may be older. A statement takes at most two seconds, and waits at most half a second for a
 * lock. docs/related.md explains the figures. */
#ifndef LISTS_EXPLAIN_H
#define LISTS_EXPLAIN_H

#include "lists/maker.h"

enum lists_explained {
    LISTS_EXPLAINED,
    LISTS_EXPLAIN_ABSENT,    /* there is no such article, or it was never published */
    LISTS_EXPLAIN_WITHDRAWN, /* the article was */
    LISTS_EXPLAIN_UNREAD,    /* its text has not been read yet, or can't be read */
    LISTS_EXPLAIN_FAILED,    /* lists_session_error() says why */
};

/* *ret_json: with LISTS_EXPLAINED, the answer in UTF-8, which the caller frees; otherwise NULL. */
enum lists_explained lists_explain(struct lists_maker *maker, int64_t article, char **ret_json);

#endif
