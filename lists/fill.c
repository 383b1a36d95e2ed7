/* Fills lists that are short with the newest articles of the section. */
#include "db/row.h"
#include "lists/builder.h"

enum { NEWEST_FEW = 40, NEWEST_MANY = 1000 };

static bool is_short(const struct list *list, unsigned fewer_than)
{
    return list->article->is_there && list->ncards < fewer_than;
}

/* The sections of the short lists, each once. */
static void add_sections(struct db_array *sections, const struct builder *builder,
                         unsigned fewer_than)
{
    for (size_t i = 0; i < builder->n; i++) {
        const struct list *list = &builder->list[i];
        bool is_new = is_short(list, fewer_than);
        for (size_t k = 0; k < i && is_new; k++)
            is_new =
                !is_short(&builder->list[k], fewer_than) ||
                builder->list[k].article->profile.section_id != list->article->profile.section_id;
        if (is_new)
            db_array_add_int64(sections, list->article->profile.section_id);
    }
}

/* The stories that decide which of the newest articles may fill the short lists. */
static bool read_stories_for(struct builder *builder, unsigned fewer_than, const PGresult *rows)
{
    for (int i = 0; i < PQntuples(rows); i++)
        builder_want_story(builder, builder_find(builder, db_row_int64(rows, i, 1)));
    for (size_t i = 0; i < builder->n; i++) {
        struct list *list = &builder->list[i];
        if (!is_short(list, fewer_than))
            continue;
        builder_want_story(builder, list->article);
        for (unsigned k = 0; k < list->ncards; k++)
            builder_want_story(builder, builder_find(builder, list->card[k]));
    }
    return builder_read_stories(builder);
}

/* The newest articles of the sections of the short lists, with their terms and stories. *ret_rows: NULL where no list
 * is short; the caller clears it, also after a failure. */
static bool read_newest(struct builder *builder, unsigned fewer_than, int depth,
                        PGresult **ret_rows)
{
    struct db_array sections = {0};
    struct wire limit;

    *ret_rows = NULL;
    add_sections(&sections, builder, fewer_than);
    if (sections.n == 0)
        return true;
    PGresult *rows = lists_session_run(
        builder->maker->session, LISTS_NEWEST,
        (struct db_param[]){db_array_param(&sections, DB_TYPE_BIGINT), param_int32(&limit, depth)});
    db_array_finish(&sections);
    for (int i = 0; rows != NULL && i < PQntuples(rows); i++)
        builder_want(builder, db_row_int64(rows, i, 1));
    *ret_rows = rows;
    return rows != NULL && builder_read_vectors(builder) &&
           read_stories_for(builder, fewer_than, rows);
}

static bool may_be_added(struct list *list, struct known *other)
{
    bool is_new = other->is_there && other != list->article &&
                  other->profile.section_id == list->article->profile.section_id &&
                  !known_are_same(list->article, other);
    for (unsigned i = 0; i < list->ncards && is_new; i++)
        is_new = list->card[i] != other->profile.id &&
                 !known_are_same(builder_find(list->builder, list->card[i]), other);
    return is_new;
}

static void fill_list(struct list *list, const PGresult *rows, unsigned up_to)
{
    for (int i = 0; i < PQntuples(rows) && list->ncards < up_to; i++) {
        struct known *other = builder_find(list->builder, db_row_int64(rows, i, 1));
        if (!may_be_added(list, other))
            continue;
        list->card[list->ncards] = other->profile.id;
        list->score[list->ncards++] = 0;
    }
}

bool builder_fill(struct builder *builder)
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
            if (is_short(list, passes[p].fewer_than))
                fill_list(list, rows, passes[p].up_to);
        }
        PQclear(rows);
    }
    return true;
}
