/* A real corpus, if there is one beside the checkout. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "import/import.h"
#include "tests/import/run.h"
#include "tests/support/database.h"
#include "tests/support/process.h"

#define CORPUS BROADSHEET_SOURCE_DIR "/../shared/data/digitalgov"

/* How many of the articles that an author has linked are on the list, of at most six. In thousandths. */
static long recall(const char *url)
{
    char *links = test_output_of((const char *[]){"cat", CORPUS "-links.ndjson", NULL});

    test_sql(url,
             "create table links as select (x.line ->> 'id')::bigint as id, l.link::bigint"
             " from (select y.line::jsonb from regexp_split_to_table('%s', E'\n') y (line)"
             "       where y.line <> '') x (line)"
             " cross join jsonb_array_elements_text(x.line -> 'links') l (link)",
             links);
    free(links);
    return test_sql_number(
        url, "select 1000 * avg(l.found / l.most) from ("
             "  select count(r.related_id)::numeric as found, least(count(*), 6) as most"
             "  from links l left join article_related r on r.article_id = l.id and r.related_id = "
             "l.link"
             "  group by l.id) l");
}

Test(import, a_real_corpus_is_stored_whole_and_its_lists_have_what_authors_link, .timeout = 120)
{
    const char *corpus = CORPUS ".ndjson";

    if (access(corpus, R_OK) != 0)
        cr_skip_test("%s is missing", corpus);
    char *url = test_database_create();
    import_chunk = IMPORT_MAX_CHUNK;
    cr_assert_eq(import_of_file(url, corpus, NULL), 0);
    cr_expect_eq(test_sql_number(url, "select count(*) from articles"), 1806);
    cr_expect_eq(test_sql_number(url, "select max(id) from articles"), 1806);
    cr_expect_gt(test_sql_number(url, "select count(distinct article_id) from article_related"),
                 1700);
    long found = recall(url);
    cr_expect_geq(found, 480, "recall@6 is 0.%ld", found);
    free(url);
}
