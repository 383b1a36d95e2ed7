/* Makes lists.
 *
 *     take --> the vectors of the articles --> what is stored of their terms --> candidates
 *          --> the vectors of the candidates --> scores --> stories of those that are much alike --> cards
 *          --> where cards are few: the newest articles of the section
 *          --> write, and queue the lists that the articles may enter */
#include <stdlib.h>
#include <string.h>

#include "base/container_of.h"
#include "base/table.h"
#include "db/row.h"
#include "lists/maker_private.h"
#include "related/pack.h"

enum { NEWEST_FEW = 40, NEWEST_MANY = 1000 };

/* An article that a list of the batch may show, or whose list it is. */
struct known {
    struct table_node node; /* by its id */
    struct profile profile;
    struct vector vector;
    int64_t revision;
    struct story *story; /* NULL: there is none, or it is not read */
    bool is_there;       /* it has been read; perhaps it was withdrawn since then */
    enum { STORY_UNKNOWN, STORY_WANTED, STORY_READ } story_state;
};

/* A list of the batch. */
struct list {
    struct rank_stories stories;
    struct builder *builder;
    struct known *article; /* its id may not be there: then the list is empty */
    struct query query;
    struct finalist finalist[RANK_FINALISTS];
    unsigned nfinalists;
    int64_t neighbour
        [RANK_NEIGHBOURS]; /* candidates, best first; the finalists are the first of them */
    unsigned nneighbours;
    int64_t card[RANK_CARDS];
    float score[RANK_CARDS];
    unsigned ncards;
    bool lacks_story; /* the choice is not the last one */
};

struct builder {
    struct lists_maker *maker;
    struct table table; /* of struct known */
    struct known **known;
    size_t nknown;
    struct db_array wanted; /* ids: of vectors, or of stories */
    struct list *list;
    size_t n;
    struct index index;
};

static struct known *want(struct builder *builder, int64_t id);
static bool read_vectors(struct builder *builder);
static bool find_candidates(struct builder *builder, bool is_published);
static void score_candidates(struct list *list);
static bool choose_cards(struct builder *builder);
static void choose(struct list *list);
static rank_same_story_fn is_same;
static bool want_story(struct builder *builder, struct known *known);
static bool read_stories(struct builder *builder);
static bool fill_lists(struct builder *builder);
static bool write_lists(struct builder *builder, struct batch *batch);
static void builder_finish(struct builder *builder);

bool make_step(struct lists_maker *maker, int most, int64_t only, struct batch *batch)
{
    struct builder builder = {.maker = maker};

    if (!batch_take(maker, LISTS_TAKE_LISTS, most, only, batch))
        return false;
    if (batch->n == 0)
        return true;
    table_init(&builder.table, 1);
    index_init(&builder.index);
    builder.list = need(calloc(batch->n, sizeof(*builder.list)));
    builder.n = batch->n;
    for (size_t i = 0; i < batch->n; i++) {
        builder.list[i] = (struct list){.stories = {is_same},
                                        .builder = &builder,
                                        .article = want(&builder, batch->id[i]),
                                        .lacks_story = true};
    }
    bool is_made = read_vectors(&builder) && find_candidates(&builder, batch->turn == 0) &&
                   read_vectors(&builder);
    for (size_t i = 0; is_made && i < builder.n; i++)
        score_candidates(&builder.list[i]);
    is_made =
        is_made && choose_cards(&builder) && fill_lists(&builder) && write_lists(&builder, batch);
    builder_finish(&builder);
    return is_made;
}

static void builder_finish(struct builder *builder)
{
    for (size_t i = 0; i < builder->nknown; i++) {
        table_remove(&builder->table, &builder->known[i]->node);
        free(builder->known[i]->story);
        free(builder->known[i]);
    }
    free(builder->known);
    free(builder->list);
    db_array_finish(&builder->wanted);
    index_finish(&builder->index);
}

/* ---- articles */

static struct known *find(const struct builder *builder, int64_t id)
{
    struct table_node *node = table_find(&builder->table, (uint64_t)id);
    return node != NULL ? container_of(node, struct known, node) : NULL;
}

/* The article, whose vector read_vectors() will read if it has not. */
static struct known *want(struct builder *builder, int64_t id)
{
    struct known *known = find(builder, id);

    if (known != NULL)
        return known;
    known = need(calloc(1, sizeof(*known)));
    table_insert(&builder->table, &known->node, (uint64_t)id);
    if ((builder->nknown & (builder->nknown - 1)) == 0) /* full: 0, 1, 2, 4 ... */
        builder->known =
            need(realloc(builder->known, (builder->nknown == 0 ? 1 : 2 * builder->nknown) *
                                             sizeof(*builder->known)));
    builder->known[builder->nknown++] = known;
    db_array_add_int64(&builder->wanted, id);
    return known;
}

/* Asks for the articles of builder->wanted. */
static PGresult *ask(struct builder *builder, enum lists_statement statement)
{
    PGresult *rows =
        lists_session_run(builder->maker->session, statement,
                          (struct db_param[]){db_array_param(&builder->wanted, DB_TYPE_BIGINT)});

    db_array_clear(&builder->wanted);
    return rows;
}

enum {
    VECTOR_ID,
    VECTOR_REVISION,
    VECTOR_TIME,
    VECTOR_SECTION,
    VECTOR_LANGUAGE,
    VECTOR_SELF,
    VECTOR_TITLE,
    VECTOR_VECTOR
};

static bool read_vectors(struct builder *builder)
{
    if (builder->wanted.n == 0)
        return true;
    PGresult *rows = ask(builder, LISTS_VECTORS);
    for (int i = 0; rows != NULL && i < PQntuples(rows); i++) {
        int64_t id = db_row_int64(rows, i, VECTOR_ID);
        struct known *known = find(builder, id);
        known->profile =
            (struct profile){.id = id,
                             .published_us = db_row_time_us(rows, i, VECTOR_TIME),
                             .section_id = db_row_int64(rows, i, VECTOR_SECTION),
                             .title_hash = (uint64_t)db_row_int64(rows, i, VECTOR_TITLE),
                             .self = db_row_float(rows, i, VECTOR_SELF)};
        language_copy(known->profile.language, PQgetvalue(rows, i, VECTOR_LANGUAGE));
        known->revision = db_row_int64(rows, i, VECTOR_REVISION);
        known->is_there = unpack_vector(&known->vector, PQgetvalue(rows, i, VECTOR_VECTOR),
                                        (size_t)PQgetlength(rows, i, VECTOR_VECTOR));
    }
    PQclear(rows);
    return rows != NULL;
}

/* ---- candidates and scores */

/* More of them for articles that are published now, so that they enter older lists soon. */
static bool find_candidates(struct builder *builder, bool is_published)
{
    for (size_t i = 0; i < builder->n; i++) {
        const struct known *article = builder->list[i].article;
        for (unsigned k = 0; article->is_there && k < article->vector.n; k++)
            index_want(&builder->index, article->vector.term[k]);
    }
    if (!maker_load_terms(builder->maker, &builder->index))
        return false;
    for (size_t i = 0; i < builder->n; i++) {
        struct list *list = &builder->list[i];
        struct known *article = list->article;
        if (!article->is_there)
            continue;
        index_query(&builder->index, &article->vector, article->profile.language, &list->query);
        list->nneighbours = index_candidates(
            &builder->index, &list->query, article->profile.id, &builder->maker->_candidates,
            is_published ? RANK_NEIGHBOURS : RANK_FINALISTS, list->neighbour);
        for (unsigned k = 0; k < list->nneighbours; k++)
            want(builder, list->neighbour[k]);
    }
    return true;
}

/* A candidate without terms, such as one that was withdrawn, is no finalist. */
static void score_candidates(struct list *list)
{
    for (unsigned i = 0; i < list->nneighbours && list->nfinalists < RANK_FINALISTS; i++) {
        struct known *other = find(list->builder, list->neighbour[i]);
        if (other->is_there)
            list->finalist[list->nfinalists++] = (struct finalist){
                &other->vector, &other->profile,
                rank_score(&list->query, &list->article->profile, &other->vector, &other->profile)};
    }
}

/* ---- cards */

/* A choice that lacks a story is made again, once all the stories that choices lack are there. */
static bool choose_cards(struct builder *builder)
{
    do {
        if (!read_stories(builder))
            return false;
        for (size_t i = 0; i < builder->n; i++) {
            if (builder->list[i].lacks_story)
                choose(&builder->list[i]);
        }
    } while (builder->wanted.n > 0);
    return true;
}

static void choose(struct list *list)
{
    unsigned cards[RANK_CARDS];

    list->ncards = 0;
    list->lacks_story = false;
    if (!list->article->is_there)
        return;
    unsigned n = rank_choose(&list->query, &list->article->profile, list->finalist,
                             list->nfinalists, &list->stories, cards);
    for (unsigned i = 0; i < n; i++) {
        list->card[i] = list->finalist[cards[i]].profile->id;
        list->score[i] = list->finalist[cards[i]].score.total;
    }
    list->ncards = n;
}

static struct known *of_index(const struct list *list, int index)
{
    return index < 0 ? list->article : find(list->builder, list->finalist[index].profile->id);
}

/* An article without a story is the same as no other. */
static bool are_same(const struct known *one, const struct known *other)
{
    return one->story != NULL && other->story != NULL && story_is_same(one->story, other->story);
}

static bool is_same(struct rank_stories *stories, int one, int other)
{
    struct list *list = container_of(stories, struct list, stories);
    struct known *first = of_index(list, one), *second = of_index(list, other);
    bool is_first_read = want_story(list->builder, first),
         is_second_read = want_story(list->builder, second);

    list->lacks_story |= !is_first_read || !is_second_read;
    return are_same(first, second);
}

/* Is its story read? Otherwise read_stories() will do so. */
static bool want_story(struct builder *builder, struct known *known)
{
    if (known->story_state == STORY_UNKNOWN) {
        known->story_state = STORY_WANTED;
        db_array_add_int64(&builder->wanted, known->profile.id);
    }
    return known->story_state == STORY_READ;
}

/* An article that has gone meanwhile has no story. */
static bool read_stories(struct builder *builder)
{
    if (builder->wanted.n == 0)
        return true;
    PGresult *rows = ask(builder, LISTS_STORIES);
    for (size_t i = 0; i < builder->nknown; i++) {
        if (builder->known[i]->story_state == STORY_WANTED)
            builder->known[i]->story_state = STORY_READ;
    }
    for (int i = 0; rows != NULL && i < PQntuples(rows); i++) {
        struct known *known = find(builder, db_row_int64(rows, i, 0));
        known->story = need(calloc(1, sizeof(*known->story)));
        known->story->title_hash = known->profile.title_hash;
        known->story->published_us = known->profile.published_us;
        known->story->n =
            (unsigned)unpack_hashes(known->story->shingle, STORY_MAX_SHINGLES,
                                    PQgetvalue(rows, i, 1), (size_t)PQgetlength(rows, i, 1));
    }
    PQclear(rows);
    return rows != NULL;
}

/* ---- the newest of the section */

/* The newest articles of each section that a list needs, in `rows`; their vectors and stories are read. */
static bool read_newest(struct builder *builder, unsigned fewer_than, int depth,
                        PGresult **ret_rows)
{
    struct db_array sections = {0};
    struct wire limit;

    *ret_rows = NULL;
    for (size_t i = 0; i < builder->n; i++) {
        struct list *list = &builder->list[i];
        if (!list->article->is_there || list->ncards >= fewer_than)
            continue;
        bool is_new = true;
        for (size_t k = 0; k < i && is_new; k++)
            is_new =
                builder->list[k].ncards >= fewer_than || !builder->list[k].article->is_there ||
                builder->list[k].article->profile.section_id != list->article->profile.section_id;
        if (is_new)
            db_array_add_int64(&sections, list->article->profile.section_id);
    }
    if (sections.n == 0)
        return true;
    PGresult *rows = lists_session_run(
        builder->maker->session, LISTS_NEWEST,
        (struct db_param[]){db_array_param(&sections, DB_TYPE_BIGINT), param_int32(&limit, depth)});
    db_array_finish(&sections);
    for (int i = 0; rows != NULL && i < PQntuples(rows); i++)
        want(builder, db_row_int64(rows, i, 1));
    *ret_rows = rows;
    if (rows == NULL || !read_vectors(builder))
        return false;
    for (int i = 0; i < PQntuples(rows); i++)
        want_story(builder, find(builder, db_row_int64(rows, i, 1)));
    for (size_t i = 0; i < builder->n; i++) {
        struct list *list = &builder->list[i];
        if (!list->article->is_there || list->ncards >= fewer_than)
            continue;
        want_story(builder, list->article);
        for (unsigned k = 0; k < list->ncards; k++)
            want_story(builder, find(builder, list->card[k]));
    }
    return read_stories(builder);
}

static bool may_be_added(struct list *list, struct known *other)
{
    bool is_new = other->is_there && other != list->article &&
                  other->profile.section_id == list->article->profile.section_id &&
                  !are_same(list->article, other);
    for (unsigned i = 0; i < list->ncards && is_new; i++)
        is_new = list->card[i] != other->profile.id &&
                 !are_same(find(list->builder, list->card[i]), other);
    return is_new;
}

static void fill_list(struct list *list, const PGresult *rows, unsigned up_to)
{
    for (int i = 0; i < PQntuples(rows) && list->ncards < up_to; i++) {
        struct known *other = find(list->builder, db_row_int64(rows, i, 1));
        if (!may_be_added(list, other))
            continue;
        list->card[list->ncards] = other->profile.id;
        list->score[list->ncards++] = 0;
    }
}

/* A list has three cards where the section has three other stories among its newest, and one where it has one among
 * its newest thousand. */
static bool fill_lists(struct builder *builder)
{
    static const struct {
        unsigned fewer_than, up_to;
        int depth;
    } passes[] = {{RANK_FEWEST_CARDS, RANK_FEWEST_CARDS, NEWEST_FEW}, {1, 1, NEWEST_MANY}};

    for (size_t p = 0; p < sizeof(passes) / sizeof(passes[0]); p++) {
        PGresult *rows;
        if (!read_newest(builder, passes[p].fewer_than, passes[p].depth, &rows)) {
            PQclear(rows);
            return false;
        }
        for (size_t i = 0; rows != NULL && i < builder->n; i++) {
            struct list *list = &builder->list[i];
            if (list->article->is_there && list->ncards < passes[p].fewer_than)
                fill_list(list, rows, passes[p].up_to);
        }
        PQclear(rows);
    }
    return true;
}

/* ---- writing */

enum { ARTICLES, RANKS, CARDS, SCORES, ENTER, ENTER_SCORES, ENTER_REVISIONS, NCOLUMNS };

/* Adds the lists that the article may enter. The list of an article that was read after this one, or together with it, is
 * made after both are read. */
static void add_entries(struct db_array column[NCOLUMNS], const struct list *list)
{
    const struct known *article = list->article;

    for (unsigned i = 0; i < list->nneighbours; i++) {
        const struct known *other = find(list->builder, list->neighbour[i]);
        if (!other->is_there || other->revision >= article->revision)
            continue;
        struct score score =
            rank_score(&list->query, &article->profile, &other->vector, &other->profile);
        float back = rank_back_score(&score, &article->profile, &other->profile);
        if (back > 0) {
            db_array_add_int64(&column[ENTER], other->profile.id);
            db_array_add_float(&column[ENTER_SCORES], back);
            db_array_add_int64(&column[ENTER_REVISIONS], article->revision);
        }
    }
}

static void add_list(struct db_array column[NCOLUMNS], const struct list *list)
{
    for (unsigned i = 0; i < list->ncards; i++) {
        db_array_add_int64(&column[ARTICLES], list->article->profile.id);
        db_array_add_int16(&column[RANKS], (int16_t)(i + 1));
        db_array_add_int64(&column[CARDS], list->card[i]);
        db_array_add_float(&column[SCORES], list->score[i]);
    }
    add_entries(column, list);
}

static void count_lists(const struct builder *builder)
{
    for (size_t i = 0; i < builder->n; i++) {
        unsigned n = builder->list[i].ncards;
        enum lists_size size = n < RANK_FEWEST_CARDS ? LISTS_FEW
                               : n < RANK_CARDS      ? LISTS_SHORT
                                                     : LISTS_FULL;
        counter_add(&builder->maker->stats->lists[size], builder->list[i].article->is_there);
    }
}

static bool write_lists(struct builder *builder, struct batch *batch)
{
    static const unsigned types[NCOLUMNS] = {
        [ARTICLES] = DB_TYPE_BIGINT,       [RANKS] = DB_TYPE_SMALLINT,
        [CARDS] = DB_TYPE_BIGINT,          [SCORES] = DB_TYPE_REAL,
        [ENTER] = DB_TYPE_BIGINT,          [ENTER_SCORES] = DB_TYPE_REAL,
        [ENTER_REVISIONS] = DB_TYPE_BIGINT};
    struct db_array ids = {0}, column[NCOLUMNS] = {{0}};
    struct db_param params[5 + NCOLUMNS];
    struct wire version, turn, revision, length;

    for (size_t i = 0; i < batch->n; i++)
        db_array_add_int64(&ids, batch->id[i]);
    for (size_t i = 0; i < builder->n; i++)
        add_list(column, &builder->list[i]);
    params[0] = param_int16(&version, LISTS_ANALYSIS);
    params[1] = param_int16(&turn, batch->turn);
    params[2] = param_int64(&revision, batch->revision);
    params[3] = db_array_param(&ids, DB_TYPE_BIGINT);
    params[4 + NCOLUMNS] = param_int16(&length, RANK_CARDS);
    for (size_t i = 0; i < NCOLUMNS; i++)
        params[4 + i] = db_array_param(&column[i], types[i]);
    PGresult *row = lists_session_run(builder->maker->session, LISTS_WRITE_LISTS, params);
    if (row != NULL) {
        maker_report_failed(builder->maker, row);
        count_lists(builder);
        batch->ndone = db_row_int32(row, 0, 0);
    }
    bool is_written = row != NULL;
    PQclear(row);
    db_array_finish(&ids);
    for (size_t i = 0; i < NCOLUMNS; i++)
        db_array_finish(&column[i]);
    return is_written;
}
