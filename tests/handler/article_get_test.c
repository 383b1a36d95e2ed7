#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "tests/handler/client.h"
#include "tests/handler/fake_db.h"

#define ARTICLE_7                                                                            \
    "{\"id\":7,\"slug\":\"harbour-opens\",\"title\":\"Harbour opens\",\"summary\":null,"     \
    "\"body\":\"It \\\"opened\\\".\",\"section\":{\"slug\":\"city\",\"name\":\"City\"},"     \
    "\"authors\":[{\"slug\":\"ada-berg\",\"name\":\"Ada Berg\"}],"                           \
    "\"tags\":[{\"slug\":\"ports\",\"name\":\"Ports\"}],"                                    \
    "\"published_at\":\"2000-01-01T00:00:00Z\",\"updated_at\":\"2000-01-01T00:00:01.500Z\"," \
    "\"version\":3}"
#define CARD_20                                                                \
    "{\"id\":20,\"slug\":\"card-0\",\"title\":\"Card\",\"summary\":\"Short\"," \
    "\"section\":{\"slug\":\"city\",\"name\":\"City\"},\"published_at\":\"2000-01-01T00:00:00Z\"}"

static struct client *client;

static void connect_one(void)
{
    client = client_connect();
}

TestSuite(article_get, .init = connect_one, .timeout = 20);

static void answer_article(const char *status)
{
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_article(7, status));
}

static void answer_related(int ncards)
{
    fake_db_answer(fake_db_waiting(DB_RELATED_BY_ID), fake_cards(7, 20, ncards));
}

Test(article_get, starts_both_queries_before_either_has_ended)
{
    client_send(client, "GET /articles/7", "");
    cr_assert_eq(fake_db_nwaiting(), 2);
    cr_assert_eq(fake_db_waiting(DB_ARTICLE_BY_ID)->id, 7);
    cr_assert_eq(fake_db_waiting(DB_RELATED_BY_ID)->id, 7);
}

Test(article_get, joins_both_parts_in_one_answer)
{
    client_send(client, "GET /articles/7", "");
    answer_article("published");
    cr_assert(!client_has_answer(client), "it waits for the other part");
    answer_related(1);

    struct reply answer = client_answer(client);
    cr_assert_eq(answer.status, 200);
    cr_assert_str_eq(answer.body, "{\"article\":" ARTICLE_7 ",\"related_articles\":[" CARD_20 "]}");
    cr_assert_not_null(strstr(answer.head, "content-type: application/json\r\n"));
    cr_assert_not_null(strstr(answer.head, "related-status: ok\r\n"));
}

Test(article_get, gives_the_same_answer_when_the_list_comes_first)
{
    client_send(client, "GET /articles/7", "");
    answer_related(1);
    cr_assert(!client_has_answer(client));
    answer_article("published");
    cr_assert_str_eq(client_answer(client).body,
                     "{\"article\":" ARTICLE_7 ",\"related_articles\":[" CARD_20 "]}");
}

struct half {
    enum db_error error;
    char status[16];
};

ParameterizedTestParameters(article_get, serves_the_article_when_only_the_list_failed)
{
    static struct half cases[] = {{DB_UNAVAILABLE, "unavailable"},
                                  {DB_BUSY, "unavailable"},
                                  {DB_TIMEOUT, "timeout"},
                                  {DB_FAILED, "unavailable"}};
    return cr_make_param_array(struct half, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct half *c, article_get, serves_the_article_when_only_the_list_failed)
{
    client_send(client, "GET /articles/7", "");
    fake_db_fail(fake_db_waiting(DB_RELATED_BY_ID), c->error, "broken");
    answer_article("published");

    struct reply answer = client_answer(client);
    char header[64];
    snprintf(header, sizeof(header), "related-status: %s\r\n", c->status);
    cr_assert_eq(answer.status, 200);
    cr_assert_str_eq(answer.body, "{\"article\":" ARTICLE_7 ",\"related_articles\":[]}");
    cr_assert_not_null(strstr(answer.head, header), "%s", answer.head);
    cr_assert_not_null(strstr(answer.head, "cache-control: max-age=1\r\n"), "%s", answer.head);
}

struct ending {
    char status[16]; /* of the article; "" for none */
    int want;
};

ParameterizedTestParameters(article_get,
                            does_not_wait_for_the_list_of_an_article_that_is_not_published)
{
    static struct ending cases[] = {{"", 404}, {"draft", 404}, {"withdrawn", 410}};
    return cr_make_param_array(struct ending, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct ending *c, article_get,
                  does_not_wait_for_the_list_of_an_article_that_is_not_published)
{
    client_send(client, "GET /articles/7", "");
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID),
                   c->status[0] != '\0' ? fake_article(7, c->status) : fake_no_rows());

    struct reply answer = client_answer(client);
    cr_assert_eq(answer.status, c->want);
    cr_assert_null(strstr(answer.body, "Harbour"), "the answer has nothing of the article");
    cr_assert_eq(fake_db_nwaiting(), 0);
    cr_assert_eq(fake_db_ncancelled(), 1);
}

struct failure {
    enum db_error error;
    int want;
    char kind[32];
};

ParameterizedTestParameters(article_get, reports_the_failure_of_the_article)
{
    static struct failure cases[] = {{DB_UNAVAILABLE, 503, "database-unavailable"},
                                     {DB_BUSY, 503, "overloaded"},
                                     {DB_TIMEOUT, 504, "deadline-passed"},
                                     {DB_FAILED, 503, "database-error"}};
    return cr_make_param_array(struct failure, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct failure *c, article_get, reports_the_failure_of_the_article)
{
    client_send(client, "GET /articles/7", "");
    answer_related(2);
    fake_db_fail(fake_db_waiting(DB_ARTICLE_BY_ID), c->error, "words of the server");

    struct reply answer = client_answer(client);
    cr_assert_eq(answer.status, c->want);
    cr_assert_not_null(strstr(answer.body, c->kind), "%s", answer.body);
    cr_assert_null(strstr(answer.body, "words of the server"),
                   "the server's message is for the log");
    cr_assert_not_null(strstr(answer.head, "content-type: application/problem+json\r\n"));
    cr_assert_not_null(strstr(answer.head, "cache-control: no-store\r\n"));
    cr_assert_eq(strstr(answer.head, "retry-after: ") != NULL, c->want == 503);
}

Test(article_get, answers_head_without_a_body)
{
    client_send(client, "HEAD /articles/7", "");
    answer_article("published");
    answer_related(0);
    struct reply answer = client_answer_head(client);
    cr_assert_eq(answer.status, 200);
    cr_assert_null(strstr(answer.head, "content-length: 0\r\n"));
    cr_assert(!client_has_answer(client), "no body follows");
}

Test(article_get, answers_pipelined_requests_in_their_order)
{
    client_send(client, "GET /articles/7 HTTP/1.1\r\nHost: test\r\n\r\nGET /healthz", "");
    answer_article("published");
    answer_related(0);
    cr_assert_not_null(strstr(client_answer(client).body, "Harbour"));
    cr_assert_not_null(strstr(client_answer(client).body, "alive"));
}

Test(article_get, survives_a_client_that_leaves_before_the_answer)
{
    client_send(client, "GET /articles/7", "");
    client_leave(client);
    answer_article("published");
    answer_related(6);
    client_turn();

    client = client_connect();
    client_send(client, "GET /healthz", "");
    cr_assert_eq(client_answer(client).status, 200);
    cr_assert_eq(counter_get(&client_service()->metrics.in_flight), 0);
}

Test(article_get, asks_nothing_of_the_database_when_the_path_names_no_article)
{
    const char *const bad[] = {"/articles/0",    "/articles/-1",    "/articles/9223372036854775808",
                               "/articles/1%00", "/articles/A%20B", "/articles/-a-"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char request[64];
        snprintf(request, sizeof(request), "GET %s", bad[i]);
        client_send(client, request, "");
        cr_assert_eq(client_answer(client).status, 400, "%s", bad[i]);
    }
    cr_assert_eq(fake_db_nwaiting(), 0);
}

Test(article_get, redirects_a_slug_to_the_path_by_id)
{
    client_send(client, "GET /articles/harbour-opens", "");
    struct db_query *query = fake_db_waiting(DB_ARTICLE_BY_SLUG);
    cr_assert_eq(query->nparams, 1);
    cr_assert_str_eq(query->params[0].value, "harbour-opens");
    fake_db_answer(query, fake_id(7));

    struct reply answer = client_answer(client);
    cr_assert_eq(answer.status, 302);
    cr_assert_not_null(strstr(answer.head, "location: /articles/7\r\n"), "%s", answer.head);
}

Test(article_get, answers_404_for_an_unknown_slug)
{
    client_send(client, "GET /articles/no-harbour", "");
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_SLUG), fake_no_rows());
    cr_assert_eq(client_answer(client).status, 404);
}
