#include "tests/handler/fake_db.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <json.h>
#include <stdio.h>
#include <string.h>

#include "base/entity.h"
#include "tests/support/result.h"

enum { MAX_WAITING = 16, MAX_BODY_BYTES = 10000, MAX_CARDS = 6 };
enum { ARTICLE_COLUMNS = 5, LARGE_COLUMNS = 4, RELATED_COLUMNS = 3 };

#define CITY "\"section\":{\"slug\":\"city\",\"name\":\"City\"}"
#define MIDNIGHT "\"published_at\":\"2000-01-01T00:00:00Z\""

static PGresult *article_row(int64_t id, const char *status, const char *body, int version);
static void put_depends_on(PGresult *result, int column);

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

struct db_query *fake_db_newest(enum db_statement statement)
{
    struct db_query *newest = fake_db_waiting(statement);
    for (size_t i = 0; i < nwaiting; i++) {
        if (waiting[i]->statement == statement)
            newest = waiting[i];
    }
    return newest;
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

void fake_db_row(struct db_query *q, PGresult *result)
{
    cr_assert_not_null(q->on_row);
    q->result = result;
    q->row = 0;
    q->nrows = 1;
    q->on_row(q);
    PQclear(result);
}

void fake_db_end(struct db_query *q, int nrows)
{
    forget(q);
    q->error = DB_OK;
    q->message = NULL;
    q->result = NULL;
    q->row = 0;
    q->nrows = nrows;
    q->done(q);
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
    return article_row(id, status, "It \"opened\".", 3);
}

PGresult *fake_version(int64_t id, int version, size_t body_bytes)
{
    char body[MAX_BODY_BYTES + 1] = "";
    cr_assert_leq(body_bytes, MAX_BODY_BYTES);
    for (size_t i = 0; i < body_bytes; i++)
        body[i] = "The \"harbour\" opens.\n"[i % 21];
    return article_row(id, "published", body, version);
}

static PGresult *article_row(int64_t id, const char *status, const char *body, int version)
{
    char document[2 * MAX_BODY_BYTES + 512];
    json_object *text = json_object_new_string(body);
    const char *escaped = json_object_to_json_string_ext(text, JSON_C_TO_STRING_PLAIN |
                                                                   JSON_C_TO_STRING_NOSLASHESCAPE);
    int n = snprintf(document, sizeof(document),
                     "{\"id\":%" PRId64 ",\"slug\":\"harbour-opens\",\"title\":\"Harbour opens\","
                     "\"summary\":null,\"body\":%s," CITY
                     ",\"authors\":[{\"slug\":\"ada-berg\",\"name\":\"Ada Berg\"}],"
                     "\"tags\":[{\"slug\":\"ports\",\"name\":\"Ports\"}]," MIDNIGHT ","
                     "\"updated_at\":\"2000-01-01T00:00:01.500Z\",\"version\":%d}",
                     id, escaped, version);
    cr_assert(n < (int)sizeof(document));
    json_object_put(text);
    PGresult *result = result_create(ARTICLE_COLUMNS);
    result_put_int64(result, 0, 0, id);
    result_put_text(result, 0, 1, status);
    result_put_int32(result, 0, 2, n);
    put_depends_on(result, 3);
    result_put_text(result, 0, 4, strcmp(status, "withdrawn") == 0 ? NULL : document);
    return result;
}

static void put_depends_on(PGresult *result, int column)
{
    const uint64_t keys[] = {entity_key(ENTITY_SECTION, FAKE_SECTION),
                             entity_key(ENTITY_AUTHOR, FAKE_AUTHOR),
                             entity_key(ENTITY_TAG, FAKE_TAG)};
    result_put_keys(result, 0, column, keys, sizeof(keys) / sizeof(keys[0]));
}

static PGresult *without_document(int64_t id, const char *status, int bytes)
{
    PGresult *result = result_create(ARTICLE_COLUMNS);
    result_put_int64(result, 0, 0, id);
    result_put_text(result, 0, 1, status);
    result_put_int32(result, 0, 2, bytes);
    put_depends_on(result, 3);
    result_put_null(result, 0, 4);
    return result;
}

PGresult *fake_large(int64_t id, int bytes)
{
    return without_document(id, "published", bytes);
}

PGresult *fake_marked(int64_t id, int bytes)
{
    return without_document(id, "marked", bytes);
}

PGresult *fake_piece(const char *status, int bytes, const char *piece, size_t length)
{
    PGresult *result = result_create(LARGE_COLUMNS);
    result_put_text(result, 0, 0, status);
    result_put_int32(result, 0, 1, bytes);
    put_depends_on(result, 2);
    if (piece != NULL)
        result_put(result, 0, 3, piece, length);
    else
        result_put_null(result, 0, 3);
    return result;
}

PGresult *fake_no_rows(void)
{
    return result_create(ARTICLE_COLUMNS);
}

PGresult *fake_cards(int64_t article_id, int64_t first, int n)
{
    PGresult *result = result_create(RELATED_COLUMNS);
    uint64_t keys[MAX_CARDS];
    char cards[MAX_CARDS * 256] = "";
    size_t length = 0;
    cr_assert_leq(n, MAX_CARDS);
    for (int i = 0; i < n; i++) {
        keys[i] = entity_key(ENTITY_ARTICLE, first + i);
        length += snprintf(cards + length, sizeof(cards) - length,
                           "%s{\"id\":%" PRId64 ",\"slug\":\"card-%d\",\"title\":\"Card\","
                           "\"summary\":\"Short\"," CITY "," MIDNIGHT "}",
                           i > 0 ? "," : "", first + i, i);
    }
    if (n > 0) {
        result_put_int64(result, 0, 0, article_id);
        result_put_keys(result, 0, 1, keys, (size_t)n);
        result_put_text(result, 0, 2, cards);
    }
    return result;
}

PGresult *fake_id(int64_t id)
{
    PGresult *result = result_create(1);
    result_put_int64(result, 0, 0, id);
    return result;
}
