/* Writes what a step that reads has found: terms --> articles --> the queue. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lists/reader.h"
#include "related/pack.h"

static bool write_terms(struct lists_maker *maker, struct index *index);
static bool write_articles(struct lists_maker *maker, struct reader *reader);
static bool end_reading(struct lists_maker *maker, struct reader *reader, int16_t turn);

bool reader_store(struct lists_maker *maker, struct reader *reader, int16_t turn)
{
    return write_terms(maker, &reader->index) && write_articles(maker, reader) &&
           end_reading(maker, reader, turn);
}

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
