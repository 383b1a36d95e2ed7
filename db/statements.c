#include "db/statements.h"

#include "db/db_sql.h" /* made from db/sql by the build */

enum { TEXT = 25, BIGINT_ARRAY = 1016 }; /* fixed OIDs, catalog/pg_type.dat */

const struct db_statement_info db_statements[DB_NSTATEMENTS] = {
    [DB_ARTICLE_BY_ID] = {.name = "article_by_id",
                          .sql = db_sql_article_by_id,
                          .lane = DB_LANE_ARTICLE,
                          .batched = true,
                          .param_type = BIGINT_ARRAY},
    [DB_RELATED_BY_ID] = {.name = "related_by_id",
                          .sql = db_sql_related_by_id,
                          .lane = DB_LANE_RELATED,
                          .optional = true,
                          .batched = true,
                          .param_type = BIGINT_ARRAY},
    [DB_ARTICLE_BY_SLUG] = {.name = "article_by_slug",
                            .sql = db_sql_article_by_slug,
                            .lane = DB_LANE_ARTICLE,
                            .param_type = TEXT},
    [DB_PING] = {.name = "ping", .sql = db_sql_ping, .lane = DB_LANE_ARTICLE},
};
