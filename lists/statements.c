#include "lists/statements.h"

#include "db/types.h"

#define SOURCE_COLUMNS                                                                \
    "article_id, revision, published_at, section_id, language, title, summary, body," \
    " tags, usual, failure"

const struct db_statement_info lists_statements[LISTS_NSTATEMENTS] = {
    [LISTS_BEGIN] = {.name = "begin", .sql = "begin"},
    [LISTS_COMMIT] = {.name = "commit", .sql = "commit"},
    [LISTS_ROLLBACK] = {.name = "rollback", .sql = "rollback"},
    [LISTS_NEW] = {.name = "related_new",
                   .sql = "select " SOURCE_COLUMNS " from related_new($1)",
                   .param_types = {DB_TYPE_INTEGER}},
    [LISTS_TAKE] = {.name = "related_take",
                    .sql = "select article_id, turn from related_take($1, $2)",
                    .param_types = {DB_TYPE_INTEGER, DB_TYPE_BIGINT}},
    [LISTS_TEXTS] = {.name = "related_texts",
                     .sql = "select " SOURCE_COLUMNS " from related_sources_of($1)",
                     .param_types = {DB_TYPE_BIGINT_ARRAY}},
    [LISTS_SOURCES] = {.name = "related_sources",
                       .sql = "select " SOURCE_COLUMNS " from related_sources($1)",
                       .param_types = {DB_TYPE_BIGINT_ARRAY}},
    [LISTS_LOCK_TERMS] =
        {.name = "related_lock_terms",
         .sql = "select article_id, is_published, revision, language, nwords, vector, others"
                " from related_lock_terms($1)",
         .param_types = {DB_TYPE_BIGINT_ARRAY}},
    [LISTS_TERMS] =
        {.name = "related_terms",
         .sql = "select term, narticles, postings, language, nwords from related_terms_of($1)",
         .param_types = {DB_TYPE_INTEGER_ARRAY}},
    [LISTS_STORE] =
        {.name = "related_store",
         .sql = "select related_write_terms($1, $2, $3, $4, $5, $6),"
                " related_write_articles($20, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16),"
                " related_read_done($17, $18, $19, $21, $22)", /* from left to right */
         .param_types = {DB_TYPE_INTEGER_ARRAY, DB_TYPE_BIGINT_ARRAY,  DB_TYPE_BYTEA_ARRAY,
                         DB_TYPE_TEXT_ARRAY,    DB_TYPE_BIGINT_ARRAY,  DB_TYPE_BIGINT_ARRAY,
                         DB_TYPE_BIGINT_ARRAY,  DB_TYPE_TIME_ARRAY,    DB_TYPE_BIGINT_ARRAY,
                         DB_TYPE_TEXT_ARRAY,    DB_TYPE_INTEGER_ARRAY, DB_TYPE_REAL_ARRAY,
                         DB_TYPE_BIGINT_ARRAY,  DB_TYPE_BYTEA_ARRAY,   DB_TYPE_BYTEA_ARRAY,
                         DB_TYPE_BYTEA_ARRAY,   DB_TYPE_BIGINT_ARRAY,  DB_TYPE_BIGINT_ARRAY,
                         DB_TYPE_BIGINT_ARRAY,  DB_TYPE_SMALLINT,      DB_TYPE_SMALLINT,
                         DB_TYPE_SMALLINT}},
    [LISTS_TAKE_LISTS] = {.name = "related_take_lists",
                          .sql =
                              "select article_id, turn, revision from related_take_lists($1, $2)",
                          .param_types = {DB_TYPE_INTEGER, DB_TYPE_BIGINT}},
    [LISTS_VECTORS] =
        {.name = "related_vectors",
         .sql = "select article_id, revision, published_at, section_id, language, self, title_hash,"
                " vector from related_vectors($1)",
         .param_types = {DB_TYPE_BIGINT_ARRAY}},
    [LISTS_STORIES] = {.name = "related_stories",
                       .sql = "select article_id, story from related_stories($1)",
                       .param_types = {DB_TYPE_BIGINT_ARRAY}},
    [LISTS_NEWEST] = {.name = "related_newest",
                      .sql = "select section_id, article_id from related_newest($1, $2)",
                      .param_types = {DB_TYPE_BIGINT_ARRAY, DB_TYPE_INTEGER}},
    [LISTS_WRITE_LISTS] = {.name = "related_write_lists",
                           .sql = "select made, keys_pack(failed), reason from related_write_lists("
                                  "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                           .param_types = {DB_TYPE_SMALLINT, DB_TYPE_SMALLINT, DB_TYPE_BIGINT,
                                           DB_TYPE_BIGINT_ARRAY, DB_TYPE_BIGINT_ARRAY,
                                           DB_TYPE_SMALLINT_ARRAY, DB_TYPE_BIGINT_ARRAY,
                                           DB_TYPE_REAL_ARRAY, DB_TYPE_BIGINT_ARRAY,
                                           DB_TYPE_REAL_ARRAY, DB_TYPE_BIGINT_ARRAY,
                                           DB_TYPE_SMALLINT, DB_TYPE_BIGINT_ARRAY}},
    [LISTS_FAILED] = {.name = "related_failed",
                      .sql = "select related_failed($1, $2)",
                      .param_types = {DB_TYPE_BIGINT, DB_TYPE_TEXT}},
    [LISTS_MARKS] = {.name = "work_marks",
                     .sql = "select done, keys_pack(failed), reason from work_marks($1)",
                     .param_types = {DB_TYPE_INTEGER}},
    [LISTS_SLOW_PASS] = {.name = "related_slow_pass",
                         .sql = "select related_slow_pass($1, $2::interval, $3)",
                         .param_types = {DB_TYPE_SMALLINT, DB_TYPE_TEXT, DB_TYPE_INTEGER}},
    [LISTS_STATUS] = {.name = "related_status",
                      .sql = "select analysis, n, age_s from related_status()"},
    [LISTS_TRIM] = {.name = "change_log_trim",
                    .sql = "select change_log_trim($1::interval)",
                    .param_types = {DB_TYPE_TEXT}},
    [LISTS_BEGIN_EXPLAIN] = {.name = "begin_explain",
                             .sql = "begin isolation level repeatable read read only"},
    [LISTS_LIMIT_EXPLAIN] = {.name = "limit_explain",
                             .sql = "select set_config('statement_timeout', '2s', true),"
                                    " set_config('lock_timeout', '500ms', true)"},
    [LISTS_STATUS_OF] = {.name = "status_of",
                         .sql = "select status from articles where id = any ($1)",
                         .param_types = {DB_TYPE_BIGINT_ARRAY}},
    [LISTS_CARDS] = {.name = "cards",
                     .sql = "select article_id, card from article_cards_of($1)",
                     .param_types = {DB_TYPE_BIGINT_ARRAY}},
    [LISTS_TAGS] = {.name = "tags",
                    .sql = "select id, name from tags where id = any ($1)",
                    .param_types = {DB_TYPE_BIGINT_ARRAY}},
};
