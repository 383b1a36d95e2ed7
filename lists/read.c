/* Reads articles that were written.
 *
 *     take --> sources --> for each: language, terms, story           (no lock)
 *          --> lock --> what is stored of these articles, and of all their terms
 *          --> the old terms are taken out, the new ones counted --> vectors --> postings
 *          --> write --> their lists are queued */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "db/row.h"
#include "lists/maker_private.h"
#include "related/language.h"
#include "related/pack.h"

/* A published article of the batch. */
struct reading {
    int64_t id, revision;
    struct profile profile;
    struct terms terms; /* a copy: the words and pairs without their sequence */
    struct story story;
    struct vector vector;
};

struct reader {
    struct reading *reading;
    size_t n;
    struct batch good;  /* that were read, or are not published */
    struct batch gone;  /* that are not published */
    struct batch again; /* that have changed meanwhile */
    struct index index;
};

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
static void read_source(struct lists_maker *maker, struct reading *reading, const PGresult *rows,
                        int row);
static bool exchange_terms(struct lists_maker *maker, struct reader *reader,
                           const struct batch *batch);
static bool take_out_old(struct lists_maker *maker, struct reader *reader, PGresult *stored);
static void leave_to_others(struct reader *reader, PGresult *stored);
static bool write_terms(struct lists_maker *maker, struct index *index);
static bool write_articles(struct lists_maker *maker, struct reader *reader);
static bool end_reading(struct lists_maker *maker, struct reader *reader, int16_t turn);
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
                   write_terms(maker, &reader.index) && write_articles(maker, &reader) &&
                   end_reading(maker, &reader, batch->turn);
    reader_finish(&reader);
    batch->ndone = (int)batch->n;
    return is_read;
}

static void batch_add(struct batch *batch, int64_t id)
{
    if ((batch->n & (batch->n - 1)) == 0) /* full: 0, 1, 2, 4 ... */
        batch->id =
            need(realloc(batch->id, (batch->n == 0 ? 1 : 2 * batch->n) * sizeof(*batch->id)));
    batch->id[batch->n++] = id;
}

static struct db_param batch_param(struct db_array *array, const struct batch *batch)
{
    for (size_t i = 0; i < batch->n; i++)
        db_array_add_int64(array, batch->id[i]);
    return db_array_param(array, DB_TYPE_BIGINT);
}

static PGresult *run_with_batch(struct lists_maker *maker, enum lists_statement statement,
                                const struct batch *batch)
{
    struct db_array ids = {0};
    PGresult *rows =
        lists_session_run(maker->session, statement, (struct db_param[]){batch_param(&ids, batch)});

    db_array_finish(&ids);
    return rows;
}

/* ---- the texts */

static bool read_sources(struct lists_maker *maker, struct reader *reader,
                         const struct batch *batch)
{
    struct batch seen = {0};
    PGresult *rows = run_with_batch(maker, LISTS_SOURCES, batch);

    if (rows == NULL)
        return false;
    reader->reading = need(calloc((size_t)PQntuples(rows) + 1, sizeof(*reader->reading)));
    for (int i = 0; i < PQntuples(rows); i++) {
        int64_t id = db_row_int64(rows, i, SOURCE_ID);
        batch_add(&seen, id);
        if (!db_row_is_null(rows, i, SOURCE_FAILURE))
            maker_article_failed(maker, id, PQgetvalue(rows, i, SOURCE_FAILURE));
        else
            read_source(maker, &reader->reading[reader->n++], rows, i);
    }
    PQclear(rows);
    batch_sort(&seen);
    for (size_t i = 0; i < batch->n; i++) {
        if (!batch_has(&seen, batch->id[i]))
            batch_add(&reader->gone, batch->id[i]);
    }
    free(seen.id);
    return true;
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

static void read_source(struct lists_maker *maker, struct reading *reading, const PGresult *rows,
                        int row)
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
    terms_read(&maker->_terms, maker->_words, &source);
    free(ids);

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
    PGresult *stored = run_with_batch(maker, LISTS_LOCK_TERMS, batch);

    if (stored == NULL)
        return false;
    leave_to_others(reader, stored);
    for (size_t i = 0; i < reader->n; i++) {
        for (size_t k = 0; k < reader->reading[i].terms.count; k++)
            index_want(&reader->index, reader->reading[i].terms.term[k].term);
    }
    bool is_loaded = take_out_old(maker, reader, stored);
    PQclear(stored);
    if (!is_loaded)
        return false;

    for (size_t i = 0; i < reader->n; i++)
        index_count(&reader->index, &reader->reading[i].terms, reader->reading[i].profile.language);
    for (size_t i = 0; i < reader->n; i++) {
        struct reading *reading = &reader->reading[i];
        struct query query;
        index_vector(&reader->index, &reading->terms, reading->profile.language, &reading->vector);
        index_query(&reader->index, &reading->vector, reading->profile.language, &query);
        reading->profile.self = query.self;
        index_post(&reader->index, &reading->vector, &reading->profile);
    }
    return true;
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

/* ---- writing */

static bool write_terms(struct lists_maker *maker, struct index *index)
{
    struct db_array terms = {0}, counts = {0}, postings = {0}, languages = {0}, articles = {0},
                    words = {0};
    char bytes[PACK_POSTINGS_BYTES];

    for (size_t i = 0; i < index->nslots; i++) {
        const struct index_entry *entry = &index->entry[i];
        if (!entry->is_changed)
            continue;
        db_array_add_int32(&terms, (int32_t)entry->term);
        db_array_add_int64(&counts, (int64_t)entry->having);
        db_array_add(&postings, bytes, pack_postings(bytes, &entry->postings));
    }
    /* The last place stands for several languages, of which no row tells. */
    for (size_t i = 0; i < index->nlanguages && i + 1 < INDEX_MAX_LANGUAGES; i++) {
        db_array_add(&languages, index->language[i].code, strlen(index->language[i].code));
        db_array_add_int64(&articles, (int64_t)index->language[i].population.articles);
        db_array_add_int64(&words, (int64_t)index->language[i].population.words);
    }
    bool is_written = maker_do(
        maker, LISTS_WRITE_TERMS,
        (struct db_param[]){
            db_array_param(&terms, DB_TYPE_INTEGER), db_array_param(&counts, DB_TYPE_BIGINT),
            db_array_param(&postings, DB_TYPE_BYTEA), db_array_param(&languages, DB_TYPE_TEXT),
            db_array_param(&articles, DB_TYPE_BIGINT), db_array_param(&words, DB_TYPE_BIGINT)});
    struct db_array *all[] = {&terms, &counts, &postings, &languages, &articles, &words};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        db_array_finish(all[i]);
    return is_written;
}

static int by_value(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    return (one > other) - (one < other);
}

/* The terms that are counted and not in the vector. */
static void add_others(struct db_array *array, const struct reading *reading)
{
    size_t n = 0;
    uint32_t *others = need(calloc(reading->terms.count + 1, sizeof(*others)));

    for (size_t i = 0; i < reading->terms.count; i++) {
        uint32_t term = reading->terms.term[i].term;
        if (bsearch(&term, reading->vector.term, reading->vector.n, sizeof(term), by_value) == NULL)
            others[n++] = term;
    }
    char *bytes = need(malloc(4 * n + 1));
    db_array_add(array, bytes, pack_hashes(bytes, others, n));
    free(bytes);
    free(others);
}

enum {
    IDS,
    TIMES,
    SECTIONS,
    LANGUAGES,
    NWORDS,
    SELVES,
    TITLES,
    VECTORS,
    OTHERS,
    STORIES,
    NCOLUMNS
};

static void add_article(struct db_array column[NCOLUMNS], const struct reading *reading)
{
    const int64_t from_1970_to_2000_us = INT64_C(946684800) * 1000000;
    const struct profile *profile = &reading->profile;
    char bytes[PACK_VECTOR_BYTES];
    static_assert((int)PACK_STORY_BYTES <= (int)PACK_VECTOR_BYTES, "the buffer is for both");

    db_array_add_int64(&column[IDS], reading->id);
    db_array_add_int64(&column[TIMES], profile->published_us - from_1970_to_2000_us);
    db_array_add_int64(&column[SECTIONS], profile->section_id);
    db_array_add(&column[LANGUAGES], profile->language, strlen(profile->language));
    db_array_add_int32(&column[NWORDS], (int32_t)reading->terms.length);
    db_array_add_float(&column[SELVES], profile->self);
    db_array_add_int64(&column[TITLES], (int64_t)profile->title_hash);
    db_array_add(&column[VECTORS], bytes, pack_vector(bytes, &reading->vector));
    add_others(&column[OTHERS], reading);
    db_array_add(&column[STORIES], bytes,
                 pack_hashes(bytes, reading->story.shingle, reading->story.n));
}

static bool write_articles(struct lists_maker *maker, struct reader *reader)
{
    static const unsigned types[NCOLUMNS] = {
        [IDS] = DB_TYPE_BIGINT,     [TIMES] = DB_TYPE_TIME,     [SECTIONS] = DB_TYPE_BIGINT,
        [LANGUAGES] = DB_TYPE_TEXT, [NWORDS] = DB_TYPE_INTEGER, [SELVES] = DB_TYPE_REAL,
        [TITLES] = DB_TYPE_BIGINT,  [VECTORS] = DB_TYPE_BYTEA,  [OTHERS] = DB_TYPE_BYTEA,
        [STORIES] = DB_TYPE_BYTEA};
    struct db_array column[NCOLUMNS] = {{0}};
    struct db_param params[1 + NCOLUMNS];
    struct wire version;

    for (size_t i = 0; i < reader->n; i++)
        add_article(column, &reader->reading[i]);
    params[0] = param_int16(&version, LISTS_ANALYSIS);
    for (size_t i = 0; i < NCOLUMNS; i++)
        params[1 + i] = db_array_param(&column[i], types[i]);
    bool is_written = maker_do(maker, LISTS_WRITE_ARTICLES, params);
    for (size_t i = 0; i < NCOLUMNS; i++)
        db_array_finish(&column[i]);
    return is_written;
}

static bool end_reading(struct lists_maker *maker, struct reader *reader, int16_t turn)
{
    struct db_array good = {0}, gone = {0}, again = {0};
    struct wire this_turn, fewest;
    bool is_done = maker_do(
        maker, LISTS_READ_DONE,
        (struct db_param[]){batch_param(&good, &reader->good), batch_param(&gone, &reader->gone),
                            batch_param(&again, &reader->again), param_int16(&this_turn, turn),
                            param_int16(&fewest, RANK_FEWEST_CARDS)});

    db_array_finish(&good);
    db_array_finish(&gone);
    db_array_finish(&again);
    return is_done;
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
