/* Two transactions that change the same document at once, in both orders:
 *
 *     one: begin, change .............................. commit
 *     two:               begin, change, waits or not ..........  commit
 *
 * Afterwards readers get the content of the tables: article_views_write() in migrations/functions/06_documents.sql
 * says why. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/db/model.h"
#include "tests/db/race.h"
#include "tests/support/database.h"

static char *url;
static PGconn *one, *two, *observer;

static void open_site(void)
{
    url = model_create();
    one = test_session_open(url);
    two = test_session_open(url);
    observer = test_session_open(url);
}

static void close_site(void)
{
    PQfinish(one);
    PQfinish(two);
    PQfinish(observer);
    free(url);
}

TestSuite(read_model_race, .init = open_site, .fini = close_site, .timeout = 200);

#define NEW_ARTICLE_WITH(tag)                                                       \
    "insert into articles (id, slug, section_id, published_at, title, body)"        \
    " values (10, 'ten', 1, '2024-03-01Z', 'Ten', 'Body');"                         \
    "insert into article_authors values (10, 1, 1);"                                \
    "insert into article_tags select 10, id, '2024-03-01Z' from (values (" tag ")," \
    " (3)) t (id)"
#define RENAME_TAG "update tags set name = 'Tramway' where id = 1"
#define RENAME_AUTHOR "update authors set slug = 'ada-b', name = 'Ada B' where id = 1"
#define RENAME_SECTION "update sections set name = 'Town' where id = 1"
#define NEW_TITLE "update articles set title = 'New' where id = 1"
#define NEW_SUMMARY "update articles set summary = 'New' where id = 1"
#define NEW_TAG "insert into article_tags select id, 3, published_at from articles where id = 1"
#define TAG_2 "insert into article_tags select id, 1, published_at from articles where id = 2"
#define NO_TAGS "delete from article_tags where article_id = 1"
#define WITHDRAW "update articles set status = 'withdrawn' where id = 1"
#define DELETE "delete from articles where id = 1"

static const struct pair {
    const char *one, *two;
} pairs[] = {
    {RENAME_TAG, NEW_ARTICLE_WITH("1")},
    {RENAME_TAG, NEW_TITLE},
    {RENAME_TAG, NEW_TAG},
    {RENAME_TAG, NO_TAGS},
    {RENAME_TAG, TAG_2},
    {RENAME_TAG, RENAME_AUTHOR},
    {RENAME_TAG, RENAME_SECTION},
    {RENAME_TAG, DELETE},
    {RENAME_TAG, WITHDRAW},
    {RENAME_AUTHOR, NEW_ARTICLE_WITH("1")},
    {RENAME_AUTHOR, "insert into article_authors values (3, 1, 1)"},
    {RENAME_SECTION, NEW_ARTICLE_WITH("1")},
    {RENAME_SECTION, "update articles set section_id = 1 where id = 3"},
    {RENAME_SECTION, "update articles set section_id = 2 where id = 1"},
    {NEW_TITLE, NEW_SUMMARY},
    {NEW_TITLE, NEW_TAG},
    {NEW_TITLE, NO_TAGS},
    {NEW_TAG, NO_TAGS},
    {NEW_TAG, "insert into article_authors values (1, 3, 2) on conflict do nothing"},
    {NEW_TITLE, DELETE},
};

/* For example the deletion of a row that the other one needs. */
static bool is_refused(const char *state)
{
    return strcmp(state, "23503") == 0; /* foreign_key_violation */
}

static void race(const char *first, const char *second)
{
    char state[6];
    model_reset(observer);
    test_session_sql(one, "begin; %s", first);
    race_start(two, observer, second);
    test_session_sql(one, "commit");
    race_end(two, state);
    cr_expect(state[0] == '\0' || is_refused(state), "%s, while %s: %s", second, first, state);
    model_expect_agreement(observer, second);
    model_expect_settled(observer, second);
}

Test(read_model_race, leaves_readers_no_old_document_in_either_order)
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        race(pairs[i].one, pairs[i].two);
        race(pairs[i].two, pairs[i].one);
    }
}

/* `one` changes something before `two` does, and commits; the snapshot of `two` is older than
 * that. */
static void change_behind_a_snapshot(const char *level, const char *before, const char *later)
{
    char state[6];
    model_reset(observer);
    test_session_sql(two, "begin isolation level %s; select count(*) from articles", level);
    test_session_sql(one, "begin; %s; commit", before);
    race_start(two, observer, later);
    race_end(two, state);
    test_session_sql(two, "commit"); /* or the rollback of its transaction */
    cr_expect(state[0] == '\0' || is_refused(state) || strncmp(state, "40", 2) == 0, "%s, %s: %s",
              before, later, state);
    model_expect_agreement(observer, later);
    model_expect_settled(observer, later);
}

Test(read_model_race, leaves_readers_no_old_document_at_higher_isolation_levels)
{
    static const char *const levels[] = {"repeatable read", "serializable"};
    static const struct pair cases[] = {
        {NEW_TITLE, NEW_TAG},
        {RENAME_TAG, NEW_ARTICLE_WITH("1")},
        {RENAME_SECTION, NEW_ARTICLE_WITH("1")},
        {NEW_TAG, RENAME_TAG},
        {NEW_ARTICLE_WITH("1"), RENAME_TAG},
        {TAG_2, RENAME_TAG},
        {NEW_ARTICLE_WITH("1"), RENAME_AUTHOR},
        {NEW_ARTICLE_WITH("1"), RENAME_SECTION},
        {RENAME_SECTION, "update articles set section_id = 1 where id = 3"},
        {RENAME_SECTION, WITHDRAW},
        {RENAME_SECTION, NEW_TITLE},
        {RENAME_TAG, NEW_TITLE},
        {RENAME_TAG, DELETE},
        {RENAME_TAG, "update articles set status = 'published' where id = 4"},
        {RENAME_TAG, "update articles set status = 'draft' where id = 1"},
        {NEW_TITLE, "update articles set title = 'Other' where id = 2"},
    };
    for (int l = 0; l < 2; l++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
            change_behind_a_snapshot(levels[l], cases[i].one, cases[i].two);
    }
}

/* Above read committed, cards are marked and not written. The lists that show them must not use
 * them. */
Test(read_model_race, never_shows_an_old_card_after_a_change_at_any_isolation_level)
{
    static const char *const levels[] = {"read committed", "repeatable read", "serializable"};
    for (int l = 0; l < 3; l++) {
        model_reset(observer);
        model_expect_list(observer, 2, "1", "1");
        test_session_sql(one, "begin isolation level %s; " WITHDRAW "; commit", levels[l]);
        model_expect_list(observer, 2, "1", "");
        model_expect_agreement(observer, levels[l]);
        model_settle(observer);
        model_expect_list(observer, 2, "1", "");
        test_session_sql(one,
                         "begin isolation level %s;"
                         "update articles set status = 'published', title = 'Again' where id = 1;"
                         "commit",
                         levels[l]);
        model_expect_list(observer, 2, "1", "1");
        model_expect_settled(observer, levels[l]);
    }
}

/* A transaction that writes a card has a lock on its document. In the other order, two transactions
 * could wait for each other. */
Test(read_model_race, a_deletion_locks_the_document_before_the_card)
{
    char state[6];
    test_session_sql(one, "begin; select from article_views where article_id = 1 for update");
    race_start(two, observer, DELETE);
    cr_expect(race_is_waiting(two, observer));
    test_session_sql(one, "select from article_cards where article_id = 1 for update nowait");
    test_session_sql(one, "commit");
    race_end(two, state);
    cr_expect_str_eq(state, "");
    model_expect_agreement(observer, DELETE);
}

/* A repeatable read transaction still sees the document of the deleted article, and cannot write
 * another one for its id. */
Test(read_model_race, an_id_that_others_delete_cannot_be_used_again_in_an_older_snapshot)
{
    char state[6];
    test_session_sql(one, "begin isolation level repeatable read; select from articles limit 1");
    test_session_sql(two, DELETE);
    race_start(one, observer,
               "insert into articles (id, slug, section_id, published_at, title, body)"
               " values (1, 'again', 1, '2024-01-01Z', 'Again', 'Body')");
    race_end(one, state);
    cr_expect_str_eq(state, "40001");
    test_session_sql(one, "rollback");
    model_expect_agreement(observer, DELETE);
}
