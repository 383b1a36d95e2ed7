/* tests/e2e/corpus.h - many articles, some of them unusual. */
#ifndef BROADSHEET_TESTS_E2E_CORPUS_H
#define BROADSHEET_TESTS_E2E_CORPUS_H

#include <libpq-fe.h>

/* Made-up articles, as ./dev corpus makes them, each with some list; and six dozen articles with
 * unusual values, written by hand. The lists do not change afterwards. */
void corpus_make(const char *url, unsigned n);

/* The answers that readers must get, computed from the tables that people write, without a read
 * model. Rows of id, status, the answer at /articles/{id}, and the answer at
 * /articles/{id}/related, as JSON, in the order of ids; also for articles that are not published.
 * The caller clears them. */
PGresult *corpus_by_tables(PGconn *session);

#endif
