#include "tests/handler/fake_db.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/result.h"

enum { MAX_WAITING = 16 };

#define MIDNIGHT_2000_US (INT64_C(946684800) * 1000000)

static struct db_query *waiting[MAX_WAITING];
static size_t nwaiting, ncancelled;

void db_query_start(struct db_pool *pool, struct db_query *q)
{
    (void)pool;
    cr_assert(nwaiting < MAX_WAITING && q->_place == DB_QUERY_NOWHERE);
    q->_place = DB_QUERY_WAITING;
    waiting[nwaiting++] = q;
}

static void forget(struct db_query *q)
{
    size_t i = 0;
    while (i < nwaiting && waiting[i] != q)
        i++;
    cr_assert(i < nwaiting);
    memmove(&waiting[i], &waiting[i + 1], (--nwaiting - i) * sizeof(waiting[0]));
    q->_place = DB_QUERY_NOWHERE;
}

void db_query_cancel(struct db_query *q)
{
    if (q->_place == DB_QUERY_NOWHERE)
        return;
    forget(q);
    ncancelled++;
}

struct db_query *fake_db_waiting(enum db_statement statement)
{
    for (size_t i = 0; i < nwaiting; i++) {
        if (waiting[i]->statement == statement)
            return waiting[i];
    }
    cr_assert_fail("no query waits with the statement %s", db_statements[statement].name);
    return NULL;
}

size_t fake_db_nwaiting(void)
{
    return nwaiting;
}

size_t fake_db_ncancelled(void)
{
    return ncancelled;
}

void fake_db_answer(struct db_query *q, PGresult *result)
{
    forget(q);
    q->error = DB_OK;
    q->message = NULL;
    q->result = result;
    q->row = 0;
    q->nrows = PQntuples(result);
    q->done(q);
    PQclear(result);
}

void fake_db_fail(struct db_query *q, enum db_error error, const char *message)
{
    forget(q);
    q->error = error;
    q->message = message;
    q->result = NULL;
    q->row = q->nrows = 0;
    q->done(q);
}

PGresult *fake_article(int64_t id, const char *status)
{
    PGresult *result = result_create(15);
    result_put_int64(result, 0, 0, id);
    result_put_text(result, 0, 1, status);
    result_put_text(result, 0, 2, "harbour-opens");
    result_put_text(result, 0, 3, "Harbour opens");
    result_put_null(result, 0, 4);
    result_put_text(result, 0, 5, "It \"opened\".");
    result_put_text(result, 0, 6, "city");
    result_put_text(result, 0, 7, "City");
    result_put_texts(result, 0, 8, "ada-berg");
    result_put_texts(result, 0, 9, "Ada Berg");
    result_put_texts(result, 0, 10, "ports");
    result_put_texts(result, 0, 11, "Ports");
    result_put_time_us(result, 0, 12, MIDNIGHT_2000_US);
    result_put_time_us(result, 0, 13, MIDNIGHT_2000_US + 1500000);
    result_put_int32(result, 0, 14, 3);
    return result;
}

PGresult *fake_no_rows(void)
{
    return result_create(15);
}

PGresult *fake_cards(int64_t article_id, int64_t first, int n)
{
    PGresult *result = result_create(8);
    for (int row = 0; row < n; row++) {
        char slug[32];
        snprintf(slug, sizeof(slug), "card-%d", row);
        result_put_int64(result, row, 0, article_id);
        result_put_int64(result, row, 1, first + row);
        result_put_text(result, row, 2, slug);
        result_put_text(result, row, 3, "Card");
        result_put_text(result, row, 4, "Short");
        result_put_text(result, row, 5, "city");
        result_put_text(result, row, 6, "City");
        result_put_time_us(result, row, 7, MIDNIGHT_2000_US);
    }
    return result;
}

PGresult *fake_id(int64_t id)
{
    PGresult *result = result_create(1);
    result_put_int64(result, 0, 0, id);
    return result;
}
