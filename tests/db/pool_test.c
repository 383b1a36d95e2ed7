#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/batch.h"
#include "tests/db/ask.h"
#include "tests/support/database.h"

static char *url;

static void make_archive(void)
{
    url = test_database_create();
    archive_fill(url);
    srandom(1);
}

static void free_url(void)
{
    free(url);
}

TestSuite(pool, .init = make_archive, .fini = free_url, .timeout = 60);

enum { ALL_MS = 20000, MANY = 800 };

/* Ids of the archive and beyond, in no order, some of them several times. */
static int64_t any_id(void)
{
    return random() % (ARCHIVE_N + ARCHIVE_N / 4) + 1;
}

static uint64_t ids_asked_for(const struct test_pool *pool, enum db_statement statement)
{
    return counter_get(&pool->stats.batch_ids[statement].sum);
}

static uint64_t commands_of(const struct test_pool *pool, enum db_statement statement)
{
    uint64_t n = 0;
    for (size_t i = 0; i <= db_batch_bounds.n; i++)
        n += counter_get(&pool->stats.batch_ids[statement].bucket[i]);
    return n;
}

Test(pool, gives_each_query_its_own_rows)
{
    static struct ask asks[MANY];
    struct test_pool *pool = test_pool_create(url, (struct db_pool_config){0});
    for (int round = 0; round < 3; round++) {
        archive_mark(url, round * ARCHIVE_N / 2); /* no list is stale, half of them, all */
        for (int i = 0; i < MANY; i++)
            ask_id(pool, &asks[i], i % 2 ? DB_RELATED_BY_ID : DB_ARTICLE_BY_ID, any_id());
        ask_finish_all(ALL_MS);
        for (int i = 0; i < MANY; i++)
            cr_assert_eq(asks[i].error, DB_OK, "%s", asks[i].message);
    }
    uint64_t ok = counter_get(&pool->stats.queries[DB_ARTICLE_BY_ID][DB_OK]);
    cr_expect_eq(ok, 3 * MANY / 2);
    cr_expect_eq(counter_get(&pool->stats.retries), 0);
    cr_expect_eq(counter_get(&pool->stats.waiting), 0);
    test_pool_destroy(pool);
}

Test(pool, serves_both_groups_with_a_single_connection)
{
    static struct ask asks[200];
    struct test_pool *pool = test_pool_create(url, (struct db_pool_config){.connections = 1});
    for (int i = 0; i < 200; i++)
        ask_id(pool, &asks[i], i % 2 ? DB_RELATED_BY_ID : DB_ARTICLE_BY_ID, any_id());
    ask_finish_all(ALL_MS);
    for (int i = 0; i < 200; i++)
        cr_assert_eq(asks[i].error, DB_OK, "%s", asks[i].message);
    test_pool_destroy(pool);
}

Test(pool, sends_all_waiting_queries_as_one_batch)
{
    static struct ask asks[200];
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    for (int i = 0; i < 200; i++)
        ask_id(pool, &asks[i], DB_ARTICLE_BY_ID, 200 - i);
    ask_finish_all(ALL_MS);
    cr_expect_eq(ids_asked_for(pool, DB_ARTICLE_BY_ID), 200);
    cr_expect_eq(commands_of(pool, DB_ARTICLE_BY_ID), 4, "64 + 64 + 64 + 8");
    cr_expect_eq(counter_get(&pool->stats.batch_ids[DB_ARTICLE_BY_ID].bucket[6]), 3);
    cr_expect_eq(counter_get(&pool->stats.batch_ids[DB_ARTICLE_BY_ID].bucket[3]), 1);
    cr_expect_eq(commands_of(pool, DB_RELATED_BY_ID), 0);
    test_pool_destroy(pool);
}

Test(pool, asks_once_for_an_id_that_many_queries_want)
{
    static struct ask asks[500];
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    for (int i = 0; i < 500; i++)
        ask_id(pool, &asks[i], DB_RELATED_BY_ID, i % 5 + 1);
    ask_finish_all(ALL_MS);
    cr_expect_eq(ids_asked_for(pool, DB_RELATED_BY_ID), 5);
    cr_expect_eq(commands_of(pool, DB_RELATED_BY_ID), 1);
    test_pool_destroy(pool);
}

static struct test_pool *again_pool;
static unsigned again_left;

static void ask_again(struct ask *ask)
{
    if (again_left == 0)
        return;
    again_left--;
    ask_id(again_pool, ask, ask->query.statement, any_id());
}

Test(pool, accepts_the_same_query_again_from_done)
{
    struct ask article = {.then = ask_again}, related = {.then = ask_again};
    again_left = 200;
    again_pool = test_pool_create(url, (struct db_pool_config){0});
    ask_id(again_pool, &article, DB_ARTICLE_BY_ID, 1);
    ask_id(again_pool, &related, DB_RELATED_BY_ID, 1);
    ask_finish_all(ALL_MS);
    cr_expect_eq(article.answers + related.answers, 202);
    test_pool_destroy(again_pool);
}

/* Each query has its own memory, which is freed as soon as the query has ended or was cancelled. A
 * sanitizer reports when the pool uses it afterwards. */
enum { CANCEL_SLOTS = 300, CANCEL_STARTS = 6000 };
static struct ask *slots[CANCEL_SLOTS];

static void free_slot(int i)
{
    free(slots[i]);
    slots[i] = NULL;
}

/* An answered query cancels some others, also some of the same answer. */
static void on_answer(struct ask *ask)
{
    for (int i = 0; i < CANCEL_SLOTS; i++) {
        if (slots[i] == ask)
            slots[i] = NULL;
    }
    free(ask);
    for (int n = 0; n < 2; n++) {
        int victim = (int)(random() % CANCEL_SLOTS);
        if (random() % 4 == 0 && slots[victim] != NULL) {
            ask_cancel(slots[victim]);
            free_slot(victim);
        }
    }
}

static void start_in_slot(struct test_pool *pool, int i)
{
    slots[i] = calloc(1, sizeof(*slots[i]));
    slots[i]->then = on_answer;
    long kind = random() % 10;
    if (kind == 0)
        ask_param(pool, slots[i], DB_PING, NULL);
    else if (kind == 1)
        ask_param(pool, slots[i], DB_ARTICLE_BY_SLUG, "article-7");
    else
        ask_id(pool, slots[i], kind % 2 ? DB_ARTICLE_BY_ID : DB_RELATED_BY_ID, any_id());
}

Test(pool, never_calls_a_cancelled_query_back)
{
    struct test_pool *pool =
        test_pool_create(url, (struct db_pool_config){.connections = 3, .max_waiting = 150});
    for (int started = 0; started < CANCEL_STARTS;) {
        int i = (int)(random() % CANCEL_SLOTS);
        if (slots[i] == NULL) {
            start_in_slot(pool, i);
            started++;
        } else if (random() % 2 == 0) {
            ask_cancel(slots[i]);
            free_slot(i);
        }
        if (random() % 20 == 0)
            test_loop_turn(0);
        if (random() % 100 == 0)
            test_loop_turn(2);
    }
    ask_finish_all(ALL_MS);
    cr_expect_eq(counter_get(&pool->stats.waiting), 0);
    test_pool_destroy(pool);
}

Test(pool, lets_a_query_be_cancelled_in_every_state)
{
    struct ask ask = {0};
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    db_query_cancel(&ask.query); /* zeroed */
    ask_id(pool, &ask, DB_ARTICLE_BY_ID, 1);
    ask_cancel(&ask);            /* waiting */
    db_query_cancel(&ask.query); /* cancelled */
    cr_expect_eq(ask_once(pool, DB_PING, 0), DB_OK);
    cr_expect_eq(commands_of(pool, DB_ARTICLE_BY_ID), 0, "no query waits for it");

    ask_id(pool, &ask, DB_ARTICLE_BY_ID, 1);
    cr_assert(RUN_UNTIL(ALL_MS, commands_of(pool, DB_ARTICLE_BY_ID) == 1));
    if (ask.answers == 0)
        ask_cancel(&ask); /* sent */
    unsigned answers = ask.answers;
    cr_expect_eq(ask_once(pool, DB_ARTICLE_BY_ID, 2), DB_OK);
    cr_expect_eq(ask.answers, answers);

    ask_id(pool, &ask, DB_ARTICLE_BY_ID, 3);
    ask_finish_all(ALL_MS);
    db_query_cancel(&ask.query); /* answered */
    test_pool_destroy(pool);
}

Test(pool, may_be_destroyed_with_commands_under_way)
{
    static struct ask asks[100];
    PGconn *holder = test_session_open(url);
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){0});
    test_session_sql(holder,
                     "begin; lock table article_views, related_views in access exclusive mode");
    for (int i = 0; i < 100; i++)
        ask_id(pool, &asks[i], i % 2 ? DB_RELATED_BY_ID : DB_ARTICLE_BY_ID, i + 1);
    cr_assert(RUN_UNTIL(ALL_MS, counter_get(&pool->stats.connections[DB_CONN_BUSY]) == 2));
    for (int i = 0; i < 100; i++)
        ask_cancel(&asks[i]);
    test_pool_destroy(pool);
    for (int i = 0; i < 5; i++)
        test_loop_turn(1);
    PQfinish(holder);
}

Test(pool, refuses_the_first_query_above_the_limit_of_a_group_and_answers_the_others)
{
    static struct ask asks[50];
    struct test_pool *pool = test_pool_create_up(url, (struct db_pool_config){.max_waiting = 20});
    for (int i = 0; i < 50; i++)
        ask_id(pool, &asks[i], i % 2 ? DB_RELATED_BY_ID : DB_ARTICLE_BY_ID, i + 1);
    ask_finish_all(ALL_MS);
    for (int i = 0; i < 50; i++)
        cr_expect_eq(asks[i].error, i < 40 ? DB_OK : DB_BUSY, "query %d: %d", i, asks[i].error);
    cr_expect_eq(ask_once(pool, DB_ARTICLE_BY_ID, 1), DB_OK, "there is room again");
    test_pool_destroy(pool);
}

Test(pool, ends_sent_and_waiting_queries_by_the_deadline)
{
    enum { N = 100, DEADLINE_MS = 400 };
    static struct ask asks[N];
    PGconn *holder = test_session_open(url);
    struct test_pool *pool =
        test_pool_create_up(url, (struct db_pool_config){.deadline_ms = DEADLINE_MS});
    test_session_sql(holder, "begin; lock table article_views in access exclusive mode");
    for (int i = 0; i < N; i++) /* one batch is sent, the rest waits */
        ask_id(pool, &asks[i], DB_ARTICLE_BY_ID, i + 1);
    ask_finish_all(ALL_MS);
    for (int i = 0; i < N; i++) {
        cr_expect_eq(asks[i].error, DB_TIMEOUT, "query %d: %d", i, asks[i].error);
        cr_expect_leq(asks[i].took_us, (DEADLINE_MS + 150 * TEST_PATIENCE) * 1000,
                      "query %d: %lu us", i, (unsigned long)asks[i].took_us);
    }
    test_session_sql(holder, "rollback");
    cr_expect_eq(ask_once(pool, DB_ARTICLE_BY_ID, 1), DB_OK);
    cr_expect_eq(pool->events[DB_POOL_LOST], 0, "the server itself gave up in time");
    PQfinish(holder);
    test_pool_destroy(pool);
}

Test(pool, answers_articles_while_every_related_list_hangs)
{
    enum { N = 5, DEADLINE_MS = 4000 };
    static struct ask related[N];
    PGconn *holder = test_session_open(url);
    struct test_pool *pool =
        test_pool_create_up(url, (struct db_pool_config){.deadline_ms = DEADLINE_MS});
    test_session_sql(holder, "begin; lock table related_views in access exclusive mode");
    for (int i = 0; i < N; i++) { /* in separate turns of the loop, so that no two are in the same
                                   * batch */
        ask_id(pool, &related[i], DB_RELATED_BY_ID, i + 1);
        test_loop_turn(0);
        test_loop_turn(0);
    }
    for (int i = 1; i <= 20; i++)
        cr_assert_eq(ask_once(pool, DB_ARTICLE_BY_ID, i), DB_OK);
    for (int i = 0; i < N; i++)
        cr_expect_eq(related[i].answers, 0, "it still hangs");
    ask_finish_all(ALL_MS);
    for (int i = 0; i < N; i++)
        cr_expect_eq(related[i].error, DB_TIMEOUT);
    PQfinish(holder);
    test_pool_destroy(pool);
}

Test(pool, finds_articles_by_slug_but_not_drafts)
{
    struct ask found = {0}, absent = {0}, draft = {0}, ping = {0};
    test_sql(url, "update articles set status = 'draft' where id = 9");
    struct test_pool *pool = test_pool_create(url, (struct db_pool_config){0});
    ask_param(pool, &found, DB_ARTICLE_BY_SLUG, "article-8");
    ask_param(pool, &absent, DB_ARTICLE_BY_SLUG, "article-0'; drop table articles; --");
    ask_param(pool, &draft, DB_ARTICLE_BY_SLUG, "article-9");
    ask_param(pool, &ping, DB_PING, NULL);
    ask_finish_all(ALL_MS);
    cr_expect(found.error == DB_OK && found.nrows == 1 && found.number == 8);
    cr_expect(absent.error == DB_OK && absent.nrows == 0);
    cr_expect(draft.error == DB_OK && draft.nrows == 0);
    cr_expect(ping.error == DB_OK && ping.nrows == 1 && ping.number == 1);
    test_pool_destroy(pool);
}

Test(pool, counts_connections_by_state)
{
    struct test_pool *pool = test_pool_create(url, (struct db_pool_config){.connections = 5});
    uint64_t all = 0;
    for (int state = 0; state < DB_CONN_NSTATES; state++)
        all += counter_get(&pool->stats.connections[state]);
    cr_expect_eq(all, 5);
    cr_assert(RUN_UNTIL(ALL_MS, counter_get(&pool->stats.connections[DB_CONN_IDLE]) == 5));
    cr_expect(db_pool_has_settled(pool->pool));
    cr_expect_eq(pool->events[DB_POOL_UP], 5);
    cr_expect_eq(counter_get(&pool->stats.reconnects), 0);
    cr_expect_str_eq(db_pool_why_down(pool->pool), "");
    test_pool_destroy(pool);
}
