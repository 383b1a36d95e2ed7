/* db/statements.h - the statements that connections run. The text of each is a file of db/sql/.
 *
 * There are three tables: this one for the pools, and one each in change_feed.c and lists/statements.c. */
#ifndef DB_STATEMENTS_H
#define DB_STATEMENTS_H

#include <stdbool.h>
#include <stddef.h>

enum { DB_STATEMENT_MAX_PARAMS = 24, DB_SET_MAX_STATEMENTS = 32 };

/* The statements of a pool, as handlers name them. */
enum db_statement {
    DB_ARTICLE_BY_ID,
    DB_RELATED_BY_ID,
    DB_LARGE_ARTICLE,
    DB_ARTICLE_BY_SLUG,
    DB_PING,
    DB_NSTATEMENTS,
};

/* Each statement belongs to a group. The connections of a pool are of the first two groups in turn. While
 * there are two connections, a related list that hangs, or a large article, never delays other articles.
 * The connections of the lists also fetch large articles; while all of them do, the connections of the
 * articles serve the lists too. */
enum db_group { DB_GROUP_ARTICLES, DB_GROUP_LISTS, DB_GROUP_LARGE, DB_NGROUPS };
enum { DB_NGROUPS_OF_CONNECTIONS = 2 };

struct db_statement_info {
    const char *name; /* PostgreSQL and the metrics know the statement by this name */
    const char *sql;
    unsigned
        param_types[DB_STATEMENT_MAX_PARAMS]; /* an OID of pg_type for each parameter, then 0 */
    bool optional; /* a connection is useful before this statement is prepared: db_conn_prepare() */
    bool streamed; /* the rows arrive one at a time */
    bool batched;  /* of a pool: $1 is bigint[]; column 1 is the id of a row, and the rows of an id
                      follow each other */
    enum db_group group; /* of a pool */
};

extern const struct db_statement_info db_statements[DB_NSTATEMENTS];

/* All statements of a connection, which names a statement by its index. */
struct db_statement_set {
    const struct db_statement_info *statements;
    size_t n; /* at most DB_SET_MAX_STATEMENTS */
};

/* One parameter. */
struct db_param {
    const char *value; /* NULL is SQL's NULL; a text ends with a NUL */
    int length;        /* in bytes, of a binary value */
    bool is_binary;
};

#endif
