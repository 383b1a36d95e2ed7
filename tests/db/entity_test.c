/* The kinds of entities stand in base/entity.h and in migrations/functions/01_entities.sql: they agree. */
#include "base/entity.h"

#include <criterion/criterion.h>

#include "tests/support/database.h"
#include "tests/support/fail.h"

static const struct kind {
    enum entity_kind kind;
    const char *key, *name; /* of the id 7 in the database; NULL: it has no id */
} kinds[] = {
    {ENTITY_EVERYTHING, NULL, "everything"},
    {ENTITY_ARTICLE, "article_key(7)", "article"},
    {ENTITY_SECTION, "section_key(7)", "section"},
    {ENTITY_AUTHOR, "author_key(7)", "author"},
    {ENTITY_TAG, "tag_key(7)", "tag"},
    {ENTITY_LISTING, NULL, "listing of all"},
    {ENTITY_SECTION_LISTING, "listing_key(section_key(7))", "listing of section"},
    {ENTITY_AUTHOR_LISTING, "listing_key(author_key(7))", "listing of author"},
    {ENTITY_TAG_LISTING, "listing_key(tag_key(7))", "listing of tag"},
    {ENTITY_ALL_LISTINGS, NULL, "all listings"},
};

Test(entity, has_the_same_key_in_the_program_and_in_the_database)
{
    char *url = test_database_create();
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct kind *k = &kinds[i];
        int64_t id = k->key != NULL ? 7 : 0, key = (int64_t)entity_key(k->kind, id);
        cr_expect_eq(test_sql_number(url, "select entity_key(%d, %ld)", k->kind, (long)id), key);
        if (k->key != NULL)
            cr_expect_eq(test_sql_number(url, "select %s", k->key), key, "%s", k->name);
        char *name = test_sql_value(url, "select entity_name(%ld)", (long)key);
        char *expected = test_format("%s %ld", k->name, (long)id);
        cr_expect_str_eq(name, expected);
        free(expected);
        free(name);
    }
    free(url);
}

Test(entity, has_ids_up_to_the_greatest_one_that_the_database_takes)
{
    char *url = test_database_create();
    test_sql(url, "insert into sections (name) values ('s')");
    test_sql(url,
             "insert into articles (id, slug, section_id, published_at, title, body)"
             " select %ld, 'last', id, now(), 't', 'b' from sections",
             (long)ENTITY_MAX_ID);
    cr_expect_eq(test_sql_number(url, "select article_key(id) from articles"),
                 (int64_t)entity_key(ENTITY_ARTICLE, ENTITY_MAX_ID));
    free(url);
}
