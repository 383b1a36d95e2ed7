/* Makes lists.
 *
 *     take --> the vectors of the articles --> what is stored of their terms --> candidates
 *          --> the vectors of the candidates --> scores --> stories of those that are much alike --> cards
 *          --> where cards are few: the newest articles of the section
 *          --> write, and queue the lists that the articles may enter
 *
 * A first list (read.c) begins with the candidates. It queues nothing. */
#include <stdlib.h>

#include "base/container_of.h"
#include "db/row.h"
#include "lists/builder.h"
#include "lists/reader.h"

static bool find_candidates(struct builder *builder, bool is_published);
static void score_candidates(struct list *list);
static bool choose_cards(struct builder *builder);
static void choose(struct list *list);
static rank_same_story_fn is_same;
static bool write_lists(struct builder *builder, struct batch *batch);

bool make_step(struct lists_maker *maker, int most, int64_t only, struct batch *batch)
{
    struct builder builder;

    if (!batch_take(maker, LISTS_TAKE_LISTS, most, only, batch))
        return false;
    if (batch->n == 0)
        return true;
    builder_init(&builder, maker);
    bool is_made = builder_make(&builder, batch->id, batch->n, batch->turn == TURN_PUBLISHED) &&
                   write_lists(&builder, batch);
    builder_finish(&builder);
    return is_made;
}

/* An article that has just been read, and is not stored yet. */
static void know(struct builder *builder, const struct reading *reading)
{
    struct known *known = builder_want(builder, reading->id);

    known->profile = reading->profile;
    known->vector = reading->vector;
    known->story = need(malloc(sizeof(*known->story)));
    *known->story = reading->story;
    known->story_state = STORY_READ;
    known->is_there = true;
}

/* Its revision is 0: older than all articles, so that each of them may enter it. */
bool make_first_lists(struct lists_maker *maker, struct reader *reader, struct batch *batch)
{
    struct builder builder;

    builder_init(&builder, maker);
    builder.is_first = true;
    for (size_t i = 0; i < reader->n; i++)
        know(&builder, &reader->reading[i]);
    db_array_clear(&builder.wanted);
    index_move(&builder.index, &reader->index);
    bool is_made =
        builder_make(&builder, batch->id, batch->n, false) && write_lists(&builder, batch);
    builder_finish(&builder);
    return is_made;
}

bool builder_make(struct builder *builder, const int64_t *articles, size_t n, bool is_published)
{
    builder->list = need(calloc(n, sizeof(*builder->list)));
    builder->n = n;
    for (size_t i = 0; i < n; i++) {
        builder->list[i] = (struct list){.stories = {is_same},
                                         .builder = builder,
                                         .article = builder_want(builder, articles[i]),
                                         .lacks_story = true};
    }
    bool is_made = builder_read_vectors(builder) && find_candidates(builder, is_published) &&
                   builder_read_vectors(builder);
    for (size_t i = 0; is_made && i < n; i++)
        score_candidates(&builder->list[i]);
    return is_made && choose_cards(builder) && builder_fill(builder);
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
    if (!builder->is_first && !maker_load_terms(builder->maker, &builder->index))
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
            builder_want(builder, list->neighbour[k]);
    }
    return true;
}

/* A candidate without terms, such as one that was withdrawn, is no finalist. */
static void score_candidates(struct list *list)
{
    for (unsigned i = 0; i < list->nneighbours && list->nfinalists < RANK_FINALISTS; i++) {
        struct known *other = builder_find(list->builder, list->neighbour[i]);
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
        if (!builder_read_stories(builder))
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

    list->ncards = list->nsame = 0;
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
    return index < 0 ? list->article
                     : builder_find(list->builder, list->finalist[index].profile->id);
}

static bool is_same(struct rank_stories *stories, int one, int other)
{
    struct list *list = container_of(stories, struct list, stories);
    struct known *first = of_index(list, one), *second = of_index(list, other);
    bool is_first_read = builder_want_story(list->builder, first),
         is_second_read = builder_want_story(list->builder, second);

    list->lacks_story |= !is_first_read || !is_second_read;
    if (!known_are_same(first, second))
        return false;
    list->same[list->nsame++] = (struct same_story){first, second};
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
        const struct known *other = builder_find(list->builder, list->neighbour[i]);
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
    struct db_array ids = {0}, absent = {0}, column[NCOLUMNS] = {{0}};
    struct db_param params[6 + NCOLUMNS];
    struct wire version, turn, revision, length;

    for (size_t i = 0; i < batch->n; i++)
        db_array_add_int64(&ids, batch->id[i]);
    for (size_t i = 0; i < builder->n; i++) {
        add_list(column, &builder->list[i]);
        bool may_enter = batch->turn != TURN_SLOW_PASS; /* it makes every list by itself */
        if (may_enter && !builder->is_first)
            add_entries(column, &builder->list[i]);
        if (!builder->list[i].article->is_there)
            db_array_add_int64(&absent, batch->id[i]);
    }
    params[0] = param_int16(&version, LISTS_ANALYSIS);
    params[1] = param_int16(&turn, batch->turn);
    params[2] = param_int64(&revision, batch->revision);
    params[3] = db_array_param(&ids, DB_TYPE_BIGINT);
    params[4 + NCOLUMNS] = param_int16(&length, RANK_CARDS);
    params[5 + NCOLUMNS] = db_array_param(&absent, DB_TYPE_BIGINT);
    for (size_t i = 0; i < NCOLUMNS; i++)
        params[4 + i] = db_array_param(&column[i], types[i]);
    PGresult *row = lists_session_run(builder->maker->session, LISTS_WRITE_LISTS, params);
    if (row != NULL) {
        maker_report_failed(builder->maker, row);
        if (!builder->is_first)
            count_lists(builder);
        batch->ndone = db_row_int32(row, 0, 0);
    }
    bool is_written = row != NULL;
    PQclear(row);
    db_array_finish(&ids);
    db_array_finish(&absent);
    for (size_t i = 0; i < NCOLUMNS; i++)
        db_array_finish(&column[i]);
    return is_written;
}
