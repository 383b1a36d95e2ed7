#include "handlers/article_json.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "db/row.h"

/* The columns of db/sql/article_by_id.sql. */
enum {
    A_ID,
    A_STATUS,
    A_SLUG,
    A_TITLE,
    A_SUMMARY,
    A_BODY,
    A_SECTION_SLUG,
    A_SECTION_NAME,
    A_AUTHOR_SLUGS,
    A_AUTHOR_NAMES,
    A_TAG_SLUGS,
    A_TAG_NAMES,
    A_PUBLISHED_AT,
    A_UPDATED_AT,
    A_VERSION,
};

/* The columns of db/sql/related_by_id.sql; the first is the id of the list. */
enum {
    R_ID = 1,
    R_SLUG,
    R_TITLE,
    R_SUMMARY,
    R_SECTION_SLUG,
    R_SECTION_NAME,
    R_PUBLISHED_AT,
};

static json_object *text_json(struct db_text text);
static json_object *time_json(int64_t time_us);
static json_object *named_json(struct db_text slug, struct db_text name);
static json_object *named_list_json(const PGresult *result, int row, int slugs, int names);

/* The keys are literals and each is added once: json-c need neither copy them nor look for them. */
static void add(json_object *object, const char *key, json_object *value)
{
    json_object_object_add_ex(object, key, value,
                              JSON_C_OBJECT_ADD_CONSTANT_KEY | JSON_C_OBJECT_ADD_KEY_IS_NEW);
}

json_object *article_json(const PGresult *result, int row)
{
    json_object *article = json_object_new_object();
    add(article, "id", json_object_new_int64(db_row_int64(result, row, A_ID)));
    add(article, "slug", text_json(db_row_text(result, row, A_SLUG)));
    add(article, "title", text_json(db_row_text(result, row, A_TITLE)));
    add(article, "summary", text_json(db_row_text(result, row, A_SUMMARY)));
    add(article, "body", text_json(db_row_text(result, row, A_BODY)));
    add(article, "section",
        named_json(db_row_text(result, row, A_SECTION_SLUG),
                   db_row_text(result, row, A_SECTION_NAME)));
    add(article, "authors", named_list_json(result, row, A_AUTHOR_SLUGS, A_AUTHOR_NAMES));
    add(article, "tags", named_list_json(result, row, A_TAG_SLUGS, A_TAG_NAMES));
    add(article, "published_at", time_json(db_row_time_us(result, row, A_PUBLISHED_AT)));
    add(article, "updated_at", time_json(db_row_time_us(result, row, A_UPDATED_AT)));
    add(article, "version", json_object_new_int(db_row_int32(result, row, A_VERSION)));
    return article;
}

json_object *related_json(const PGresult *result, int row, int nrows)
{
    json_object *cards = json_object_new_array_ext(nrows);
    for (int i = row; i < row + nrows; i++) {
        json_object *card = json_object_new_object();
        add(card, "id", json_object_new_int64(db_row_int64(result, i, R_ID)));
        add(card, "slug", text_json(db_row_text(result, i, R_SLUG)));
        add(card, "title", text_json(db_row_text(result, i, R_TITLE)));
        add(card, "summary", text_json(db_row_text(result, i, R_SUMMARY)));
        add(card, "section",
            named_json(db_row_text(result, i, R_SECTION_SLUG),
                       db_row_text(result, i, R_SECTION_NAME)));
        add(card, "published_at", time_json(db_row_time_us(result, i, R_PUBLISHED_AT)));
        json_object_array_add(cards, card);
    }
    return cards;
}

json_object *article_answer_json(json_object *article, json_object *related)
{
    json_object *answer = json_object_new_object();
    add(answer, "article", article);
    add(answer, "related_articles", related);
    return answer;
}

json_object *related_answer_json(json_object *related)
{
    json_object *answer = json_object_new_object();
    add(answer, "related_articles", related);
    return answer;
}

static json_object *text_json(struct db_text text)
{
    return text.base != NULL ? json_object_new_string_len(text.base, text.length) : NULL;
}

/* RFC 3339 in UTC, with as much of the fraction as there is: none, milliseconds or microseconds. The
 * schema keeps years within 1 to 9999. */
static json_object *time_json(int64_t time_us)
{
    int64_t seconds = time_us / 1000000;
    int fraction_us = (int)(time_us % 1000000);
    if (fraction_us < 0) { /* before 1970 */
        seconds--;
        fraction_us += 1000000;
    }
    struct tm utc;
    time_t at = seconds;
    gmtime_r(&at, &utc);

    char fraction[16] = "", text[64];
    if (fraction_us % 1000 != 0)
        snprintf(fraction, sizeof(fraction), ".%06d", fraction_us);
    else if (fraction_us != 0)
        snprintf(fraction, sizeof(fraction), ".%03d", fraction_us / 1000);
    int length =
        snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d%sZ", utc.tm_year + 1900,
                 utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, fraction);
    return json_object_new_string_len(text, length);
}

static json_object *named_json(struct db_text slug, struct db_text name)
{
    json_object *named = json_object_new_object();
    add(named, "slug", text_json(slug));
    add(named, "name", text_json(name));
    return named;
}

static json_object *named_list_json(const PGresult *result, int row, int slugs, int names)
{
    struct db_text_array slug_array = db_row_text_array(result, row, slugs);
    struct db_text_array name_array = db_row_text_array(result, row, names);
    json_object *list = json_object_new_array();
    struct db_text slug, name;
    while (db_text_array_next(&slug_array, &slug)) {
        bool has_name = db_text_array_next(&name_array, &name);
        assert(has_name);
        json_object_array_add(list, named_json(slug, name));
    }
    return list;
}
