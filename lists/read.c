/* Reads articles that were written.
 *
 *     take --> sources --> for each: language, terms, story           (no lock)
 *          --> lock --> what is stored of these articles, and of all their terms
 *          --> the old terms are taken out, the new ones counted --> vectors --> postings
 *          --> write --> their lists are queued
 *
 * Readers wait for the list of an article that is published now. So a step before this one makes a first list. It reads
 * the same texts, without a lock, and writes nothing but the list:
 *
 *     new --> texts --> for each: language, terms, story --> what is stored of the terms --> vectors --> make.c
 *
 * Then the article is read as any other. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "db/row.h"
#include "lists/reader.h"
#include "related/language.h"
#include "related/pack.h"

enum {
    SOURCE_ID,
    SOURCE_REVISION,
    SOURCE_TIME,
    SOURCE_SECTION,
    SOURCE_LANGUAGE,
    SOURCE_TITLE,
    SOURCE_SUMMARY,
    SOURCE_BODY,
    SOURCE_TAGS,
    SOURCE_USUAL,
    SOURCE_FAILURE
};

static bool read_sources(struct lists_maker *maker, struct reader *reader,
                         const struct batch *batch);
static void read_rows(struct lists_maker *maker, struct reader *reader, const PGresult *rows,
                      struct batch *seen);
static void read_source(struct lists_maker *maker, struct reading *reading, const PGresult *rows,
                        int row);
static void want_terms(struct reader *reader);
static void make_vectors(struct reader *reader);
static bool exchange_terms(struct lists_maker *maker, struct reader *reader,
                           const struct batch *batch);
static bool take_out_old(struct lists_maker *maker, struct reader *reader, PGresult *stored);
static void leave_to_others(struct reader *reader, PGresult *stored);
static void reader_finish(struct reader *reader);

bool read_step(struct lists_maker *maker, int most, int64_t only, struct batch *batch)
{
    struct reader reader = {0};

    if (!batch_take(maker, LISTS_TAKE, most, only, batch))
        return false;
    if (batch->n == 0)
        return true;
    index_init(&reader.index);
    bool is_read = read_sources(maker, &reader, batch) && exchange_terms(maker, &reader, batch) &&
                   reader_store(maker, &reader, batch->turn);
    reader_finish(&reader);
    batch->ndone = (int)batch->n;
    return is_read;
}

bool first_step(struct lists_maker *maker, int most, int64_t only, struct batch *batch)
{
    struct reader reader = {0};
    struct wire limit;

    assert(only == 0);
    PGresult *rows = lists_session_run(maker->session, LISTS_NEW,
                                       (struct db_param[]){param_int32(&limit, most)});
    if (rows == NULL)
        return false;
    index_init(&reader.index);
    read_rows(maker, &reader, rows, batch);
    PQclear(rows);
    want_terms(&reader);
    bool is_made = reader.n == 0 || maker_load_terms(maker, &reader.index);
    if (is_made && reader.n > 0) {
        make_vectors(&reader);
        is_made = make_first_lists(maker, &reader, batch);
    }
    reader_finish(&reader);
    return is_made;
}

/* ---- the texts */

static bool read_sources(struct lists_maker *maker, struct reader *reader,
                         const struct batch *batch)
{
    struct batch seen = {0};
    PGresult *rows = maker_ask(maker, LISTS_SOURCES, batch->id, batch->n);

    if (rows == NULL)
        return false;
    read_rows(maker, reader, rows, &seen);
    PQclear(rows);
    batch_sort(&seen);
    for (size_t i = 0; i < batch->n; i++) {
        if (!batch_has(&seen, batch->id[i]))
            batch_add(&reader->gone, batch->id[i]);
    }
    free(seen.id);
    return true;
}

static void read_rows(struct lists_maker *maker, struct reader *reader, const PGresult *rows,
                      struct batch *seen)
{
    reader->reading = need(calloc((size_t)PQntuples(rows) + 1, sizeof(*reader->reading)));
    for (int i = 0; i < PQntuples(rows); i++) {
        int64_t id = db_row_int64(rows, i, SOURCE_ID);
        batch_add(seen, id);
        if (!db_row_is_null(rows, i, SOURCE_FAILURE))
            maker_article_failed(maker, id, PQgetvalue(rows, i, SOURCE_FAILURE));
        else
            read_source(maker, &reader->reading[reader->n++], rows, i);
    }
}

static struct text text_of(const PGresult *rows, int row, int column)
{
    struct db_text text = db_row_text(rows, row, column);
    return (struct text){text.base, (size_t)text.length};
}

static void find_language(struct lists_maker *maker, struct article_source *source,
                          const PGresult *rows, int row)
{
    struct text given = text_of(rows, row, SOURCE_LANGUAGE);

    if (given.data != NULL)
        language_of_tag(given.data, given.bytes, source->language);
    if (source->language[0] == '\0' && maker->_language != NULL)
        language_of_text(maker->_language, source->body.data, source->body.bytes, source->language);
    if (source->language[0] == '\0')
        language_copy(source->language, PQgetvalue(rows, row, SOURCE_USUAL));
}

struct article_source reader_source(struct lists_maker *maker, const PGresult *rows, int row)
{
    struct db_keys tags = db_row_keys(rows, row, SOURCE_TAGS);
    int64_t *ids = need(calloc(tags.n + 1, sizeof(*ids)));
    struct article_source source = {.title = text_of(rows, row, SOURCE_TITLE),
                                    .summary = text_of(rows, row, SOURCE_SUMMARY),
                                    .body = text_of(rows, row, SOURCE_BODY),
                                    .tags = ids,
                                    .ntags = tags.n};

    for (size_t i = 0; i < tags.n; i++)
        ids[i] = (int64_t)db_keys_at(tags, i);
    find_language(maker, &source, rows, row);
    return source;
}

static void read_source(struct lists_maker *maker, struct reading *reading, const PGresult *rows,
                        int row)
{
    struct article_source source = reader_source(maker, rows, row);

    terms_read(&maker->_terms, maker->_words, &source);
    free((void *)source.tags);

    *reading = (struct reading){.id = db_row_int64(rows, row, SOURCE_ID),
                                .revision = db_row_int64(rows, row, SOURCE_REVISION)};
    reading->profile = (struct profile){.id = reading->id,
                                        .published_us = db_row_time_us(rows, row, SOURCE_TIME),
                                        .section_id = db_row_int64(rows, row, SOURCE_SECTION)};
    language_copy(reading->profile.language, source.language);
    story_make(&reading->story, &maker->_terms, reading->profile.published_us);
    reading->profile.title_hash = reading->story.title_hash;
    terms_copy(&reading->terms, &maker->_terms);
}

/* ---- the terms */

static bool exchange_terms(struct lists_maker *maker, struct reader *reader,
                           const struct batch *batch)
{
    PGresult *stored = maker_ask(maker, LISTS_LOCK_TERMS, batch->id, batch->n);

    if (stored == NULL)
        return false;
    leave_to_others(reader, stored);
    want_terms(reader);
    bool is_loaded = take_out_old(maker, reader, stored);
    PQclear(stored);
    if (!is_loaded)
        return false;

    make_vectors(reader);
    for (size_t i = 0; i < reader->n; i++)
        index_post(&reader->index, &reader->reading[i].vector, &reader->reading[i].profile);
    return true;
}

static void want_terms(struct reader *reader)
{
    for (size_t i = 0; i < reader->n; i++) {
        for (size_t k = 0; k < reader->reading[i].terms.count; k++)
            index_want(&reader->index, reader->reading[i].terms.term[k].term);
    }
}

/* From counts that have these articles in them. */
static void make_vectors(struct reader *reader)
{
    for (size_t i = 0; i < reader->n; i++)
        index_count(&reader->index, &reader->reading[i].terms, reader->reading[i].profile.language);
    for (size_t i = 0; i < reader->n; i++) {
        struct reading *reading = &reader->reading[i];
        struct query query;
        index_vector(&reader->index, &reading->terms, reading->profile.language, &reading->vector);
        index_query(&reader->index, &reading->vector, reading->profile.language, &query);
        reading->profile.self = query.self;
    }
}

enum {
    STORED_ID,
    STORED_PUBLISHED,
    STORED_REVISION,
    STORED_LANGUAGE,
    STORED_NWORDS,
    STORED_VECTOR,
    STORED_OTHERS
};

/* The row of an article of the batch. The rows are in the order of the ids. */
static int stored_row(const PGresult *stored, int64_t id)
{
    int first = 0, end = PQntuples(stored);

    while (first + 1 < end) {
        int middle = first + (end - first) / 2;
        if (db_row_int64(stored, middle, STORED_ID) <= id)
            first = middle;
        else
            end = middle;
    }
    assert(first < end && db_row_int64(stored, first, STORED_ID) == id);
    return first;
}

/* Between our reading of its text and the lock, an article may have been published or withdrawn, and another session
 * may have read it, perhaps from a later text. Such an article is read again. */
static void leave_to_others(struct reader *reader, PGresult *stored)
{
    size_t kept = 0;

    for (size_t i = 0; i < reader->n; i++) {
        struct reading *reading = &reader->reading[i];
        int row = stored_row(stored, reading->id);
        if (!db_row_bool(stored, row, STORED_PUBLISHED) ||
            db_row_int64(stored, row, STORED_REVISION) != reading->revision) {
            batch_add(&reader->again, reading->id);
            terms_finish(&reading->terms);
        } else {
            batch_add(&reader->good, reading->id);
            reader->reading[kept++] = *reading;
        }
    }
    reader->n = kept;
    kept = 0;
    for (size_t i = 0; i < reader->gone.n; i++) {
        int64_t id = reader->gone.id[i];
        if (db_row_bool(stored, stored_row(stored, id), STORED_PUBLISHED)) {
            batch_add(&reader->again, id);
        } else {
            batch_add(&reader->good, id);
            reader->gone.id[kept++] = id;
        }
    }
    reader->gone.n = kept;
    batch_sort(&reader->good);
}

/* The terms of a stored article. The caller frees them. */
static uint32_t *terms_of_stored(const PGresult *stored, int row, size_t *ret_n)
{
    size_t bytes = (size_t)PQgetlength(stored, row, STORED_OTHERS), most = bytes / 4;
    uint32_t *terms = need(calloc(most + VECTOR_MAX_TERMS + 1, sizeof(*terms)));
    struct vector vector;

    size_t n = unpack_hashes(terms, most, PQgetvalue(stored, row, STORED_OTHERS), bytes);
    unpack_vector(&vector, PQgetvalue(stored, row, STORED_VECTOR),
                  (size_t)PQgetlength(stored, row, STORED_VECTOR));
    memcpy(terms + n, vector.term, vector.n * sizeof(*terms));
    *ret_n = n + vector.n;
    return terms;
}

/* Loads all terms, those of the stored articles too, and takes these articles out of them. */
static bool take_out_old(struct lists_maker *maker, struct reader *reader, PGresult *stored)
{
    int n = PQntuples(stored);
    uint32_t **terms = need(calloc((size_t)n + 1, sizeof(*terms)));
    size_t *nterms = need(calloc((size_t)n + 1, sizeof(*nterms)));

    for (int i = 0; i < n; i++) {
        if (db_row_int64(stored, i, STORED_REVISION) == 0 ||
            !batch_has(&reader->good, db_row_int64(stored, i, STORED_ID)))
            continue;
        terms[i] = terms_of_stored(stored, i, &nterms[i]);
        for (size_t k = 0; k < nterms[i]; k++)
            index_want(&reader->index, terms[i][k]);
    }
    bool is_loaded = maker_load_terms(maker, &reader->index);
    for (int i = 0; i < n; i++) {
        if (is_loaded && terms[i] != NULL)
            index_remove(&reader->index, terms[i], nterms[i],
                         (uint32_t)db_row_int32(stored, i, STORED_NWORDS),
                         PQgetvalue(stored, i, STORED_LANGUAGE),
                         db_row_int64(stored, i, STORED_ID));
        free(terms[i]);
    }
    free(terms);
    free(nterms);
    return is_loaded;
}

static void reader_finish(struct reader *reader)
{
    for (size_t i = 0; i < reader->n; i++)
        terms_finish(&reader->reading[i].terms);
    free(reader->reading);
    free(reader->good.id);
    free(reader->gone.id);
    free(reader->again.id);
    index_finish(&reader->index);
}
