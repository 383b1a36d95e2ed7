/* import/loader.h - good articles into the database, a chunk a transaction.
 *
 * Whole articles only: a chunk is in the database with its sections, authors and tags, or not at
 * all. What is in the database already and says the same is not touched. */
#ifndef IMPORT_LOADER_H
#define IMPORT_LOADER_H

#include <stdbool.h>

#include "import/copy_rows.h"
#include "import/session.h"

struct article_line;
struct loader;

/* A line that the database would not take, though it had looked good. */
typedef void loader_refused_fn(struct loader *loader, unsigned long line, const char *reason);

struct loader {
    loader_refused_fn *refused;
    unsigned long written;   /* articles that are new or differ from what was there */
    unsigned long unchanged; /* good lines that changed nothing */
    struct session session;  /* its error says why a function here returned false */

    struct copy_rows _rows;
};

/* Blocks, like all here. False where the database can't be used; finish it in either case. */
bool loader_init(struct loader *loader, const char *database_url, loader_refused_fn *refused);
void loader_finish(struct loader *loader);

/* Copies the article. False where a chunk was due and the database failed: then no more will do. */
bool loader_add(struct loader *loader, unsigned long line, const struct article_line *article);
bool loader_flush(struct loader *loader);

bool loader_analyze(struct loader *loader); /* after a large change */

#endif
