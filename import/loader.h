/* import/loader.h - writes good articles into the database, one chunk in each transaction.
 *
 * Articles are always whole: a chunk is in the database with its sections, authors and tags, or not
 * at all. An article that is in the database already and does not differ is left unchanged. */
#ifndef IMPORT_LOADER_H
#define IMPORT_LOADER_H

#include <stdbool.h>

#include "import/copy_rows.h"
#include "import/session.h"

struct article_line;
struct loader;

/* Called for a line that passed all checks and that the database refuses. */
typedef void loader_refused_fn(struct loader *loader, unsigned long line, const char *reason);

struct loader {
    loader_refused_fn *refused;
    unsigned long written;   /* articles that are new or have changed */
    unsigned long unchanged; /* good lines that changed nothing */
    struct session session;  /* its error says why a function here returned false */

    struct copy_rows _rows;
};

/* chunk: the articles of a transaction, 1 to COPY_ROWS_MAX. Blocks, like all functions here. False if
 * the database can't be used. Finish it in both cases. */
bool loader_init(struct loader *loader, const char *database_url, unsigned chunk,
                 loader_refused_fn *refused);
void loader_finish(struct loader *loader);

/* Copies the article. False if it wrote a chunk and the database failed: do not go on then. */
bool loader_add(struct loader *loader, unsigned long line, const struct article_line *article);
bool loader_flush(struct loader *loader);

bool loader_analyze(struct loader *loader); /* after a large change */

#endif
