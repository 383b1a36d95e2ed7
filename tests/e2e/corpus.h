/* tests/e2e/corpus.h - many articles, among them the awkward ones. */
#ifndef BROADSHEET_TESTS_E2E_CORPUS_H
#define BROADSHEET_TESTS_E2E_CORPUS_H

#include <libpq-fe.h>

/* Made-up articles, as ./dev corpus makes them, each with some list; and six dozen by hand
 * that have what may go wrong. From then on lists stay as they are. */
void corpus_make(const char *url, unsigned n);

/* What readers must get, said by the tables that people write, and by no read model: rows of
 * id, status, the answer at /articles/{id}, and that at /articles/{id}/related, as JSON, by
 * id; also for what is not published. The caller clears them. */
PGresult *corpus_by_tables(PGconn *session);

#endif
