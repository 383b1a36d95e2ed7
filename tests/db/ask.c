#include "tests/db/ask.h"

#include <criterion/criterion.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/container_of.h"
#include "db/row.h"
#include "tests/support/fail.h"
#include "tests/support/sql.h"

static unsigned nopen;
static struct ask *starting;

static db_query_done_fn on_done;
static void check_article(const struct db_query *q);
static void check_related(const struct db_query *q);

void archive_fill(const char *url)
{
    test_sql(url,
             "insert into sections (slug, name) values ('city', 'City');"
             "insert into articles (id, slug, section_id, published_at, title, body)"
             " select i, 'article-' || i, (select id from sections), now(), 'Title ' || i,"
             " repeat('Body ' || i || ' ', 40) from generate_series(1, %d) i;"
             "insert into article_related (article_id, rank, related_id, score)"
             " select i, r, (i + r - 1) %% %d + 1, 1"
             " from generate_series(1, %d) i, generate_series(1, i %% 7) r;"
             "select stale_work(null, 1000000); select close_gates()",
             ARCHIVE_N, ARCHIVE_N, ARCHIVE_N);
}

void archive_mark(const char *url, int n)
{
    test_sql(url,
             "delete from stale_marks;"
             "select mark_stale(array(select article_key(i) from generate_series(1, %d) i))",
             n);
}

static void start(struct test_pool *pool, struct ask *ask)
{
    ask->query.done = on_done;
    ask->started_us = clock_us();
    nopen++;
    starting = ask;
    db_query_start(pool->pool, &ask->query);
    starting = NULL;
}

void ask_id(struct test_pool *pool, struct ask *ask, enum db_statement statement, int64_t id)
{
    ask->query = (struct db_query){.statement = statement, .id = id};
    start(pool, ask);
}

void ask_param(struct test_pool *pool, struct ask *ask, enum db_statement statement,
               const char *param)
{
    ask->query = (struct db_query){
        .statement = statement, .params = {{.value = param}}, .nparams = param != NULL};
    start(pool, ask);
}

void ask_cancel(struct ask *ask)
{
    db_query_cancel(&ask->query);
    nopen--;
}

static void on_done(struct db_query *q)
{
    struct ask *ask = container_of(q, struct ask, query);
    cr_assert_null(starting, "called back before the start returned");
    cr_assert_gt(nopen, 0);
    nopen--;
    ask->answers++;
    ask->took_us = clock_us() - ask->started_us;
    ask->error = q->error;
    ask->nrows = q->nrows;
    snprintf(ask->message, sizeof(ask->message), "%s", q->message != NULL ? q->message : "");
    if (q->error != DB_OK) {
        cr_assert_null(q->result);
    } else if (q->statement == DB_ARTICLE_BY_ID) {
        check_article(q);
    } else if (q->statement == DB_RELATED_BY_ID) {
        check_related(q);
    } else if (q->nrows > 0) {
        ask->number = q->statement == DB_PING ? db_row_int32(q->result, q->row, 0)
                                              : db_row_int64(q->result, q->row, 0);
    }
    if (ask->then != NULL)
        ask->then(ask);
}

/* The columns of db/sql/article_by_id.sql and related_by_id.sql. */
enum { A_BYTES = 2, A_DEPENDS_ON, A_DOCUMENT, R_DEPENDS_ON = 1, R_CARDS };

enum { ARTICLE = 1 }; /* the kind in a packed key: base/entity.h */

static void expect_named(const struct db_query *q, json_object *article, int64_t id)
{
    char slug[32];
    snprintf(slug, sizeof(slug), "article-%ld", (long)id);
    cr_assert_eq(json_object_get_int64(json_object_object_get(article, "id")), id);
    cr_assert_str_eq(json_object_get_string(json_object_object_get(article, "slug")), slug,
                     "%ld: %s", (long)q->id, json_object_to_json_string(article));
}

static void check_article(const struct db_query *q)
{
    bool is_there = q->id >= 1 && q->id <= ARCHIVE_N;
    cr_assert_eq(q->nrows, is_there, "article %ld: %d rows", (long)q->id, q->nrows);
    if (!is_there)
        return;
    cr_assert_eq(db_row_int64(q->result, q->row, 0), q->id);
    struct db_text document = db_row_text(q->result, q->row, A_DOCUMENT);
    if (document.base == NULL) { /* large_article has it */
        cr_assert_gt(db_row_int32(q->result, q->row, A_BYTES), 65536);
        return;
    }
    cr_assert_eq(db_row_int32(q->result, q->row, A_BYTES), document.length);
    json_object *article = json_tokener_parse(document.base);
    expect_named(q, article, q->id);
    json_object_put(article);
}

static bool has_key(struct db_keys keys, uint64_t key)
{
    for (size_t i = 0; i < keys.n; i++) {
        if (db_keys_at(keys, i) == key)
            return true;
    }
    return false;
}

static void check_related(const struct db_query *q)
{
    size_t n = q->id >= 1 && q->id <= ARCHIVE_N ? q->id % 7 : 0;
    cr_assert_eq(q->nrows, n > 0, "list of %ld: %d rows", (long)q->id, q->nrows);
    if (n == 0)
        return;
    cr_assert_eq(db_row_int64(q->result, q->row, 0), q->id);
    struct db_keys keys = db_row_keys(q->result, q->row, R_DEPENDS_ON);
    char *text = test_format("[%s]", db_row_text(q->result, q->row, R_CARDS).base);
    json_object *cards = json_tokener_parse(text);
    cr_assert_eq(json_object_array_length(cards), n, "list of %ld: %s", (long)q->id, text);
    for (size_t i = 0; i < n; i++) {
        int64_t card = (q->id + (int64_t)i) % ARCHIVE_N + 1;
        cr_assert(has_key(keys, (uint64_t)card * 16 + ARTICLE), "list of %ld: %zu", (long)q->id, i);
        expect_named(q, json_object_array_get_idx(cards, i), card);
    }
    json_object_put(cards);
    free(text);
}

unsigned ask_open(void)
{
    return nopen;
}

void ask_finish_all(unsigned timeout_ms)
{
    cr_assert(RUN_UNTIL(timeout_ms, nopen == 0), "%u queries are not answered", nopen);
}

enum db_error ask_once(struct test_pool *pool, enum db_statement statement, int64_t id)
{
    struct ask ask = {0};
    ask_id(pool, &ask, statement, id);
    cr_assert(RUN_UNTIL(30000, ask.answers > 0));
    return ask.error;
}

void ask_ids(struct test_pool *pool, struct ask *asks, int n)
{
    for (int i = 0; i < n; i++)
        ask_id(pool, &asks[i], i % 2 ? DB_RELATED_BY_ID : DB_ARTICLE_BY_ID, i + 1);
}

void ask_expect_all(const struct ask *asks, int n, enum db_error error)
{
    int nothers = 0, other = 0;
    for (int i = 0; i < n; i++) {
        if (asks[i].error != error) {
            nothers++;
            other = i;
        }
    }
    cr_expect_eq(nothers, 0, "%d of %d ended otherwise; query %d with %d after %lu us: %s", nothers,
                 n, other, asks[other].error, (unsigned long)asks[other].took_us,
                 asks[other].message);
}
