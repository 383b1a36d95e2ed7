/* Writes what a step that reads has found, in one statement: terms, articles, the queue. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lists/reader.h"
#include "related/pack.h"

/* The arrays of the statement, in the order of its parameters. */
enum {
    TERMS,
    COUNTS,
    POSTINGS,
    CODES, /* of languages */
    CODE_ARTICLES,
    CODE_WORDS,
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
    GOOD,
    GONE,
    AGAIN,
    NARRAYS
};

static void add_terms(struct db_array array[NARRAYS], const struct index *index);
static void add_article(struct db_array array[NARRAYS], const struct reading *reading);
static bool store(struct lists_maker *maker, struct db_array array[NARRAYS], int16_t turn);

bool reader_store(struct lists_maker *maker, const struct reader *reader, int16_t turn)
{
    struct db_array array[NARRAYS] = {{0}};

    add_terms(array, &reader->index);
    for (size_t i = 0; i < reader->n; i++)
        add_article(array, &reader->reading[i]);
    batch_add_to(&array[GOOD], &reader->good);
    batch_add_to(&array[GONE], &reader->gone);
    batch_add_to(&array[AGAIN], &reader->again);
    bool is_stored = store(maker, array, turn);
    for (size_t i = 0; i < NARRAYS; i++)
        db_array_finish(&array[i]);
    return is_stored;
}

static void add_terms(struct db_array array[NARRAYS], const struct index *index)
{
    char bytes[PACK_POSTINGS_BYTES];

    for (size_t i = 0; i < index->nslots; i++) {
        const struct index_entry *entry = &index->entry[i];
        if (!entry->is_changed)
            continue;
        db_array_add_int32(&array[TERMS], (int32_t)entry->term);
        db_array_add_int64(&array[COUNTS], (int64_t)entry->having);
        db_array_add(&array[POSTINGS], bytes, pack_postings(bytes, &entry->postings));
    }
    /* The last place stands for several languages, of which no row tells. */
    for (size_t i = 0; i < index->nlanguages && i + 1 < INDEX_MAX_LANGUAGES; i++) {
        const struct population *population = &index->language[i].population;
        db_array_add(&array[CODES], index->language[i].code, strlen(index->language[i].code));
        db_array_add_int64(&array[CODE_ARTICLES], (int64_t)population->articles);
        db_array_add_int64(&array[CODE_WORDS], (int64_t)population->words);
    }
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

static void add_article(struct db_array array[NARRAYS], const struct reading *reading)
{
    const int64_t from_1970_to_2000_us = INT64_C(946684800) * 1000000;
    const struct profile *profile = &reading->profile;
    char bytes[PACK_VECTOR_BYTES];
    static_assert((int)PACK_STORY_BYTES <= (int)PACK_VECTOR_BYTES, "the buffer is for both");

    db_array_add_int64(&array[IDS], reading->id);
    db_array_add_int64(&array[TIMES], profile->published_us - from_1970_to_2000_us);
    db_array_add_int64(&array[SECTIONS], profile->section_id);
    db_array_add(&array[LANGUAGES], profile->language, strlen(profile->language));
    db_array_add_int32(&array[NWORDS], (int32_t)reading->terms.length);
    db_array_add_float(&array[SELVES], profile->self);
    db_array_add_int64(&array[TITLES], (int64_t)profile->title_hash);
    db_array_add(&array[VECTORS], bytes, pack_vector(bytes, &reading->vector));
    add_others(&array[OTHERS], reading);
    db_array_add(&array[STORIES], bytes,
                 pack_hashes(bytes, reading->story.shingle, reading->story.n));
}

static bool store(struct lists_maker *maker, struct db_array array[NARRAYS], int16_t turn)
{
    static const unsigned types[NARRAYS] = {
        [TERMS] = DB_TYPE_INTEGER,  [COUNTS] = DB_TYPE_BIGINT,        [POSTINGS] = DB_TYPE_BYTEA,
        [CODES] = DB_TYPE_TEXT,     [CODE_ARTICLES] = DB_TYPE_BIGINT, [CODE_WORDS] = DB_TYPE_BIGINT,
        [IDS] = DB_TYPE_BIGINT,     [TIMES] = DB_TYPE_TIME,           [SECTIONS] = DB_TYPE_BIGINT,
        [LANGUAGES] = DB_TYPE_TEXT, [NWORDS] = DB_TYPE_INTEGER,       [SELVES] = DB_TYPE_REAL,
        [TITLES] = DB_TYPE_BIGINT,  [VECTORS] = DB_TYPE_BYTEA,        [OTHERS] = DB_TYPE_BYTEA,
        [STORIES] = DB_TYPE_BYTEA,  [GOOD] = DB_TYPE_BIGINT,          [GONE] = DB_TYPE_BIGINT,
        [AGAIN] = DB_TYPE_BIGINT};
    struct db_param params[NARRAYS + 3];
    struct wire version, this_turn, fewest;

    for (size_t i = 0; i < NARRAYS; i++)
        params[i] = db_array_param(&array[i], types[i]);
    params[NARRAYS] = param_int16(&version, LISTS_ANALYSIS);
    params[NARRAYS + 1] = param_int16(&this_turn, turn);
    params[NARRAYS + 2] = param_int16(&fewest, RANK_FEWEST_CARDS);
    return maker_do(maker, LISTS_STORE, params);
}
