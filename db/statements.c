#include "db/statements.h"

#include "db/db_sql.h" /* made from db/sql by the build */

enum {
    BIGINT = 20,
    INTEGER = 23,
    TEXT = 25,
    BIGINT_ARRAY = 1016
}; /* fixed OIDs, catalog/pg_type.dat */

const struct db_statement_info db_statements[DB_NSTATEMENTS_ALL] = {
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
    [DB_LARGE_ARTICLE] = {.name = "large_article",
                          .sql = db_sql_large_article,
                          .lane = DB_LANE_ARTICLE,
                          .streamed = true,
                          .param_type = BIGINT},
    [DB_ARTICLE_BY_SLUG] = {.name = "article_by_slug",
                            .sql = db_sql_article_by_slug,
                            .lane = DB_LANE_ARTICLE,
                            .param_type = TEXT},
    [DB_PING] = {.name = "ping", .sql = db_sql_ping, .lane = DB_LANE_ARTICLE},
    [DB_LISTEN] = {.name = "listen", .sql = db_sql_listen, .crew = DB_CREW_CHANGE_FEED},
    [DB_CHANGES_SINCE] = {.name = "changes_since",
                          .sql = db_sql_changes_since,
                          .crew = DB_CREW_CHANGE_FEED,
                          .param_type = TEXT},
    [DB_NOTIFY_TEST] = {.name = "notify_test",
                        .sql = db_sql_notify_test,
                        .crew = DB_CREW_CHANGE_FEED,
                        .param_type = TEXT},
    [DB_RELATED_REFRESH] = {.name = "related_refresh",
                            .sql = db_sql_related_refresh,
                            .crew = DB_CREW_RELATED_WORKER,
                            .param_type = INTEGER},
    [DB_CHANGE_LOG_TRIM] = {.name = "change_log_trim",
                            .sql = db_sql_change_log_trim,
                            .crew = DB_CREW_RELATED_WORKER,
                            .param_type = TEXT},
};
