/* db/statements.h - every statement that the server runs. The text of each is a file of db/sql/. */
#ifndef DB_STATEMENTS_H
#define DB_STATEMENTS_H

#include <stdbool.h>

enum db_statement {
    DB_ARTICLE_BY_ID,
    DB_RELATED_BY_ID,
    DB_LARGE_ARTICLE,
    DB_ARTICLE_BY_SLUG,
    DB_PING,
    DB_NSTATEMENTS, /* of the pools; what follows runs on connections that stand alone */

    DB_LISTEN = DB_NSTATEMENTS,
    DB_CHANGES_SINCE,
    DB_NOTIFY_TEST,
    DB_RELATED_REFRESH,
    DB_CHANGE_LOG_TRIM,
    DB_NSTATEMENTS_ALL,
};

/* Whose connections prepare it. */
enum db_crew { DB_CREW_POOL, DB_CREW_CHANGE_FEED, DB_CREW_RELATED_WORKER };

/* Which connections run it. Statements of different lanes never wait for each other while there are
 * two connections, so that a related list that hangs can't hold an article up. */
enum db_lane { DB_LANE_ARTICLE, DB_LANE_RELATED, DB_NLANES };

struct db_statement_info {
    const char *name; /* as it is prepared under, and as metrics call it */
    const char *sql;
    enum db_crew crew;
    enum db_lane lane; /* of a pool's, like the two that follow */
    bool optional;     /* a connection is of use without it: see db_conn_prepare() */
    bool batched;      /* $1 is bigint[]; column 1 is a row's id, and an id's rows stand together */
    bool streamed;     /* rows go to on_row */
    unsigned param_type; /* of $1, an OID of pg_type; 0 where there is none */
};

extern const struct db_statement_info db_statements[DB_NSTATEMENTS_ALL];

#endif
