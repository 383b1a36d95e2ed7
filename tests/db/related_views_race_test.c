/* Two transactions that concern the same list at once, in both orders:
 *
 *     one: begin, change or refresh ................................. commit
 *     two:                          change or refresh, waits or not ........  commit
 *
 * Readers get the right list at once, and what is stored is right when all marks are worked off:
 * related_views_refresh() in migrations/0005_finished.sql says why. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "tests/db/model.h"
#include "tests/db/race.h"
#include "tests/support/database.h"

static char *url;
static PGconn *one, *two, *holder, *observer;

/* Lists 1: 2, 3; 2: 1. Articles 1, 2 and 3 are marked, and list 3, which is to be made. */
static void open_site(void)
{
    url = model_create();
    one = test_session_open(url);
    two = test_session_open(url);
    holder = test_session_open(url);
    observer = test_session_open(url);
    test_session_sql(observer, "update articles set summary = 'Old' where id < 4");
}

static void close_site(void)
{
    PQfinish(one);
    PQfinish(two);
    PQfinish(holder);
    PQfinish(observer);
    free(url);
}

TestSuite(related_views_race, .init = open_site, .fini = close_site, .timeout = 60);

#define FINISH "select related_views_refresh(100)"
#define FINISH_ONE "select related_views_refresh(1)"
/* All that is queued: what was read makes lists of others in a later call. */
#define MAKE "select related_refresh(100); select related_refresh(100); select related_refresh(100)"
#define NEW_LISTS "delete from article_related; " MAKE
#define NEW_TITLE "update articles set title = 'New' where id = 2"
#define NEW_TITLE_OF_OWNER "update articles set title = 'New' where id = 1"
#define NEW_TITLES "update articles set title = 'New' || id"
#define WITHDRAW "update articles set status = 'withdrawn' where id = 2"
#define RENAME_SECTION "update sections set name = 'Town' where id = 1"
#define DELETE_MEMBER "delete from articles where id = 2"
#define DELETE_OWNER "delete from articles where id = 1"
#define ENTER "insert into article_related values (3, 6, 2, 1) on conflict do nothing"
#define LEAVE "delete from article_related where (article_id, related_id) = (1, 2)"
#define TURN_ROUND "update article_related set rank = 7 - rank where article_id = 1"
#define EMPTY "delete from article_related where article_id = 1"
#define TRUNCATE "truncate article_related"

struct pair {
    char one[200], two[200];
};

static struct pair pairs[] = {
    {NEW_TITLE, FINISH},      {NEW_TITLE, MAKE},
    {NEW_TITLE, NEW_LISTS},   {NEW_TITLE, ENTER},
    {NEW_TITLE, LEAVE},       {NEW_TITLE, DELETE_OWNER},
    {NEW_TITLES, FINISH_ONE}, {NEW_TITLES, NEW_LISTS},
    {WITHDRAW, FINISH},       {WITHDRAW, MAKE},
    {WITHDRAW, NEW_LISTS},    {WITHDRAW, ENTER},
    {RENAME_SECTION, FINISH}, {RENAME_SECTION, NEW_LISTS},
    {RENAME_SECTION, ENTER},  {RENAME_SECTION, NEW_TITLE},
    {DELETE_MEMBER, FINISH},  {DELETE_MEMBER, MAKE},
    {DELETE_MEMBER, ENTER},   {DELETE_MEMBER, TURN_ROUND},
    {DELETE_OWNER, FINISH},   {DELETE_OWNER, MAKE},
    {ENTER, FINISH},          {ENTER, MAKE},
    {LEAVE, FINISH},          {LEAVE, MAKE},
    {TURN_ROUND, FINISH},     {TURN_ROUND, MAKE},
    {EMPTY, FINISH},          {EMPTY, MAKE},
    {EMPTY, FINISH_ONE},      {EMPTY, "insert into article_related values (1, 6, 4, 1)"},
    {TRUNCATE, FINISH},       {TRUNCATE, ENTER},
    {FINISH, FINISH},         {FINISH, MAKE},
    {FINISH_ONE, FINISH},     {MAKE, MAKE},
};

/* Such as the deletion of what the other one needs, or what both insert. */
static bool is_refused(const char *state)
{
    return strcmp(state, "23503") == 0 || strcmp(state, "23505") == 0;
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
    model_expect_settled(observer, second);
}

ParameterizedTestParameters(related_views_race, leaves_readers_no_old_list)
{
    return cr_make_param_array(struct pair, pairs, sizeof(pairs) / sizeof(pairs[0]));
}

ParameterizedTest(struct pair *c, related_views_race, leaves_readers_no_old_list)
{
    race(c->one, c->two);
}

ParameterizedTestParameters(related_views_race, leaves_readers_no_old_list_in_the_other_order)
{
    return cr_make_param_array(struct pair, pairs, sizeof(pairs) / sizeof(pairs[0]));
}

ParameterizedTest(struct pair *c, related_views_race, leaves_readers_no_old_list_in_the_other_order)
{
    race(c->two, c->one);
}

/* Refreshers write the lists that they read while no other one does. */
Test(related_views_race, leaves_to_the_first_what_a_second_refresher_would_have_to_wait_for)
{
    char state[6];
    test_session_sql(one, "begin; " FINISH_ONE);
    race_start(two, observer, FINISH);
    cr_expect_not(race_is_waiting(two, observer));
    race_end(two, state);
    cr_expect_str_empty(state);
    test_session_sql(two, NEW_LISTS);
    model_expect_agreement(observer, "lists made while another one refreshes");
    char *marks = model_marks(observer);
    cr_expect_str_not_empty(marks, "the lists that were made are not marked");
    free(marks);
    test_session_sql(one, "commit");
    model_expect_agreement(observer, "two refreshers");
    model_expect_settled(observer, "two refreshers");
}

struct change {
    char sql[200];
};

static struct change changes[] = {
    {NEW_TITLES}, {WITHDRAW}, {RENAME_SECTION}, {DELETE_MEMBER}, {DELETE_OWNER},
    {ENTER},      {LEAVE},    {TURN_ROUND},     {EMPTY},
};

ParameterizedTestParameters(related_views_race,
                            keeps_the_mark_of_a_change_in_the_midst_of_a_refresh)
{
    return cr_make_param_array(struct change, changes, sizeof(changes) / sizeof(changes[0]));
}

/* The refresh has taken the marks away and waits before it reads the lists, or before it writes
 * them: then a change commits, all of it. */
ParameterizedTest(struct change *c, related_views_race,
                  keeps_the_mark_of_a_change_in_the_midst_of_a_refresh)
{
    static const char *const holds[] = {
        "lock related_views in share mode",
        "select from related_views where article_id = 1 for update"};
    char state[6];
    for (int i = 0; i < 2; i++) {
        test_session_sql(observer, "update articles set title = 'Old %d' where id < 4", i);
        test_session_sql(holder, "begin; %s", holds[i]);
        race_start(one, observer, FINISH);
        cr_expect(race_is_waiting(one, observer), "%s", holds[i]);
        test_session_sql(two, "%s", c->sql);
        model_expect_agreement(observer, c->sql);
        test_session_sql(holder, "commit");
        race_end(one, state);
        cr_expect_str_empty(state);
        model_expect_agreement(observer, c->sql);
        if (strcmp(c->sql, DELETE_OWNER) == 0 || strcmp(c->sql, EMPTY) == 0)
            break; /* there is no row to hold any more */
    }
    model_expect_settled(observer, c->sql);
}

/* one has read both its lists, and is held up at the first; meanwhile a card of the other one
 * changes, and two wants to finish it. */
Test(related_views_race, never_writes_an_older_list_over_a_newer_one)
{
    char state[6];
    test_session_sql(observer, "update articles set status = 'published' where id = 4;"
                               "insert into article_related values (2, 2, 4, 1)");
    model_settle(observer);
    test_session_sql(holder, "begin; select from related_views where article_id = 1 for update");
    race_start(one, observer,
               "begin; set local broadsheet.lists = 'later';"
               "update article_related set score = 2 where article_id < 3; " FINISH);
    cr_expect(race_is_waiting(one, observer));
    test_session_sql(observer, "update articles set title = 'New' where id = 4");
    race_start(two, observer, FINISH);
    test_session_sql(holder, "commit");
    race_end(one, state);
    cr_expect_str_empty(state);
    test_session_sql(one, "commit");
    race_end(two, state);
    cr_expect_str_empty(state);
    model_expect_agreement(observer, "a refresh that was held up");
    model_expect_settled(observer, "a refresh that was held up");
}

struct snapshot {
    char level[20], before[160], later[160];
};

ParameterizedTestParameters(related_views_race, leaves_old_snapshots_as_they_were)
{
    static struct snapshot cases[] = {
        {"repeatable read", NEW_TITLES, ENTER},
        {"repeatable read", WITHDRAW, TURN_ROUND "; " MAKE},
        {"repeatable read", DELETE_MEMBER, MAKE},
        {"repeatable read", ENTER, NEW_TITLE "; " FINISH},
        {"repeatable read", EMPTY, NEW_TITLE_OF_OWNER "; " FINISH},
        {"repeatable read", NEW_LISTS, NEW_TITLE "; " MAKE},
        {"repeatable read", "truncate articles cascade", FINISH},
        {"serializable", NEW_TITLES, MAKE},
        {"serializable", EMPTY, NEW_TITLE_OF_OWNER "; " FINISH},
        {"serializable", NEW_LISTS, ENTER},
    };
    return cr_make_param_array(struct snapshot, cases, sizeof(cases) / sizeof(cases[0]));
}

/* two reads in a snapshot from before the change and before its marks were worked off; then it
 * changes and refreshes what it still can. */
ParameterizedTest(struct snapshot *c, related_views_race, leaves_old_snapshots_as_they_were)
{
    char state[6];
    model_settle(observer);
    test_session_sql(two, "begin isolation level %s; select 1", c->level);
    test_session_sql(one, "%s", c->before);
    model_settle(one);
    model_expect_agreement(two, c->before);
    race_start(two, observer, c->later);
    race_end(two, state);
    test_session_sql(two, "commit"); /* or the rollback that is left */
    model_expect_agreement(observer, c->later);
    model_expect_settled(observer, c->later);
}
