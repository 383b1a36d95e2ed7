/* lists/statements.h - what the work on lists asks of the database. Most of them call a function of
 * migrations/functions, which explains it. */
#ifndef LISTS_STATEMENTS_H
#define LISTS_STATEMENTS_H

#include "db/statements.h"

enum lists_statement {
    LISTS_BEGIN,
    LISTS_COMMIT,
    LISTS_ROLLBACK,
    LISTS_NEW,
    LISTS_TAKE,
    LISTS_TEXTS,
    LISTS_SOURCES,
    LISTS_LOCK_TERMS,
    LISTS_TERMS,
    LISTS_STORE,
    LISTS_TAKE_LISTS,
    LISTS_VECTORS,
    LISTS_STORIES,
    LISTS_NEWEST,
    LISTS_WRITE_LISTS,
    LISTS_FAILED,
    LISTS_MARKS,
    LISTS_SLOW_PASS,
    LISTS_STATUS,
    LISTS_TRIM,
    LISTS_BEGIN_EXPLAIN,
    LISTS_LIMIT_EXPLAIN,
    LISTS_STATUS_OF,
    LISTS_CARDS,
    LISTS_TAGS,
    LISTS_NSTATEMENTS,
};

extern const struct db_statement_info lists_statements[LISTS_NSTATEMENTS];

#endif
