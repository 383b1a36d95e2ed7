/* A real corpus, if there is one beside the checkout. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "import/import.h"
#include "tests/import/run.h"
#include "tests/support/database.h"

Test(import, a_real_corpus_is_stored_whole, .timeout = 120)
{
    const char *corpus = BROADSHEET_SOURCE_DIR "/../shared/data/digitalgov.ndjson";

    if (access(corpus, R_OK) != 0)
        cr_skip_test("%s is missing", corpus);
    char *url = test_database_create();
    import_chunk = IMPORT_MAX_CHUNK;
    cr_assert_eq(import_of_file(url, corpus, NULL), 0);
    cr_expect_eq(test_sql_number(url, "select count(*) from articles"), 1806);
    cr_expect_eq(test_sql_number(url, "select max(id) from articles"), 1806);
    cr_expect_gt(test_sql_number(url, "select count(distinct article_id) from article_related"),
                 1700);
    free(url);
}
