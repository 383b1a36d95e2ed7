/* tests/handler/fake_db.h - a database in two functions.
 *
 * It replaces db/query.c: a query that a handler starts waits here until the test ends it, in
 * any order and in any way. Results are real PGresults in the binary format that the statements
 * ask for. */
#ifndef TESTS_HANDLER_FAKE_DB_H
#define TESTS_HANDLER_FAKE_DB_H

#include "db/query.h"

/* The oldest query with this statement that has not ended; aborts the test where there is none. */
struct db_query *fake_db_waiting(enum db_statement statement);
struct db_query *fake_db_newest(enum db_statement statement); /* the same for the newest query */
size_t fake_db_nwaiting(void);
size_t fake_db_ncancelled(void); /* while they waited */

/* Ends a query with rows of its own; clears them. */
void fake_db_answer(struct db_query *q, PGresult *result);

/* Delivers one row of a streamed query; clears it. fake_db_end() ends such a query. */
void fake_db_row(struct db_query *q, PGresult *result);
void fake_db_end(struct db_query *q, int nrows);
void fake_db_fail(struct db_query *q, enum db_error error, const char *message);

/* Rows of db/sql/article_by_id.sql: one with every part, of version 3; and none. */
PGresult *fake_article(int64_t id, const char *status);
PGresult *fake_no_rows(void);

/* A published article whose body has this many bytes, some of which need an escape. */
PGresult *fake_version(int64_t id, int version, size_t body_bytes);

/* The entities that these articles depend on, besides the articles themselves. */
enum { FAKE_SECTION = 1000, FAKE_AUTHOR, FAKE_TAG };

/* A row of a published article that is too large to come at once; and a row of
 * db/sql/large_article.sql. bytes: the length of the whole document. piece: NULL for an article
 * that was withdrawn. */
PGresult *fake_large(int64_t id, int bytes);
PGresult *fake_marked(int64_t id, int bytes); /* the same of a marked article */
PGresult *fake_piece(const char *status, int bytes, const char *piece, size_t length);

/* The row of db/sql/related_by_id.sql: a list of n cards with the ids first, first + 1, ...; no row
 * when n is 0. */
PGresult *fake_cards(int64_t article_id, int64_t first, int n);

/* A row of db/sql/article_by_slug.sql. */
PGresult *fake_id(int64_t id);

#endif
