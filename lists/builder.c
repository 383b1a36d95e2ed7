#include "lists/builder.h"

#include <stdlib.h>

#include "base/container_of.h"
#include "db/row.h"
#include "related/pack.h"

void builder_init(struct builder *builder, struct lists_maker *maker)
{
    *builder = (struct builder){.maker = maker};
    table_init(&builder->table, 1);
    index_init(&builder->index);
}

void builder_finish(struct builder *builder)
{
    while (builder->last != NULL) {
        struct known *known = builder->last;
        builder->last = known->before;
        table_remove(&builder->table, &known->node);
        free(known->story);
        free(known);
    }
    free(builder->list);
    db_array_finish(&builder->wanted);
    index_finish(&builder->index);
}

struct known *builder_find(const struct builder *builder, int64_t id)
{
    struct table_node *node = table_find(&builder->table, (uint64_t)id);
    return node != NULL ? container_of(node, struct known, node) : NULL;
}

struct known *builder_want(struct builder *builder, int64_t id)
{
    struct known *known = builder_find(builder, id);

    if (known != NULL)
        return known;
    known = need(calloc(1, sizeof(*known)));
    table_insert(&builder->table, &known->node, (uint64_t)id);
    known->before = builder->last;
    builder->last = known;
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

bool builder_read_vectors(struct builder *builder)
{
    if (builder->wanted.n == 0)
        return true;
    PGresult *rows = ask(builder, LISTS_VECTORS);
    for (int i = 0; rows != NULL && i < PQntuples(rows); i++) {
        int64_t id = db_row_int64(rows, i, VECTOR_ID);
        struct known *known = builder_find(builder, id);
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

bool builder_want_story(struct builder *builder, struct known *known)
{
    if (known->story_state == STORY_UNKNOWN) {
        known->story_state = STORY_WANTED;
        db_array_add_int64(&builder->wanted, known->profile.id);
    }
    return known->story_state == STORY_READ;
}

/* An article that has gone meanwhile has no story. */
bool builder_read_stories(struct builder *builder)
{
    if (builder->wanted.n == 0)
        return true;
    PGresult *rows = ask(builder, LISTS_STORIES);
    for (struct known *known = builder->last; known != NULL; known = known->before) {
        if (known->story_state == STORY_WANTED)
            known->story_state = STORY_READ;
    }
    for (int i = 0; rows != NULL && i < PQntuples(rows); i++) {
        struct known *known = builder_find(builder, db_row_int64(rows, i, 0));
        if (known->story == NULL)
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

bool known_are_same(const struct known *one, const struct known *other)
{
    return one->story != NULL && other->story != NULL && story_is_same(one->story, other->story);
}
