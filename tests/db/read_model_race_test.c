/* Two transactions that change the same view at once, in both orders:
 *
 *     one: begin, change .............................. commit
 *     two:               begin, change, waits or not ..........  commit
 *
 * Afterwards no view is older than its tables: articles_changed() in migrations/0003_changes.sql
 * says why. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
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

TestSuite(read_model_race, .init = open_site, .fini = close_site, .timeout = 60);

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

struct pair {
    char one[400], two[400];
};

static struct pair pairs[] = {
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

/* Such as the deletion of what the other one needs. */
static bool is_refused(const char *state)
{
    return strcmp(state, "23503") == 0; /* foreign_key_violation */
}

static void race(const char *first, const char *second)
{
    char state[6];
    test_session_sql(one, "begin; %s", first);
    race_start(two, observer, second);
    test_session_sql(one, "commit");
    race_end(two, state);
    cr_expect(state[0] == '\0' || is_refused(state), "%s, while %s: %s", second, first, state);
    model_expect_agreement(observer, second);
}

ParameterizedTestParameters(read_model_race, leaves_no_view_behind)
{
    return cr_make_param_array(struct pair, pairs, sizeof(pairs) / sizeof(pairs[0]));
}

ParameterizedTest(struct pair *c, read_model_race, leaves_no_view_behind)
{
    race(c->one, c->two);
}

ParameterizedTestParameters(read_model_race, leaves_no_view_behind_in_the_other_order)
{
    return cr_make_param_array(struct pair, pairs, sizeof(pairs) / sizeof(pairs[0]));
}

ParameterizedTest(struct pair *c, read_model_race, leaves_no_view_behind_in_the_other_order)
{
    race(c->two, c->one);
}

struct view {
    char level[20], before[400], later[400];
};

ParameterizedTestParameters(read_model_race, leaves_no_view_behind_at_higher_isolation_levels)
{
    static struct view cases[] = {
        {"repeatable read", NEW_TITLE, NEW_TAG},
        {"repeatable read", RENAME_TAG, NEW_ARTICLE_WITH("1")},
        {"repeatable read", RENAME_SECTION, NEW_ARTICLE_WITH("1")},
        {"repeatable read", NEW_TAG, RENAME_TAG},
        {"serializable", NEW_TITLE, NEW_TAG},
        {"serializable", RENAME_TAG, NEW_ARTICLE_WITH("1")},
        {"repeatable read", NEW_ARTICLE_WITH("1"), RENAME_TAG},
        {"repeatable read", TAG_2, RENAME_TAG},
        {"repeatable read", NEW_ARTICLE_WITH("1"), RENAME_AUTHOR},
        {"repeatable read", NEW_ARTICLE_WITH("1"), RENAME_SECTION},
        {"serializable", NEW_ARTICLE_WITH("1"), RENAME_TAG},
    };
    return cr_make_param_array(struct view, cases, sizeof(cases) / sizeof(cases[0]));
}

/* two has its snapshot already when one changes something and commits; then two fails, or all
 * agrees. */
ParameterizedTest(struct view *c, read_model_race, leaves_no_view_behind_at_higher_isolation_levels)
{
    char state[6];
    test_session_sql(two, "begin isolation level %s; select count(*) from articles", c->level);
    test_session_sql(one, "begin; %s; commit", c->before);
    race_start(two, observer, c->later);
    race_end(two, state);
    test_session_sql(two, "commit"); /* or the rollback that is left */
    model_expect_agreement(observer, c->later);
}

/* Who writes a card anew holds its view. The other way round the two could wait for each other. */
Test(read_model_race, a_deletion_comes_to_the_view_before_it_comes_to_the_card)
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
