#include "db/statements.h"

#include "db/db_sql.h" /* the build makes it from db/sql */
#include "db/types.h"

const struct db_statement_info db_statements[DB_NSTATEMENTS] = {
    [DB_ARTICLE_BY_ID] = {.name = "article_by_id",
                          .sql = db_sql_article_by_id,
                          .param_types = {DB_TYPE_BIGINT_ARRAY},
                          .batched = true,
                          .group = DB_GROUP_ARTICLES},
    [DB_RELATED_BY_ID] = {.name = "related_by_id",
                          .sql = db_sql_related_by_id,
                          .param_types = {DB_TYPE_BIGINT_ARRAY},
                          .optional = true,
                          .batched = true,
                          .group = DB_GROUP_LISTS},
    [DB_LARGE_ARTICLE] = {.name = "large_article",
                          .sql = db_sql_large_article,
                          .param_types = {DB_TYPE_BIGINT},
                          .streamed = true,
                          .group = DB_GROUP_LARGE},
    [DB_ARTICLE_BY_SLUG] = {.name = "article_by_slug",
                            .sql = db_sql_article_by_slug,
                            .param_types = {DB_TYPE_TEXT},
                            .group = DB_GROUP_ARTICLES},
    [DB_PING] = {.name = "ping", .sql = db_sql_ping, .group = DB_GROUP_ARTICLES},
};
