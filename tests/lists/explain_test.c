/* The explanation of a list is that of the list which readers get. */
#include <criterion/criterion.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lists/explain.h"
#include "tests/lists/relater.h"
#include "tests/support/database.h"

static char *url;
static struct relater *relater;
static json_object *json;

static void begin(void)
{
    url = test_database_create();
    test_sql(url, "insert into sections (name) values ('News'), ('Sport');"
                  "insert into tags (name) values ('Weather'), ('Harbour')");
    relater = relater_open(url);
}

static void end(void)
{
    json_object_put(json);
    relater_close(relater);
    free(url);
}

TestSuite(explain, .init = begin, .fini = end, .timeout = 120);

static void article(int id, int section, int day, const char *title, const char *text)
{
    test_sql(url,
             "insert into articles (id, slug, section_id, language, published_at, title, body)"
             " values (%d, 'a-%d', %d, 'en', '2024-01-01 00:00Z'::timestamptz"
             " + %d * interval '1 day', '%s', '%s')",
             id, id, section, day, title, text);
}

static void tag(int id, const char *name)
{
    test_sql(url,
             "insert into article_tags select a.id, t.id, a.published_at from articles a, tags t"
             " where a.id = %d and t.name = '%s'",
             id, name);
}

static enum lists_explained explain(int64_t id)
{
    char *text;
    enum lists_explained explained = lists_explain(&relater->maker, id, &text);

    cr_assert_eq(text != NULL, explained == LISTS_EXPLAINED);
    json_object_put(json);
    json = text != NULL ? json_tokener_parse(text) : NULL;
    cr_assert_eq(json != NULL, text != NULL, "%s", text);
    free(text);
    return explained;
}

static json_object *at(const char *pointer)
{
    json_object *value = NULL;
    return json != NULL && json_pointer_get(json, pointer, &value) == 0 ? value : NULL;
}

static double number_at(const char *pointer)
{
    json_object *value = at(pointer);
    cr_expect_not_null(value, "nothing at %s", pointer);
    return json_object_get_double(value);
}

static const char *text_at(const char *pointer)
{
    json_object *value = at(pointer);
    return value != NULL ? json_object_get_string(value) : "";
}

static size_t count_at(const char *pointer)
{
    json_object *value = at(pointer);
    cr_assert(json_object_is_type(value, json_type_array), "no array at %s", pointer);
    return json_object_array_length(value);
}

/* The ids of the cards, as "7 3 ". */
static char *cards(void)
{
    char text[200] = "", pointer[60];

    for (size_t i = 0; i < count_at("/related_articles"); i++) {
        size_t n = strlen(text);
        snprintf(pointer, sizeof(pointer), "/related_articles/%zu/id", i);
        snprintf(text + n, sizeof(text) - n, "%.0f ", number_at(pointer));
    }
    return strdup(text);
}

/* Each has words of its own besides. */
static void articles_on_storms(int n)
{
    static const char *const places[] = {"pier", "quay", "beach", "cliff",  "marina",
                                         "mole", "dune", "spit",  "jetties"};
    for (int id = 1; id <= n; id++) {
        char title[60], text[300];
        snprintf(title, sizeof(title), "Storms reach the %s", places[id % 9]);
        snprintf(
            text, sizeof(text),
            "The gale hit Cape Wrath at x%d. At Cape Wrath y%d the %s and the %s were closed, z%d.",
            id, id, places[id % 9], places[(id + 1) % 9], id);
        article(id, 1, id, title, text);
        snprintf(text, sizeof(text), "u%d v%d w%d", id, id, id);
        article(100 + id, 2, id, "Match", text);
    }
}

Test(explain, shows_the_list_that_is_stored)
{
    articles_on_storms(9);
    relater_work(relater);
    test_sql(url, "update related_made set made_at = now() - interval '2 days'");
    while (lists_queue_oldest(&relater->maker, "1 day", 100) > 0)
        relater_work(relater);

    for (int id = 1; id <= 9; id++) {
        cr_assert_eq(explain(id), LISTS_EXPLAINED);
        char *shown = cards();
        char *stored = test_sql_value(
            url,
            "select string_agg(related_id || ' ', '' order by rank) from article_related"
            " where article_id = %d",
            id);
        cr_expect_str_eq(shown, stored);
        free(shown);
        free(stored);
    }
}

Test(explain, names_the_words_pairs_and_tags_that_a_card_shares)
{
    articles_on_storms(9);
    tag(4, "Weather");
    tag(5, "Weather");
    tag(5, "Harbour");
    relater_work(relater);

    cr_assert_eq(explain(4), LISTS_EXPLAINED);
    cr_expect_str_eq(text_at("/related_articles/0/id"), "5");
    cr_expect_str_eq(text_at("/related_articles/0/title"), "Storms reach the mole");
    cr_expect_eq(count_at("/related_articles/0/explanation/tags"), 1);
    cr_expect_str_eq(text_at("/related_articles/0/explanation/tags/0/tag"), "Weather");
    cr_expect_float_eq(number_at("/related_articles/0/explanation/tags/0/weight"),
                       number_at("/related_articles/0/explanation/parts/tags"), 0.01);
    cr_expect_str_eq(text_at("/related_articles/0/explanation/words/0/word"), "mole");
    const char *words = text_at("/related_articles/0/explanation/words"),
               *pairs = text_at("/related_articles/0/explanation/pairs");
    cr_expect_not_null(strstr(words, "\"storms\""), "%s", words);
    cr_expect_not_null(strstr(pairs, "\"cape wrath\""), "%s", pairs);
    cr_expect_float_eq(number_at("/related_articles/0/explanation/age_days"), -1, 0.001);
    cr_expect_str_eq(text_at("/related_articles/0/explanation/reason"), "related");
}

Test(explain, has_parts_that_give_the_score)
{
    articles_on_storms(9);
    relater_work(relater);

    cr_assert_eq(explain(4), LISTS_EXPLAINED);
    double words = 0;
    for (size_t i = 0; i < count_at("/related_articles/0/explanation/words"); i++) {
        char pointer[80];
        snprintf(pointer, sizeof(pointer), "/related_articles/0/explanation/words/%zu/weight", i);
        words += number_at(pointer);
    }
    cr_expect_float_eq(words, number_at("/related_articles/0/explanation/parts/words"),
                       words / 100);
#define PART(NAME) number_at("/related_articles/0/explanation/parts/" NAME)
    double score = (PART("words") + PART("pairs") + PART("tags")) * PART("nearness") *
                   PART("recent") * PART("section") * PART("language") / PART("breadth");
    cr_expect_float_eq(score, number_at("/related_articles/0/explanation/score"), score / 100);
}

static const char long_story[] =
    "A ferry with ninety passengers ran aground outside the harbour on Monday night after its "
    "steering gear failed in a heavy swell. Lifeboats brought all passengers ashore within three "
    "hours, and nobody was hurt. The company said that the ship had been inspected in spring.";

Test(explain, shows_what_was_left_out_as_the_same_story)
{
    char update[600];

    articles_on_storms(6);
    article(50, 1, 20, "Ferry runs aground", long_story);
    snprintf(update, sizeof(update), "%s Divers will look at the hull.", long_story);
    article(51, 1, 21, "Ferry runs aground", update);
    article(52, 1, 20, "Harbour master resigns",
            "The harbour master resigned after a ferry ran aground in a heavy swell. The company "
            "of the ferry and its passengers had asked for an inspection of the harbour.");
    relater_work(relater);

    cr_assert_eq(explain(52), LISTS_EXPLAINED);
    cr_expect_str_eq(text_at("/related_articles/0/id"), "51", "the newest version is shown");
    cr_expect_eq(count_at("/left_out"), 1);
    cr_expect_str_eq(text_at("/left_out/0/id"), "50");
    cr_expect_str_eq(text_at("/left_out/0/title"), "Ferry runs aground");
    cr_expect_str_eq(text_at("/left_out/0/same_as"), "51");

    cr_assert_eq(explain(50), LISTS_EXPLAINED);
    cr_expect_str_eq(text_at("/left_out/0/id"), "51");
    cr_expect_str_eq(text_at("/left_out/0/same_as"), "50", "the article itself");
}

Test(explain, says_which_cards_only_fill_a_short_list)
{
    article(1, 1, 1, "Alone", "apples, pears");
    article(2, 1, 2, "Other", "trains, ships");
    relater_work(relater);

    cr_assert_eq(explain(1), LISTS_EXPLAINED);
    cr_expect_str_eq(text_at("/related_articles/0/id"), "2");
    cr_expect_str_eq(text_at("/related_articles/0/explanation/reason"), "newest-of-section");
}

Test(explain, knows_articles_that_have_no_list)
{
    articles_on_storms(2);
    relater_work(relater);
    cr_expect_eq(explain(77), LISTS_EXPLAIN_ABSENT);
    test_sql(url, "update articles set status = 'withdrawn' where id = 1");
    cr_expect_eq(explain(1), LISTS_EXPLAIN_WITHDRAWN);
    test_sql(url, "update articles set status = 'draft' where id = 2");
    cr_expect_eq(explain(2), LISTS_EXPLAIN_ABSENT);
    article(3, 1, 3, "New", "just now");
    cr_expect_eq(explain(3), LISTS_EXPLAIN_UNREAD);
}

Test(explain, changes_nothing)
{
    static const char everything[] =
        "select (select count(*) from related_queue) || ' ' || (select sum(hashtext(r::text)) from"
        " article_related r) || ' ' || (select sum(hashtext(m::text)) from related_made m) || ' '"
        " || (select count(*) from change_log)";
    articles_on_storms(9);
    relater_work(relater);
    char *before = test_sql_value(url, everything);
    cr_assert_eq(explain(4), LISTS_EXPLAINED);
    char *after = test_sql_value(url, everything);
    cr_expect_str_eq(after, before);
    free(before);
    free(after);
}

Test(explain, leaves_out_a_card_whose_article_was_withdrawn_meanwhile)
{
    articles_on_storms(9);
    relater_work(relater);
    cr_assert_eq(explain(4), LISTS_EXPLAINED);
    long first = (long)number_at("/related_articles/0/id");
    test_sql(url, "update articles set status = 'withdrawn' where id = %ld", first);
    cr_assert_eq(explain(4), LISTS_EXPLAINED);
    char *shown = cards(), *gone = NULL;
    cr_assert_geq(asprintf(&gone, "%ld ", first), 0);
    cr_expect_null(strstr(shown, gone), "%s", shown);
    free(shown);
    free(gone);
}

Test(explain, reports_that_the_database_failed)
{
    articles_on_storms(2);
    relater_work(relater);
    test_sql(url, "drop function related_vectors(bigint[])");
    cr_expect_eq(explain(1), LISTS_EXPLAIN_FAILED);
    cr_expect_neq(lists_session_error(&relater->session)[0], '\0');
}
