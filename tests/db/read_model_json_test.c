/* The database writes, byte for byte, the JSON that json-c makes of the same columns; and json-c
 * can read this JSON. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/db/model.h"
#include "tests/support/database.h"
#include "tests/support/fail.h"

enum { INT8OID = 20 }; /* in pg_type */
enum { SECOND_US = 1000 * 1000, AS_IS = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE };

static char *url;
static PGconn *session;

static void open_site(void)
{
    url = model_create();
    session = test_session_open(url);
}

static void close_site(void)
{
    PQfinish(session);
    free(url);
}

TestSuite(read_model_json, .init = open_site, .fini = close_site, .timeout = 60);

/* RFC 3339, without the functions of the database. */
static json_object *time_json(int64_t us)
{
    char text[48];
    int64_t fraction = (us % SECOND_US + SECOND_US) % SECOND_US;
    time_t seconds = (us - fraction) / SECOND_US;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    int n = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900,
                     tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (fraction % 1000 != 0)
        n += snprintf(text + n, sizeof(text) - n, ".%06d", (int)fraction);
    else if (fraction != 0)
        n += snprintf(text + n, sizeof(text) - n, ".%03d", (int)fraction / 1000);
    snprintf(text + n, sizeof(text) - n, "Z");
    return json_object_new_string(text);
}

static json_object *text_json(const PGresult *rows, int row, int column)
{
    if (PQgetisnull(rows, row, column))
        return NULL;
    return json_object_new_string_len(PQgetvalue(rows, row, column),
                                      PQgetlength(rows, row, column));
}

static json_object *int_json(const PGresult *rows, int column)
{
    if (PQgetisnull(rows, 0, column))
        return NULL;
    return json_object_new_int64(strtoll(PQgetvalue(rows, 0, column), NULL, 10));
}

/* The image of the article: five columns. */
static json_object *image_json(const PGresult *rows, int column)
{
    static const char *const keys[] = {"url", "alt", "credit"};
    if (PQgetisnull(rows, 0, column))
        return NULL;
    json_object *image = json_object_new_object();
    for (int i = 0; i < 3; i++)
        json_object_object_add(image, keys[i], text_json(rows, 0, column + i));
    json_object_object_add(image, "width", int_json(rows, column + 3));
    json_object_object_add(image, "height", int_json(rows, column + 4));
    return image;
}

static json_object *named_json(const PGresult *rows, int row, int column)
{
    json_object *named = json_object_new_object();
    json_object_object_add(named, "slug", text_json(rows, row, column));
    json_object_object_add(named, "name", text_json(rows, row, column + 1));
    return named;
}

/* sql: slugs and names, in their order. */
static json_object *names_json(const char *sql, const char *id)
{
    PGresult *rows = test_session_rows(session, sql, id);
    json_object *names = json_object_new_array();
    for (int row = 0; row < PQntuples(rows); row++)
        json_object_array_add(names, named_json(rows, row, 0));
    PQclear(rows);
    return names;
}

/* The keys of a correction in the order of the contract; jsonb has another order. */
static json_object *corrections_json(const char *stored)
{
    json_object *array = json_tokener_parse(stored), *corrections = json_object_new_array();
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        json_object *from = json_object_array_get_idx(array, i), *to = json_object_new_object();
        json_object_object_add(to, "text", json_object_get(json_object_object_get(from, "text")));
        json_object_object_add(to, "at", json_object_get(json_object_object_get(from, "at")));
        json_object_array_add(corrections, to);
    }
    json_object_put(array);
    return corrections;
}

/* Made only from the tables: the article, or its card. */
static json_object *object_of(const char *id, bool is_whole)
{
    PGresult *a =
        test_session_rows(session,
                          "select a.id, a.slug, title, summary, s.slug, s.name, version,"
                          " (extract(epoch from published_at) * 1000000)::bigint,"
                          " (extract(epoch from updated_at) * 1000000)::bigint, body,"
                          " image_url, image_alt, image_credit, image_width, image_height,"
                          " language, corrections"
                          " from articles a join sections s on s.id = a.section_id where a.id = %s",
                          id);
    json_object *object = json_object_new_object();
    json_object_object_add(object, "id", int_json(a, 0));
    json_object_object_add(object, "slug", text_json(a, 0, 1));
    json_object_object_add(object, "title", text_json(a, 0, 2));
    json_object_object_add(object, "summary", text_json(a, 0, 3));
    if (is_whole)
        json_object_object_add(object, "body", text_json(a, 0, 9));
    json_object_object_add(object, "image", image_json(a, 10));
    json_object_object_add(object, "section", named_json(a, 0, 4));
    if (is_whole) {
        json_object_object_add(object, "authors",
                               names_json("select slug, name from article_authors"
                                          " join authors u on u.id = author_id"
                                          " where article_id = %s order by position",
                                          id));
        json_object_object_add(
            object, "tags",
            names_json("select slug, name from article_tags"
                       " join tags t on t.id = tag_id"
                       " where article_id = %s order by convert_to(name, 'UTF8')",
                       id));
        json_object_object_add(object, "language", text_json(a, 0, 15));
        json_object_object_add(object, "corrections", corrections_json(PQgetvalue(a, 0, 16)));
    }
    json_object_object_add(object, "published_at",
                           time_json(strtoll(PQgetvalue(a, 0, 7), NULL, 10)));
    if (is_whole) {
        json_object_object_add(object, "updated_at",
                               time_json(strtoll(PQgetvalue(a, 0, 8), NULL, 10)));
        json_object_object_add(object, "version", int_json(a, 6));
    }
    PQclear(a);
    return object;
}

static void expect_same(json_object *want, const char *have)
{
    const char *text = json_object_to_json_string_ext(want, AS_IS);
    cr_expect_str_eq(have, text, "%.300s and not %.300s", have, text);
    json_object *read = json_tokener_parse(have);
    cr_assert_not_null(read, "json-c does not accept %s", have);
    cr_expect(json_object_equal(read, want), "%s", have);
    json_object_put(read);
    json_object_put(want);
}

static void expect_json_of(const char *id)
{
    PGresult *view = test_session_rows(
        session,
        "select card, document from article_views join article_cards using (article_id)"
        " where article_id = %s",
        id);
    cr_assert_eq(PQntuples(view), 1);
    expect_same(object_of(id, false), PQgetvalue(view, 0, 0));
    expect_same(object_of(id, true), PQgetvalue(view, 0, 1));
    PQclear(view);
}

struct text {
    char text[80];
};

ParameterizedTestParameters(read_model_json, has_the_bytes_of_json_c_for_any_text)
{
    static struct text cases[] = {
        {" "},
        {"null"},
        {"say \"hi\" \\ back\\\\slash"},
        {"</script><!-- & ' / %s %% $1 {} [],:"},
        {"line\nline\r\nline\ttab"},
        {"\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13"},
        {"\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f"},
        {"\xc3\xa9t\xc3\xa9 e\xcc\x81 \xe6\x97\xa5\xe6\x9c\xac"},
        {"\xf0\x9f\x93\xb0\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa \xf4\x8f\xbf\xbf"},
        {"\xe2\x80\xa8 \xe2\x80\xa9 \xef\xbb\xbf \xc2\xa0 \xc2\x85"},
        {"\\u0041 \\n \\"},
    };
    return cr_make_param_array(struct text, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct text *c, read_model_json, has_the_bytes_of_json_c_for_any_text)
{
    char *quoted = PQescapeLiteral(session, c->text, strlen(c->text));
    test_session_sql(
        session,
        "update articles set title = %s, summary = title || %s, body = title || %s"
        " where id = 1;"
        "update articles set image_url = 'https://example.com/a', image_alt = title,"
        " image_credit = title, corrections = jsonb_build_array("
        "  jsonb_build_object('at', '2024-01-01T00:00:00Z', 'text', title)) where id = 1;"
        "update sections set name = 'x' || normalize(%s) || 'x' where id = 1;"
        "update authors set name = 'x' || normalize(%s) || id;"
        "update tags set name = 'x' || normalize(%s) || id",
        quoted, quoted, quoted, quoted, quoted, quoted);
    model_settle(session);
    PQfreemem(quoted);
    expect_json_of("1");
    expect_json_of("2");
}

struct shape {
    char body[80]; /* in SQL */
    bool is_compressed;
};

ParameterizedTestParameters(read_model_json, has_long_bodies_whole)
{
    static struct shape cases[] = {
        {"repeat('ab\"c ', 40 * 1024)", true},
        {"repeat(E'\\x01\\n\\\\', 70000)", true},
        {"repeat(E'\\U0001F4F0', 50000)", true},
        {"(select string_agg(md5(n::text), '\"') from generate_series(1, 6200) n)", false},
    };
    return cr_make_param_array(struct shape, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct shape *c, read_model_json, has_long_bodies_whole)
{
    test_session_sql(session, "update articles set body = %s where id = 1", c->body);
    long nbytes = model_number(session, "select octet_length(body) from articles where id = 1");
    cr_expect_geq(nbytes, 200 * 1000);
    long nstored = model_number(
        session, "select pg_column_size(document) from article_views where article_id = 1");
    cr_expect_eq(nstored < nbytes, c->is_compressed, "%ld of %ld bytes", nstored, nbytes);
    expect_json_of("1");
}

struct moment {
    char published_at[40], updated_at[40];
};

ParameterizedTestParameters(read_model_json, writes_times_as_rfc_3339_in_utc)
{
    static struct moment cases[] = {
        {"1970-01-01 00:00:00Z", "1970-01-01 00:00:00.001Z"},
        {"2024-02-29 23:59:59.1Z", "2024-02-29 23:59:59.999Z"},
        {"2024-02-29 23:59:59.000001Z", "2024-02-29 23:59:59.123456Z"},
        {"2024-02-29 23:59:59.999999Z", "2024-02-29 23:59:59.9995Z"},
        {"1969-12-31 23:59:59.999999Z", "1969-12-31 23:59:59.5Z"},
        {"2024-03-31 03:30:00+02", "2024-10-27 02:30:00+01"},
        {"0001-01-01 00:00:00Z", "0001-01-01 00:00:00.000001Z"},
        {"9999-12-31 23:59:59Z", "9999-12-31 23:59:59.999999Z"},
    };
    return cr_make_param_array(struct moment, cases, sizeof(cases) / sizeof(cases[0]));
}

/* The settings of the writing session have no effect. */
ParameterizedTest(struct moment *c, read_model_json, writes_times_as_rfc_3339_in_utc)
{
    const char *const settings[] = {
        "set timezone = 'UTC'",
        "set timezone = 'Europe/Berlin'; set datestyle = 'German'",
        "set timezone = 'Asia/Kathmandu'; set datestyle = 'SQL, DMY'; set lc_time = 'C'",
        "set timezone = 'America/St_Johns'; set extra_float_digits = 0",
    };
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        test_session_sql(session, "%s", settings[i]);
        test_session_sql(session,
                         "update articles set published_at = '2024-01-01Z' where id = 1;"
                         "update articles set published_at = '%s', updated_at = '%s' where id = 1",
                         c->published_at, c->updated_at);
        expect_json_of("1");
    }
}

Test(read_model_json, writes_null_for_no_summary_and_arrays_for_no_names)
{
    test_session_sql(session, "insert into articles (id, slug, version, section_id, published_at,"
                              " title, summary, body) values"
                              " (576460752303423487, 'a', 2147483647, 1, now(), 't', null, ''),"
                              " (10, 'b', 1, 1, now(), 't', '', '')");
    expect_json_of("576460752303423487");
    expect_json_of("10");
    char *summaries = model_value(
        session, "select string_agg(substr(document, 1, strpos(document, ',\"section')),"
                 " ' ' order by document)"
                 " from article_views where article_id >= 10");
    cr_expect_str_eq(
        summaries,
        "{\"id\":10,\"slug\":\"b\",\"title\":\"t\",\"summary\":\"\",\"body\":\"\",\"image\":null, "
        "{\"id\":576460752303423487,\"slug\":\"a\",\"title\":\"t\",\"summary\":null,"
        "\"body\":\"\",\"image\":null,");
    free(summaries);
    long without = model_number(
        session, "select count(*) from article_views where article_id >= 10"
                 " and document like "
                 "'%%,\"authors\":[],\"tags\":[],\"language\":null,\"corrections\":[],%%'");
    cr_expect_eq(without, 2);
}

Test(read_model_json, has_authors_as_in_the_byline_and_tags_by_their_names)
{
    test_session_sql(session, "update article_authors set position = 9 - position;"
                              "update tags set name = 'Zoo' where id = 2;"
                              "insert into tags (id, name) overriding system value"
                              " values (10, 'apple'), (11, 'Zo\u00e9');"
                              "insert into article_tags select 1, t.id, a.published_at"
                              " from articles a, tags t where a.id = 1 and t.id >= 3");
    model_settle(session);
    expect_json_of("1");
    char *tags =
        model_value(session, "select jsonb_path_query_array(document::jsonb, '$.tags[*].name')"
                             " from article_views where article_id = 1");
    cr_expect_str_eq(tags, "[\"Rail\", \"Tram\", \"Zoo\", \"Zo\u00e9\", \"apple\"]");
    free(tags);
}

struct fields {
    const char *set, *image, *language, *corrections;
};

/* The keys, their order, and null for a missing value. */
Test(read_model_json, has_image_language_and_corrections)
{
    static const struct fields cases[] = {
        {"image_url = null", "null", "null", "[]"},
        {"image_url = 'https://example.com/a.jpg'",
         "{\"url\":\"https://example.com/a.jpg\",\"alt\":null,\"credit\":null,\"width\":null,"
         "\"height\":null}",
         "null", "[]"},
        {"image_url = 'http://example.com/a?b=c#d', image_alt = 'A \"heron\"', image_credit = '',"
         " image_width = 1600, image_height = 900, language = 'de-CH-1996',"
         " corrections = '[{\"at\": \"2024-01-02T03:04:05.678Z\", \"text\": \"b/\\n\"},"
         " {\"text\": \"a\", \"at\": \"2023-01-02T03:04:05Z\"}]'",
         "{\"url\":\"http://example.com/a?b=c#d\",\"alt\":\"A \\\"heron\\\"\",\"credit\":\"\","
         "\"width\":1600,\"height\":900}",
         "\"de-CH-1996\"",
         "[{\"text\":\"b/\\n\",\"at\":\"2024-01-02T03:04:05.678Z\"},"
         "{\"text\":\"a\",\"at\":\"2023-01-02T03:04:05Z\"}]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct fields *c = &cases[i];
        test_session_sql(session, "update articles set %s where id = 3", c->set);
        expect_json_of("3");
        char *document = model_document(session, 3);
        char *want = test_format("\"body\":\"Body\",\"image\":%s,\"section\":", c->image);
        cr_expect_not_null(strstr(document, want), "%s has not %s", document, want);
        free(want);
        want = test_format("}],\"language\":%s,\"corrections\":%s,\"published_at\":", c->language,
                           c->corrections);
        cr_expect_not_null(strstr(document, want), "%s has not %s", document, want);
        free(want);
        char *card = model_value(session, "select card from article_cards where article_id = 3");
        want = test_format("\"summary\":null,\"image\":%s,\"section\":{\"slug\":\"sport\",\"name\":"
                           "\"Sport\"},\"published_at\":\"2024-01-04T00:00:00Z\"}",
                           c->image);
        cr_expect_not_null(strstr(card, want), "%s has not %s", card, want);
        free(want);
        free(card);
        free(document);
    }
}

Test(read_model_json, is_not_made_from_a_bad_image_language_or_correction)
{
    static const char *const bad[] = {
        "image_url = ''",
        "image_url = 'a.jpg'",
        "image_url = 'ftp://example.com/a.jpg'",
        "image_url = 'javascript:alert(1)'",
        "image_url = 'https://'",
        "image_url = 'https:///a.jpg'",
        "image_url = 'https://example.com/a b.jpg'",
        "image_url = E'https://example.com/a\n.jpg'",
        "image_url = ' https://example.com/a.jpg'",
        "image_url = 'https://example.com/' || repeat('a', 2000)",
        "image_alt = 'without an image'",
        "image_credit = 'without an image'",
        "image_width = 1",
        "image_height = 1",
        "image_url = 'https://example.com/a', image_width = 0",
        "image_url = 'https://example.com/a', image_height = -1",
        "language = ''",
        "language = 'de_CH'",
        "language = 'de-'",
        "language = '-de'",
        "language = 'de-abcdefghi'",
        "language = '1de'",
        "language = E'de\n'",
        "language = 'de-abcdefgh-abcdefgh-abcdefgh-abcdefgh'",
        "corrections = '{}'",
        "corrections = 'null'",
        "corrections = '\"text\"'",
        "corrections = null",
        "corrections = '[1]'",
        "corrections = '[null]'",
        "corrections = '[[]]'",
        "corrections = '[{}]'",
        "corrections = '[{\"text\": \"a\"}]'",
        "corrections = '[{\"at\": \"2024-01-02T03:04:05Z\"}]'",
        "corrections = '[{\"text\": null, \"at\": \"2024-01-02T03:04:05Z\"}]'",
        "corrections = '[{\"text\": 1, \"at\": \"2024-01-02T03:04:05Z\"}]'",
        "corrections = '[{\"text\": \"a\", \"at\": 1}]'",
        "corrections = '[{\"text\": \"a\", \"at\": null}]'",
        "corrections = '[{\"text\": \"a\", \"at\": \"yesterday\"}]'",
        "corrections = '[{\"text\": \"a\", \"at\": \"2024-01-02\"}]'",
        "corrections = '[{\"text\": \"a\", \"at\": \"2024-01-02T03:04:05+01:00\"}]'",
        "corrections = '[{\"text\": [\"a\"], \"at\": \"2024-01-02T03:04:05Z\"}]'",
        "corrections = '[[{\"text\": \"a\", \"at\": \"2024-01-02T03:04:05Z\"}]]'",
        "corrections = '[{\"text\": \"a\", \"at\": \"2024-01-02T03:04:05Z\"}, {}]'",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *sql = test_format("update articles set %s where id = 3", bad[i]);
        PGresult *result = PQexec(session, sql);
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        cr_expect(state != NULL && strncmp(state, "23", 2) == 0, "%s: %s", bad[i],
                  state == NULL ? "is accepted" : PQresultErrorMessage(result));
        PQclear(result);
        free(sql);
    }
}

static int nulls_of_large(void)
{
    PGresult *rows = PQexecParams(session, model_statement("article_by_id"), 1, NULL,
                                  (const char *const[]){"{1}"}, NULL, NULL, 0);
    cr_assert_eq(PQntuples(rows), 1, "%s", PQerrorMessage(session));
    int n = PQgetisnull(rows, 0, 4);
    PQclear(rows);
    return n;
}

/* Each piece has at most 65,536 bytes, which may end within a character. */
Test(read_model_json, is_read_in_pieces_that_make_the_document)
{
    static const char *const bodies[] = {"''", "repeat('a', 65000)",
                                         "repeat(E'\\U0001F4F0a', 50000)"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        test_session_sql(session, "update articles set body = %s where id = 1", bodies[i]);
        PGresult *rows =
            PQexecParams(session, model_statement("large_article"), 1, (const Oid[]){INT8OID},
                         (const char *const[]){"1"}, NULL, NULL, 1);
        cr_assert_eq(PQresultStatus(rows), PGRES_TUPLES_OK, "%s", PQerrorMessage(session));
        char *want =
            model_value(session, "select document from article_views where article_id = 1");
        size_t length = strlen(want), at = 0;
        cr_expect_eq(PQntuples(rows), (int)((length + 65535) / 65536));
        for (int row = 0; row < PQntuples(rows); row++) {
            size_t n = (size_t)PQgetlength(rows, row, 3);
            cr_assert(n <= 65536 && at + n <= length);
            cr_expect_eq(memcmp(PQgetvalue(rows, row, 3), want + at, n), 0);
            at += n;
        }
        cr_expect_eq(at, length);
        free(want);
        PQclear(rows);
    }
    cr_expect_eq(nulls_of_large(), 1, "a large document does not come with the others");
}
