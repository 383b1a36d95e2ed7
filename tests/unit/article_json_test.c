#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <string.h>

#include "handlers/article_json.h"
#include "tests/support/result.h"

/* What a row of db/sql/article_by_id.sql or related_by_id.sql holds. */
struct article {
    int64_t id;
    const char *slug, *title, *summary, *body, *section_slug, *section_name;
    const char *author_slugs, *author_names, *tag_slugs, *tag_names; /* see result_put_texts */
    int64_t published_us, updated_us;
    int32_t version;
};

static const struct article harbour = {
    .id = 7,
    .slug = "harbour-opens",
    .title = "Harbour opens",
    .summary = "It is open.",
    .body = "It opened.",
    .section_slug = "city",
    .section_name = "City",
    .author_slugs = "ada-berg|c",
    .author_names = "Ada Berg|C++",
    .tag_slugs = "ports",
    .tag_names = "Ports",
    .published_us = INT64_C(1767139200000000),
    .updated_us = INT64_C(1767139201500000),
    .version = 3,
};

static PGresult *row_of(const struct article *a)
{
    PGresult *result = result_create(15);
    result_put_int64(result, 0, 0, a->id);
    result_put_text(result, 0, 1, "published");
    result_put_text(result, 0, 2, a->slug);
    result_put_text(result, 0, 3, a->title);
    result_put_text(result, 0, 4, a->summary);
    result_put_text(result, 0, 5, a->body);
    result_put_text(result, 0, 6, a->section_slug);
    result_put_text(result, 0, 7, a->section_name);
    result_put_texts(result, 0, 8, a->author_slugs);
    result_put_texts(result, 0, 9, a->author_names);
    result_put_texts(result, 0, 10, a->tag_slugs);
    result_put_texts(result, 0, 11, a->tag_names);
    result_put_time_us(result, 0, 12, a->published_us);
    result_put_time_us(result, 0, 13, a->updated_us);
    result_put_int32(result, 0, 14, a->version);
    return result;
}

static void put_card(PGresult *result, int row, const struct article *a)
{
    result_put_int64(result, row, 0, 999); /* whose list it is */
    result_put_int64(result, row, 1, a->id);
    result_put_text(result, row, 2, a->slug);
    result_put_text(result, row, 3, a->title);
    result_put_text(result, row, 4, a->summary);
    result_put_text(result, row, 5, a->section_slug);
    result_put_text(result, row, 6, a->section_name);
    result_put_time_us(result, row, 7, a->published_us);
}

static const char *text_of(json_object *object)
{
    return json_object_to_json_string_ext(object,
                                          JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

/* The result is cleared before the text is made: the object must hold copies. */
static json_object *article_object(const struct article *a)
{
    PGresult *result = row_of(a);
    json_object *object = article_json(result, 0);
    PQclear(result);
    return object;
}

static void expect_article(const struct article *a, const char *want)
{
    json_object *object = article_object(a);
    cr_expect_str_eq(text_of(object), want);
    json_object_put(object);
}

Test(article_json, writes_a_whole_article_with_its_keys_in_their_order)
{
    expect_article(&harbour, "{\"id\":7,\"slug\":\"harbour-opens\",\"title\":\"Harbour opens\","
                             "\"summary\":\"It is open.\",\"body\":\"It opened.\","
                             "\"section\":{\"slug\":\"city\",\"name\":\"City\"},"
                             "\"authors\":[{\"slug\":\"ada-berg\",\"name\":\"Ada Berg\"},"
                             "{\"slug\":\"c\",\"name\":\"C++\"}],"
                             "\"tags\":[{\"slug\":\"ports\",\"name\":\"Ports\"}],"
                             "\"published_at\":\"2025-12-31T00:00:00Z\","
                             "\"updated_at\":\"2025-12-31T00:00:01.500Z\",\"version\":3}");
}

Test(article_json, writes_null_for_no_summary_and_arrays_for_no_names)
{
    struct article bare = harbour;
    bare.id = INT64_MAX;
    bare.summary = NULL;
    bare.body = "";
    bare.author_slugs = bare.author_names = NULL; /* array_agg of no rows */
    bare.tag_slugs = bare.tag_names = "";         /* an empty array */
    bare.version = INT32_MAX;
    expect_article(&bare, "{\"id\":9223372036854775807,\"slug\":\"harbour-opens\","
                          "\"title\":\"Harbour opens\",\"summary\":null,\"body\":\"\","
                          "\"section\":{\"slug\":\"city\",\"name\":\"City\"},"
                          "\"authors\":[],\"tags\":[],\"published_at\":\"2025-12-31T00:00:00Z\","
                          "\"updated_at\":\"2025-12-31T00:00:01.500Z\",\"version\":2147483647}");
}

Test(article_json, writes_the_cards_of_one_list_out_of_many_rows)
{
    struct article second = harbour;
    second.id = 8;
    second.slug = "second";
    second.summary = NULL;
    PGresult *result = result_create(8);
    put_card(result, 0, &second);
    put_card(result, 1, &harbour);
    put_card(result, 2, &second);
    put_card(result, 3, &harbour);
    json_object *cards = related_json(result, 1, 2);
    PQclear(result);
    cr_expect_str_eq(
        text_of(cards),
        "[{\"id\":7,\"slug\":\"harbour-opens\",\"title\":\"Harbour opens\","
        "\"summary\":\"It is open.\",\"section\":{\"slug\":\"city\",\"name\":\"City\"},"
        "\"published_at\":\"2025-12-31T00:00:00Z\"},"
        "{\"id\":8,\"slug\":\"second\",\"title\":\"Harbour opens\",\"summary\":null,"
        "\"section\":{\"slug\":\"city\",\"name\":\"City\"},"
        "\"published_at\":\"2025-12-31T00:00:00Z\"}]");
    json_object_put(cards);
}

Test(article_json, writes_an_empty_list_for_no_rows)
{
    PGresult *result = result_create(8);
    json_object *answer = related_answer_json(related_json(result, 0, 0));
    PQclear(result);
    cr_expect_str_eq(text_of(answer), "{\"related_articles\":[]}");
    json_object_put(answer);
}

Test(article_json, joins_both_halves_under_exactly_two_keys)
{
    json_object *answer = article_answer_json(json_object_new_int(1), json_object_new_array());
    cr_expect_str_eq(text_of(answer), "{\"article\":1,\"related_articles\":[]}");
    json_object_put(answer);
}

struct time_case {
    int64_t us;
    char want[40];
};

ParameterizedTestParameters(article_json, writes_times_as_rfc_3339_in_utc)
{
    static struct time_case cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {INT64_C(1709251199000000), "2024-02-29T23:59:59Z"},
        {INT64_C(1709251199100000), "2024-02-29T23:59:59.100Z"},
        {INT64_C(1709251199999000), "2024-02-29T23:59:59.999Z"},
        {INT64_C(1709251199000001), "2024-02-29T23:59:59.000001Z"},
        {INT64_C(1709251199123456), "2024-02-29T23:59:59.123456Z"},
        {1000, "1970-01-01T00:00:00.001Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {-1000000, "1969-12-31T23:59:59Z"},
        {-500000, "1969-12-31T23:59:59.500Z"},
        {-INT64_C(62135596800000000), "0001-01-01T00:00:00Z"},
        {-INT64_C(62135596799999999), "0001-01-01T00:00:00.000001Z"},
        {INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z"},
    };
    return cr_make_param_array(struct time_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct time_case *c, article_json, writes_times_as_rfc_3339_in_utc)
{
    struct article a = harbour;
    a.published_us = c->us;
    json_object *object = article_object(&a);
    cr_expect_str_eq(json_object_get_string(json_object_object_get(object, "published_at")),
                     c->want);
    json_object_put(object);
}

struct text_case {
    char text[40], want[64];
};

ParameterizedTestParameters(article_json, escapes_what_json_must_not_hold_and_keeps_the_rest)
{
    static struct text_case cases[] = {
        {"plain", "\"plain\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"</script>", "\"</script>\""},
        {"a\tb\nc\rd\be\ff", "\"a\\tb\\nc\\rd\\be\\ff\""},
        {"\x01\x1f", "\"\\u0001\\u001f\""},
        {"\x7f", "\"\x7f\""},
        {"\xc3\xa9", "\"\xc3\xa9\""},
        {"\xe6\x97\xa5", "\"\xe6\x97\xa5\""},
        {"\xf0\x9f\x93\xb0", "\"\xf0\x9f\x93\xb0\""},
        {"\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\""},
        {"\xe2\x80\xa8\xe2\x80\xa9", "\"\xe2\x80\xa8\xe2\x80\xa9\""},
        {"\xef\xbb\xbf", "\"\xef\xbb\xbf\""},
        {"null", "\"null\""},
        {"%s%n", "\"%s%n\""},
    };
    return cr_make_param_array(struct text_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct text_case *c, article_json,
                  escapes_what_json_must_not_hold_and_keeps_the_rest)
{
    struct article a = harbour;
    a.title = a.body = c->text;
    json_object *object = article_object(&a);
    cr_expect_str_eq(text_of(json_object_object_get(object, "title")), c->want);
    cr_expect_str_eq(text_of(json_object_object_get(object, "body")), c->want);

    json_object *again = json_tokener_parse(text_of(object));
    cr_expect_str_eq(json_object_get_string(json_object_object_get(again, "body")), c->text);
    json_object_put(again);
    json_object_put(object);
}

Test(article_json, writes_a_long_body_whole)
{
    static char body[200 * 1024 + 1], want[sizeof(body) * 2];
    for (size_t i = 0; i < sizeof(body) - 1; i++)
        body[i] = "ab\"c "[i % 5];
    size_t n = 0;
    want[n++] = '"';
    for (size_t i = 0; i < sizeof(body) - 1; i++) {
        if (body[i] == '"')
            want[n++] = '\\';
        want[n++] = body[i];
    }
    want[n++] = '"';
    struct article a = harbour;
    a.body = body;
    json_object *object = article_object(&a);
    cr_assert_str_eq(text_of(json_object_object_get(object, "body")), want);
    json_object_put(object);
}

Test(article_json, aborts_where_there_are_more_slugs_than_names, .signal = SIGABRT)
{
    struct article a = harbour;
    a.tag_slugs = "one|two";
    a.tag_names = "One";
    article_object(&a);
}
