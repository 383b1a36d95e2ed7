#include "lists/maker.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "db/row.h"
#include "lists/maker_private.h"
#include "related/language.h"
#include "related/pack.h"
#include "related/words.h"

static int run_once(struct lists_maker *maker, step_fn *step, int most, int64_t only,
                    struct batch *batch);
static bool is_about_the_batch(const struct lists_session *session);
static int run_each(struct lists_maker *maker, step_fn *step, const struct batch *batch);
static int count_articles(struct lists_maker *maker, int n);

void *need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

void lists_maker_init(struct lists_maker *maker)
{
    maker->_words = words_create();
    maker->_language = language_create();
    terms_init(&maker->_terms);
    candidates_init(&maker->_candidates);
}

void lists_maker_finish(struct lists_maker *maker)
{
    candidates_finish(&maker->_candidates);
    terms_finish(&maker->_terms);
    if (maker->_language != NULL)
        language_destroy(maker->_language);
    words_destroy(maker->_words);
}

int lists_make_first(struct lists_maker *maker, int most)
{
    struct batch batch = {0};
    int n = run_once(maker, first_step, most, 0, &batch);

    free(batch.id);
    if (n >= 0)
        return n;
    counter_add(&maker->stats->failures, 1);
    bool is_about_session =
        lists_session_is_lost(maker->session) || session_needs_new_connection(maker->session);
    return is_about_session ? -1 : 0;
}

int lists_read(struct lists_maker *maker, int most)
{
    return maker_run(maker, read_step, most);
}

int lists_make(struct lists_maker *maker, int most)
{
    uint64_t begun_us = clock_us();
    int n = maker_run(maker, make_step, most);

    if (n > 0)
        counter_add(&maker->stats->list_us, clock_us() - begun_us);
    return n;
}

int lists_round(struct lists_maker *maker, int most, int most_marks)
{
    int nfirst = lists_make_first(maker, most);
    int nmarks = nfirst < 0 ? -1 : lists_write_marks(maker, most_marks);
    int nread = nmarks < 0 ? -1 : lists_read(maker, most);
    int nmade = nread < 0 ? -1 : lists_make(maker, most);

    return nmade < 0 ? -1 : nfirst + nmarks + nread + nmade;
}

/* ---- a step */

int maker_run(struct lists_maker *maker, step_fn *step, int most)
{
    struct batch batch = {0};
    int n = run_once(maker, step, most, 0, &batch);

    if (n < 0 && batch.n > 0 && is_about_the_batch(maker->session))
        n = run_each(maker, step, &batch);
    free(batch.id);
    return count_articles(maker, n);
}

static int count_articles(struct lists_maker *maker, int n)
{
    if (n > 0)
        counter_add(&maker->stats->articles, (uint64_t)n);
    if (n < 0)
        counter_add(&maker->stats->failures, 1);
    return n;
}

/* -1: it failed, and is rolled back. The error is kept. */
static int run_once(struct lists_maker *maker, step_fn *step, int most, int64_t only,
                    struct batch *batch)
{
    counter_add(&maker->stats->calls, 1);
    if (maker_do(maker, LISTS_BEGIN, NULL) && step(maker, most, only, batch) &&
        maker_do(maker, LISTS_COMMIT, NULL))
        return batch->ndone;
    lists_session_roll_back(maker->session);
    return -1;
}

static bool has_sqlstate(const struct lists_session *session, const char *const *sqlstates)
{
    for (; *sqlstates != NULL; sqlstates++) {
        if (strcmp(lists_session_sqlstate(session), *sqlstates) == 0)
            return true;
    }
    return false;
}

bool session_needs_new_connection(const struct lists_session *session)
{
    static const char *const sqlstates[] = {"25006", "0A000", "26000", NULL};
    return has_sqlstate(session, sqlstates);
}

bool session_has_conflict(const struct lists_session *session)
{
    static const char *const sqlstates[] = {"40001", "40P01", "55P03", NULL};
    return has_sqlstate(session, sqlstates);
}

/* Locks, the server's end and a session that can't write are no fault of an article. */
static bool is_about_the_batch(const struct lists_session *session)
{
    const char *sqlstate = lists_session_sqlstate(session);

    return !lists_session_is_lost(session) && !session_needs_new_connection(session) &&
           !session_has_conflict(session) && strncmp(sqlstate, "57P", 3) != 0 &&
           strncmp(sqlstate, "53", 2) != 0 && strncmp(sqlstate, "08", 2) != 0;
}

static int run_each(struct lists_maker *maker, step_fn *step, const struct batch *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        struct batch one = {0};
        int n = run_once(maker, step, 1, batch->id[i], &one);
        free(one.id);
        if (n >= 0)
            continue;
        if (!is_about_the_batch(maker->session))
            return -1;
        char reason[LISTS_ERROR_SIZE];
        struct wire id;
        snprintf(reason, sizeof(reason), "%s", lists_session_error(maker->session));
        if (!maker_do(maker, LISTS_FAILED,
                      (struct db_param[]){param_int64(&id, batch->id[i]), param_text(reason)}))
            return -1;
        maker_article_failed(maker, batch->id[i], reason);
    }
    return (int)batch->n;
}

void maker_article_failed(struct lists_maker *maker, int64_t id, const char *reason)
{
    counter_add(&maker->stats->failed_articles, 1);
    if (maker->on_failed != NULL)
        maker->on_failed(maker, id, reason);
}

void maker_report_failed(struct lists_maker *maker, const PGresult *result)
{
    struct db_keys failed = db_row_keys(result, 0, 1);
    const char *reason = db_row_text(result, 0, 2).base;

    for (size_t i = 0; i < failed.n; i++)
        maker_article_failed(maker, (int64_t)db_keys_at(failed, i), reason != NULL ? reason : "");
}

bool batch_take(struct lists_maker *maker, enum lists_statement statement, int most, int64_t only,
                struct batch *batch)
{
    struct wire limit, id;
    struct db_param params[] = {param_int32(&limit, most), {0}};

    if (only != 0)
        params[1] = param_int64(&id, only);
    PGresult *rows = lists_session_run(maker->session, statement, params);
    if (rows == NULL)
        return false;
    batch->n = (size_t)PQntuples(rows);
    batch->id = need(calloc(batch->n + 1, sizeof(*batch->id)));
    for (int i = 0; i < (int)batch->n; i++) {
        batch->id[i] = db_row_int64(rows, i, 0);
        int16_t turn = db_row_int16(rows, i, 1);
        batch->turn = i == 0 || turn < batch->turn ? turn : batch->turn;
        if (statement == LISTS_TAKE_LISTS)
            batch->revision = db_row_int64(rows, i, 2);
    }
    PQclear(rows);
    return true;
}

void batch_add(struct batch *batch, int64_t id)
{
    if ((batch->n & (batch->n - 1)) == 0) /* full: 0, 1, 2, 4 ... */
        batch->id =
            need(realloc(batch->id, (batch->n == 0 ? 1 : 2 * batch->n) * sizeof(*batch->id)));
    batch->id[batch->n++] = id;
}

void batch_add_to(struct db_array *array, const struct batch *batch)
{
    for (size_t i = 0; i < batch->n; i++)
        db_array_add_int64(array, batch->id[i]);
}

static int by_id(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

void batch_sort(struct batch *batch)
{
    if (batch->n > 0)
        qsort(batch->id, batch->n, sizeof(*batch->id), by_id);
}

bool batch_has(const struct batch *batch, int64_t id)
{
    return batch->n > 0 && bsearch(&id, batch->id, batch->n, sizeof(id), by_id) != NULL;
}

/* ---- the other steps */

int lists_write_marks(struct lists_maker *maker, int most)
{
    struct wire limit;

    counter_add(&maker->stats->calls, 1);
    PGresult *row = lists_session_run(maker->session, LISTS_MARKS,
                                      (struct db_param[]){param_int32(&limit, most)});
    if (row == NULL)
        return count_articles(maker, -1);
    int n = db_row_int32(row, 0, 0);
    maker_report_failed(maker, row);
    PQclear(row);
    return count_articles(maker, n);
}

int lists_queue_oldest(struct lists_maker *maker, const char *older_than, int most)
{
    struct wire version, limit;

    PGresult *row =
        lists_session_run(maker->session, LISTS_SLOW_PASS,
                          (struct db_param[]){param_int16(&version, LISTS_ANALYSIS),
                                              param_text(older_than), param_int32(&limit, most)});
    int n = row != NULL ? db_row_int32(row, 0, 0) : -1;
    PQclear(row);
    return n;
}

bool lists_read_status(struct lists_maker *maker)
{
    struct lists_stats *stats = maker->stats;
    unsigned version = 0;

    PGresult *rows = lists_session_run(maker->session, LISTS_STATUS, NULL);
    if (rows == NULL)
        return false;
    for (int i = 0; i < PQntuples(rows); i++) {
        uint64_t age_s = (uint64_t)db_row_int64(rows, i, 2);
        if (db_row_is_null(rows, i, 0)) {
            counter_set(&stats->queued, (uint64_t)db_row_int64(rows, i, 1));
            counter_set(&stats->queue_age_s, age_s);
        } else if (version < LISTS_MAX_VERSIONS) {
            counter_set(&stats->oldest[version].analysis, (uint64_t)db_row_int16(rows, i, 0));
            counter_set(&stats->oldest[version++].age_s, age_s);
        }
    }
    for (; version < LISTS_MAX_VERSIONS; version++)
        counter_set(&stats->oldest[version].analysis, 0);
    PQclear(rows);
    return true;
}

/* ---- what the steps share */

bool maker_do(struct lists_maker *maker, enum lists_statement statement,
              const struct db_param *params)
{
    PGresult *result = lists_session_run(maker->session, statement, params);

    PQclear(result);
    return result != NULL;
}

PGresult *maker_ask(struct lists_maker *maker, enum lists_statement statement, const int64_t *ids,
                    size_t n)
{
    struct db_array array = {0};

    for (size_t i = 0; i < n; i++)
        db_array_add_int64(&array, ids[i]);
    PGresult *rows = lists_session_run(maker->session, statement,
                                       (struct db_param[]){db_array_param(&array, DB_TYPE_BIGINT)});
    db_array_finish(&array);
    return rows;
}

bool maker_load_terms(struct lists_maker *maker, struct index *index)
{
    struct db_array terms = {0};

    for (size_t i = 0; i < index->nslots; i++) {
        if (index->entry[i].is_used)
            db_array_add_int32(&terms, (int32_t)index->entry[i].term);
    }
    PGresult *rows = lists_session_run(
        maker->session, LISTS_TERMS, (struct db_param[]){db_array_param(&terms, DB_TYPE_INTEGER)});
    db_array_finish(&terms);
    for (int i = 0; rows != NULL && i < PQntuples(rows); i++) {
        uint64_t narticles = (uint64_t)db_row_int64(rows, i, 1);
        if (db_row_is_null(rows, i, 0)) {
            index_put_language(index, PQgetvalue(rows, i, 3),
                               (struct population){.articles = narticles,
                                                   .words = (uint64_t)db_row_int64(rows, i, 4)});
            continue;
        }
        struct index_entry *entry = index_want(index, (uint32_t)db_row_int32(rows, i, 0));
        entry->having = narticles;
        unpack_postings(&entry->postings, PQgetvalue(rows, i, 2), (size_t)PQgetlength(rows, i, 2));
    }
    bool is_loaded = rows != NULL;
    PQclear(rows);
    return is_loaded;
}

struct db_param param_text(const char *text)
{
    return (struct db_param){.value = text};
}

struct db_param param_int64(struct wire *wire, int64_t value)
{
    uint64_t bits = htobe64((uint64_t)value);
    memcpy(wire->bytes, &bits, sizeof(bits));
    return (struct db_param){.value = wire->bytes, .length = sizeof(bits), .is_binary = true};
}

struct db_param param_int32(struct wire *wire, int32_t value)
{
    uint32_t bits = htobe32((uint32_t)value);
    memcpy(wire->bytes, &bits, sizeof(bits));
    return (struct db_param){.value = wire->bytes, .length = sizeof(bits), .is_binary = true};
}

struct db_param param_int16(struct wire *wire, int16_t value)
{
    uint16_t bits = htobe16((uint16_t)value);
    memcpy(wire->bytes, &bits, sizeof(bits));
    return (struct db_param){.value = wire->bytes, .length = sizeof(bits), .is_binary = true};
}
