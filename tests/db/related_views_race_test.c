/* Two transactions that concern the same list at once, in both orders:
 *
 *     one: begin, change or write .............................. commit
 *     two:                        change or write, waits or not ........  commit
 *
 * Readers get the right list at once, and the stored list is right when all marks are worked off:
 * migrations/functions/08_stale.sql says why. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/db/model.h"
#include "tests/db/race.h"
#include "tests/support/database.h"

static char *url;
static PGconn *one, *two, *locker, *observer;

static void open_site(void)
{
    url = model_create();
    one = test_session_open(url);
    two = test_session_open(url);
    locker = test_session_open(url);
    observer = test_session_open(url);
}

/* Lists 1: 2, 3; 2: 1. Articles 1, 2 and 3 are marked, and list 3 is to be made. */
static void mark_articles(void)
{
    model_reset(observer);
    test_session_sql(observer, "update articles set summary = 'Old' where id < 4");
}

static void close_site(void)
{
    PQfinish(one);
    PQfinish(two);
    PQfinish(locker);
    PQfinish(observer);
    free(url);
}

TestSuite(related_views_race, .init = open_site, .fini = close_site, .timeout = 200);

#define WRITE "select stale_work('{}', 100)"
#define WRITE_ONE "select stale_work('{}', 1)"
/* The whole queue. One call reads articles, and a later call uses them for the lists of others. */
#define MAKE "select related_work(100); select related_work(100); select related_work(100)"
#define NEW_LISTS "delete from article_related; " MAKE
#define NEW_TITLE "update articles set title = 'New' where id = 2"
#define NEW_TITLE_OF_OWNER "update articles set title = 'New' where id = 1"
#define NEW_TITLES "update articles set title = 'New' || id"
#define WITHDRAW "update articles set status = 'withdrawn' where id = 2"
#define RENAME_TAG "update tags set name = 'Tramway' where id = 1"
#define RENAME_SECTION "update sections set name = 'Town' where id = 1"
#define DELETE_MEMBER "delete from articles where id = 2"
#define DELETE_OWNER "delete from articles where id = 1"
#define ENTER "insert into article_related values (3, 6, 2, 1) on conflict do nothing"
#define LEAVE "delete from article_related where (article_id, related_id) = (1, 2)"
#define TURN_ROUND "update article_related set rank = 7 - rank where article_id = 1"
#define EMPTY "delete from article_related where article_id = 1"
#define TRUNCATE "truncate article_related"

static const struct pair {
    const char *one, *two;
} pairs[] = {
    {RENAME_TAG, WRITE},
    {RENAME_TAG, MAKE},
    {RENAME_SECTION, MAKE},
    {NEW_TITLE, WRITE},
    {NEW_TITLE, MAKE},
    {NEW_TITLE, NEW_LISTS},
    {NEW_TITLE, ENTER},
    {NEW_TITLE, LEAVE},
    {NEW_TITLE, DELETE_OWNER},
    {NEW_TITLES, WRITE_ONE},
    {NEW_TITLES, NEW_LISTS},
    {WITHDRAW, WRITE},
    {WITHDRAW, MAKE},
    {WITHDRAW, NEW_LISTS},
    {WITHDRAW, ENTER},
    {RENAME_SECTION, WRITE},
    {RENAME_SECTION, NEW_LISTS},
    {RENAME_SECTION, ENTER},
    {RENAME_SECTION, NEW_TITLE},
    {DELETE_MEMBER, WRITE},
    {DELETE_MEMBER, MAKE},
    {DELETE_MEMBER, ENTER},
    {DELETE_MEMBER, TURN_ROUND},
    {DELETE_OWNER, WRITE},
    {DELETE_OWNER, MAKE},
    {ENTER, WRITE},
    {ENTER, MAKE},
    {LEAVE, WRITE},
    {LEAVE, MAKE},
    {TURN_ROUND, WRITE},
    {TURN_ROUND, MAKE},
    {EMPTY, WRITE},
    {EMPTY, MAKE},
    {EMPTY, WRITE_ONE},
    {EMPTY, "insert into article_related values (1, 6, 4, 1)"},
    {TRUNCATE, WRITE},
    {TRUNCATE, ENTER},
    {WRITE, WRITE},
    {WRITE, MAKE},
    {WRITE_ONE, WRITE},
    {MAKE, MAKE},
};

/* For example the deletion of a row that the other one needs, or a row that both insert. */
static bool is_refused(const char *state)
{
    return strcmp(state, "23503") == 0 || strcmp(state, "23505") == 0;
}

static void race(const char *first, const char *second)
{
    char state[6];
    mark_articles();
    test_session_sql(one, "begin; %s", first);
    race_start(two, observer, second);
    test_session_sql(one, "commit");
    race_end(two, state);
    cr_expect(state[0] == '\0' || is_refused(state), "%s, while %s: %s", second, first, state);
    model_expect_agreement(observer, second);
    model_expect_settled(observer, second);
}

Test(related_views_race, leaves_readers_no_old_list_in_either_order)
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        race(pairs[i].one, pairs[i].two);
        race(pairs[i].two, pairs[i].one);
    }
}

/* One session at a time reads lists and writes them. */
Test(related_views_race, leaves_the_work_to_the_first_writer_when_a_second_one_would_have_to_wait)
{
    char state[6];
    mark_articles();
    test_session_sql(one, "begin; " WRITE_ONE);
    race_start(two, observer, WRITE);
    cr_expect_not(race_is_waiting(two, observer));
    race_end(two, state);
    cr_expect_str_empty(state);
    test_session_sql(two, NEW_LISTS);
    model_expect_agreement(observer, "lists made while another one writes");
    char *marks = model_marks(observer);
    cr_expect_str_not_empty(marks, "the lists that were made are not marked");
    free(marks);
    test_session_sql(one, "commit");
    model_expect_agreement(observer, "two writers");
    model_expect_settled(observer, "two writers");
}

/* A writer has deleted the marks and waits before it reads the lists, or before it writes them.
 * Then a whole change commits. */
static void change_in_the_midst(const char *change, const char *lock)
{
    char state[6];
    mark_articles();
    test_session_sql(locker, "begin; %s", lock);
    race_start(one, observer, WRITE);
    cr_expect(race_is_waiting(one, observer), "%s", lock);
    test_session_sql(two, "%s", change);
    model_expect_agreement(observer, change);
    test_session_sql(locker, "commit");
    race_end(one, state);
    cr_expect_str_empty(state);
    model_expect_agreement(observer, change);
    model_expect_settled(observer, change);
}

Test(related_views_race, keeps_the_mark_of_a_change_during_the_writing)
{
    static const char *const changes[] = {NEW_TITLES,    WITHDRAW,     RENAME_SECTION,
                                          DELETE_MEMBER, DELETE_OWNER, ENTER,
                                          LEAVE,         TURN_ROUND,   EMPTY};
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        change_in_the_midst(changes[i], "lock related_views in share mode");
        change_in_the_midst(changes[i],
                            "select from related_views where article_id = 1 for update");
    }
}

/* `one` has read both its lists, and waits at the first. Meanwhile a card of the second list
 * changes, and `two` must write this list. */
Test(related_views_race, never_writes_an_older_list_over_a_newer_one)
{
    char state[6];
    mark_articles();
    test_session_sql(observer, "update articles set status = 'published' where id = 4;"
                               "insert into article_related values (2, 2, 4, 1)");
    model_settle(observer);
    test_session_sql(locker, "begin; select from related_views where article_id = 1 for update");
    race_start(one, observer,
               "begin; set local broadsheet.lists = 'later';"
               "update article_related set score = 2 where article_id < 3;"
               "select stale_work('{1,2}', 100)");
    cr_expect(race_is_waiting(one, observer));
    test_session_sql(observer, "update articles set title = 'New' where id = 4");
    race_start(two, observer, WRITE);
    test_session_sql(locker, "commit");
    race_end(one, state);
    cr_expect_str_empty(state);
    test_session_sql(one, "commit");
    race_end(two, state);
    cr_expect_str_empty(state);
    model_expect_agreement(observer, "a writer that had to wait");
    model_expect_settled(observer, "a writer that had to wait");
}

/* The snapshot of `two` is from before the change and before its marks were worked off. Then `two`
 * changes something, and works as far as it can. */
static void change_behind_a_snapshot(const char *level, const char *before, const char *later)
{
    char state[6];
    mark_articles();
    model_settle(observer);
    test_session_sql(two, "begin isolation level %s; select 1", level);
    test_session_sql(one, "%s", before);
    model_settle(one);
    model_expect_agreement(two, before);
    race_start(two, observer, later);
    race_end(two, state);
    test_session_sql(two, "commit"); /* or the rollback of its transaction */
    model_expect_agreement(observer, later);
    model_expect_settled(observer, later);
}

Test(related_views_race, never_changes_an_old_snapshot)
{
    static const char *const levels[] = {"repeatable read", "serializable"};
    static const struct pair cases[] = {
        {NEW_TITLES, ENTER},
        {WITHDRAW, TURN_ROUND "; " MAKE},
        {DELETE_MEMBER, MAKE},
        {ENTER, NEW_TITLE "; " WRITE},
        {EMPTY, NEW_TITLE_OF_OWNER "; " WRITE},
        {NEW_LISTS, NEW_TITLE "; " MAKE},
        {"truncate articles cascade", WRITE},
        {NEW_TITLES, MAKE},
        {NEW_LISTS, ENTER},
        {RENAME_SECTION, ENTER},
        {RENAME_SECTION, NEW_TITLE "; " MAKE},
    };
    for (int l = 0; l < 2; l++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
            change_behind_a_snapshot(levels[l], cases[i].one, cases[i].two);
    }
}
