/* Streamed statements: a large article arrives in pieces. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/container_of.h"
#include "db/row.h"
#include "tests/db/ask.h"
#include "tests/support/database.h"

enum { ALL_MS = 30000, BODY_BYTES = 15000000, PIECE_BYTES = 65536, MOST_PIECES_OF_A_TURN = 32 };

/* The columns of db/sql/large_article.sql. */
enum { L_STATUS, L_BYTES, L_DEPENDS_ON, L_PIECE };

static struct stream {
    struct db_query query;
    unsigned pieces, pieces_of_turn, answers;
    int64_t bytes, whole;
    enum db_error error;
    int nrows;
    unsigned cancel_at; /* the piece; 0: never */
    void (*on_first)(void);
} stream;

static char *url;

static void make_archive(void)
{
    url = test_database_create();
    archive_fill(url);
    test_sql(url, "update articles set body = repeat('0123456789', %d) where id = 1",
             BODY_BYTES / 10);
}

static void free_url(void)
{
    free(url);
}

TestSuite(stream, .init = make_archive, .fini = free_url, .timeout = 60);

static void on_piece(struct db_query *q)
{
    cr_assert_eq(q, &stream.query);
    cr_assert_eq(PQntuples(q->result), 1);
    struct db_text piece = db_row_text(q->result, q->row, L_PIECE);
    cr_assert_eq(PQgetvalue(q->result, q->row, L_STATUS)[0], 'p');
    cr_assert_leq(piece.length, PIECE_BYTES);
    stream.whole = db_row_int32(q->result, q->row, L_BYTES);
    stream.bytes += piece.length;
    stream.pieces_of_turn++;
    if (++stream.pieces == 1 && stream.on_first != NULL)
        stream.on_first();
    if (stream.pieces == stream.cancel_at)
        db_query_cancel(q);
}

static void on_done(struct db_query *q)
{
    cr_assert_null(q->result);
    stream.answers++;
    stream.error = q->error;
    stream.nrows = q->nrows;
}

static void start(struct test_pool *pool, int64_t id)
{
    stream.query = (struct db_query){
        .statement = DB_LARGE_ARTICLE, .id = id, .on_row = on_piece, .done = on_done};
    db_query_start(pool->pool, &stream.query);
}

Test(stream, delivers_a_large_article_in_pieces_and_few_pieces_at_a_time)
{
    unsigned most = 0;
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    start(pool, 1);
    for (uint64_t end = test_now_ms() + ALL_MS; stream.answers == 0 && test_now_ms() < end;) {
        stream.pieces_of_turn = 0;
        test_loop_turn(20);
        most = stream.pieces_of_turn > most ? stream.pieces_of_turn : most;
    }
    cr_assert_eq(stream.answers, 1);
    cr_expect_eq(stream.error, DB_OK);
    cr_expect_gt(stream.whole, BODY_BYTES);
    cr_expect_eq(stream.bytes, stream.whole);
    cr_expect_eq((unsigned)stream.nrows, stream.pieces);
    cr_expect_eq(stream.pieces, (unsigned)(stream.whole + PIECE_BYTES - 1) / PIECE_BYTES);
    cr_expect_leq(most, MOST_PIECES_OF_A_TURN, "%u pieces in one turn of the loop", most);
    test_pool_destroy(pool);
}

Test(stream, delivers_no_row_for_an_article_that_does_not_exist)
{
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    start(pool, 12345);
    cr_assert(RUN_UNTIL(ALL_MS, stream.answers == 1));
    cr_expect_eq(stream.error, DB_OK);
    cr_expect_eq(stream.pieces, 0);
    test_pool_destroy(pool);
}

Test(stream, may_be_cancelled_by_its_own_row)
{
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    stream.cancel_at = 3;
    start(pool, 1);
    cr_assert(RUN_UNTIL(ALL_MS, stream.pieces == 3));
    cr_expect_eq(ask_once(pool, DB_RELATED_BY_ID, 1), DB_OK, "the connection is usable again");
    cr_expect_eq(stream.pieces, 3);
    cr_expect_eq(stream.answers, 0);
    cr_expect_eq(pool->events[DB_POOL_LOST], 0);
    test_pool_destroy(pool);
}

static void terminate_backends(void)
{
    test_sql(url, "select pg_terminate_backend(pid) from pg_stat_activity"
                  " where datname = current_database() and pid <> pg_backend_pid()");
}

Test(stream, is_not_restarted_after_a_loss_in_the_middle)
{
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    stream.on_first = terminate_backends;
    start(pool, 1);
    cr_assert(RUN_UNTIL(ALL_MS, stream.answers == 1));
    cr_expect_eq(stream.error, DB_UNAVAILABLE);
    cr_expect_gt(stream.nrows, 0);
    cr_expect_lt(stream.bytes, stream.whole);
    test_pool_destroy(pool);
}

Test(stream, is_restarted_after_a_loss_before_the_first_row)
{
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    PGconn *session = test_session_open(url);
    test_session_sql(session, "begin; lock table article_views in access exclusive mode");
    start(pool, 1);
    const char *waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
                          " and datname = current_database()";
    cr_assert(RUN_UNTIL(ALL_MS, test_sql_number(url, "%s", waiting) > 0));
    test_session_sql(session, "select pg_terminate_backend(pid) from pg_stat_activity"
                              " where datname = current_database() and pid <> pg_backend_pid()");
    test_session_sql(session, "commit");
    cr_assert(RUN_UNTIL(ALL_MS, stream.answers == 1));
    cr_expect_eq(stream.error, DB_OK);
    cr_expect_eq(stream.bytes, stream.whole);
    PQfinish(session);
    test_pool_destroy(pool);
}

/* A slow reader of large articles must not delay the small ones. */
Test(stream, does_not_delay_other_articles)
{
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    start(pool, 1);
    cr_assert(RUN_UNTIL(ALL_MS, stream.pieces > 0));
    cr_expect_eq(ask_once(pool, DB_ARTICLE_BY_ID, 2), DB_OK);
    cr_expect_eq(stream.answers, 0, "the large one is still under way");
    cr_assert(RUN_UNTIL(ALL_MS, stream.answers == 1));
    cr_expect_eq(stream.error, DB_OK);
    test_pool_destroy(pool);
}
