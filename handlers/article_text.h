/* handlers/article_text.h - what the rows of the database say, for longer than the rows are there.
 *
 * The database keeps articles and cards as finished JSON; the keys and their order are fixed there
 * (article_views_of() in migrations/0008_cards.sql). */
#ifndef HANDLERS_ARTICLE_TEXT_H
#define HANDLERS_ARTICLE_TEXT_H

#include <h2o.h>
#include <libpq-fe.h>
#include <stdint.h>

enum { ARTICLE_MAX_CARDS = 6 };

/* A row of db/sql/article_by_id.sql as {"id":...}. The caller frees base. */
h2o_iovec_t article_text(const PGresult *result, int row);

/* Rows of db/sql/related_by_id.sql, of which there is one or none, as {...},{...}: what stands in the
 * array, best first. */
struct related_text {
    h2o_iovec_t cards;              /* the caller frees base; NULL for none */
    int64_t ids[ARTICLE_MAX_CARDS]; /* of the list, those without a card among them */
    size_t n;
};
struct related_text related_text(const PGresult *result, int row, int nrows);

#endif
