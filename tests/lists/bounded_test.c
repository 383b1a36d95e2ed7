/* PostgreSQL reads the same few rows for a published article in an archive of any size:
 *
 *     an archive --> a change --> the queue is worked off --> how many rows and entries of indexes
 *                                                              has PostgreSQL read meanwhile? */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/lists/relater.h"
#include "tests/support/database.h"

enum {
    ARCHIVE = 15000,
    WRITTEN = 60, /* the newest articles of the archive; only these have been read and have lists */
    MOST_READ = ARCHIVE / 2,
};

static char *url;
static PGconn *session;
static struct relater *relater; /* it keeps its plans. Changes come from other sessions */

static void work_off(void);

static void begin(void)
{
    url = test_database_create();
    session = test_session_open(url);
    /* PostgreSQL would report what the relater reads a second later. */
    test_session_sql(
        session, "alter function work_marks rename to work_marks_inside;"
                 "create function work_marks(most integer, out done integer, out failed bigint[],"
                 "  out reason text) language plpgsql as $$ begin"
                 "  perform pg_stat_force_next_flush();"
                 "  select m.done, m.failed, m.reason into done, failed, reason"
                 "   from work_marks_inside(most) m; end $$");
    relater = relater_open(url);
    test_session_sql(session, "insert into sections (name) values ('News');"
                              "insert into tags (name)"
                              " select 'Tag ' || i from generate_series(1, 500) i");
}

static void end(void)
{
    relater_close(relater);
    PQfinish(session);
    free(url);
}

TestSuite(lists_bounded, .init = begin, .fini = end, .timeout = 120);

/* The triggers are off meanwhile. A bad plan would read the archive. */
static void load_archive(void)
{
    test_session_sql(
        session,
        "set synchronous_commit = off; set session_replication_role = replica;"
        "insert into articles (id, slug, section_id, published_at, title, body)"
        " select i, 'a-' || i, 1, '2020-01-01Z'::timestamptz + i * interval '1 minute',"
        " 'Heron ' || i, 'Pond ' || i from generate_series(1, %d) i;"
        "select setval(pg_get_serial_sequence('articles', 'id'), max(id)) from articles;"
        "insert into article_tags (article_id, tag_id, published_at)"
        " select id, 1 + (id + n) %% 500, published_at from articles, generate_series(1, 3) n;"
        "insert into article_related (article_id, rank, related_id, score)"
        " select id, n, 1 + (id + n) %% %d, 1 from articles, generate_series(1, 6) n"
        " where id <= %d;"
        "insert into article_views select * from article_views_of(array(select id from articles));"
        "insert into article_cards select * from article_cards_of(array(select id from articles));"
        "insert into related_views select * from related_views_of("
        "  (select array_agg(id) from articles));"
        "insert into related_made select id, 0, %d, now() from articles;"
        "insert into article_terms select id, 0, published_at, section_id, id, 4, 1, %d, 'en', '', "
        "'', ''"
        " from articles where id <= %d;"
        "insert into related_terms select i * 4, 1, '' from generate_series(1, %d) i on conflict "
        "do nothing;"
        "insert into related_languages values ('en', %d, %d) on conflict do nothing;"
        "set session_replication_role = origin",
        ARCHIVE, ARCHIVE - WRITTEN, ARCHIVE - WRITTEN, LISTS_ANALYSIS, LISTS_ANALYSIS,
        ARCHIVE - WRITTEN, ARCHIVE, ARCHIVE, 4 * ARCHIVE);
}

static void publish_newest(void)
{
    test_session_sql(
        session,
        "insert into related_queue (article_id, needs_reading) select id, true from articles"
        " where id > %d",
        ARCHIVE - WRITTEN);
    work_off();
}

static long number(const char *sql)
{
    PGresult *rows = test_session_rows(session, "%s", sql);
    long n = strtol(PQgetvalue(rows, 0, 0), NULL, 10);
    PQclear(rows);
    return n;
}

static void work_off(void)
{
    relater_work(relater);
    cr_assert_eq(number("select count(*) from related_queue"), 0);
}

/* Since the creation of the database. */
static long rows_read(void)
{
    test_session_sql(session, "select pg_stat_force_next_flush()");
    return number("select (select sum(idx_tup_read) from pg_stat_user_indexes)"
                  " + (select sum(seq_tup_read) from pg_stat_user_tables)");
}

/* Twice: the second time with the plans of the first. The session of the change also reports its reads
 * at once: without the flush, PostgreSQL would do so later. */
static void expect_little_is_read(const char *change)
{
    for (int i = 0; i < 2; i++) {
        long before = rows_read();
        test_sql(url, "%s", change);
        test_sql(url, "select pg_stat_force_next_flush()");
        work_off();
        long n = rows_read() - before;
        cr_expect_leq(n, MOST_READ, "%ld rows are read for: %s", n, change);
    }
}

#define NEWEST "(select max(id) from articles where status = 'published')"

static void expect_little_is_read_for_any_change(void)
{
    expect_little_is_read("insert into articles (slug, section_id, published_at, title, body)"
                          " values ('new-' || gen_random_uuid(), 1, now(), 'Herons at the pond',"
                          " 'Pond 29990 and heron 29991')");
    expect_little_is_read("insert into articles (slug, section_id, published_at, title, body)"
                          " values ('new-' || gen_random_uuid(), 1, now(), 'Xylophone', 'Bells')");
    expect_little_is_read("update articles set title = 'Storks', body = body || ' and nests'"
                          " where id = " NEWEST);
    expect_little_is_read("update articles set status = 'withdrawn' where id = " NEWEST);
    expect_little_is_read("delete from articles where id = " NEWEST);
}

Test(lists_bounded, an_article_that_is_published_or_changed_reads_little_of_the_archive)
{
    load_archive();
    test_session_sql(session, "analyze");
    publish_newest();
    expect_little_is_read_for_any_change();
}

/* As in a server that ran before the import of the archive: its plans are older than the archive,
 * and the tables have not been analyzed since then. */
Test(lists_bounded, plans_that_are_older_than_the_archive_read_little_of_it)
{
    test_session_sql(session,
                     "insert into articles (id, slug, section_id, published_at, title, body)"
                     " values (100000, 'first', 1, '2019-01-01Z', 'Heron 1', 'Pond')");
    work_off();
    test_session_sql(session, "delete from articles where id = 100000");
    work_off();
    test_session_sql(session, "vacuum");
    work_off();
    load_archive();
    publish_newest();
    expect_little_is_read_for_any_change();
}
