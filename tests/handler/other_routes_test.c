#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "tests/handler/scene.h"

static struct client *client;

static void connect_one(void)
{
    client = client_connect();
}

TestSuite(related_get, .init = connect_one, .timeout = 20);
TestSuite(ready_get, .init = connect_one, .timeout = 20);
TestSuite(routes, .init = connect_one, .timeout = 20);
TestSuite(metrics_get, .init = connect_one, .timeout = 20);

Test(related_get, answers_the_list_alone)
{
    client_send(client, "GET /articles/7/related", "");
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_article(7, "published"));
    fake_db_answer(fake_db_waiting(DB_RELATED_BY_ID), fake_cards(7, 20, 0));
    struct reply answer = client_answer(client);
    cr_assert_eq(answer.status, 200);
    cr_assert_str_eq(answer.body, "{\"related_articles\":[]}");
}

Test(related_get, is_an_error_when_only_the_list_was_requested_and_it_failed)
{
    client_send(client, "GET /articles/7/related", "");
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_article(7, "published"));
    fake_db_fail(fake_db_waiting(DB_RELATED_BY_ID), DB_TIMEOUT, NULL);
    cr_assert_eq(client_answer(client).status, 504);
}

Test(related_get, answers_410_for_an_article_that_was_withdrawn)
{
    client_send(client, "GET /articles/7/related", "");
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_ID), fake_article(7, "withdrawn"));
    cr_assert_eq(client_answer(client).status, 410);
}

Test(related_get, redirects_a_slug_to_the_path_by_id)
{
    client_send(client, "GET /articles/harbour-opens/related", "");
    fake_db_answer(fake_db_waiting(DB_ARTICLE_BY_SLUG), fake_id(7));
    struct reply answer = client_answer(client);
    cr_assert_not_null(strstr(answer.head, "location: /articles/7/related\r\n"), "%s", answer.head);
}

Test(ready_get, is_ready_when_the_database_answers)
{
    client_send(client, "GET /readyz", "");
    fake_db_answer(fake_db_waiting(DB_PING), fake_id(1));
    cr_assert_eq(client_answer(client).status, 200);
}

Test(ready_get, reports_why_it_is_not_ready)
{
    client_send(client, "GET /readyz", "");
    fake_db_fail(fake_db_waiting(DB_PING), DB_UNAVAILABLE, "host db, user root");
    struct reply answer = client_answer(client);
    cr_assert_eq(answer.status, 503);
    cr_assert_not_null(strstr(answer.body, "No connection to the database is up."));
    cr_assert_null(strstr(answer.body, "root"), "the server's message is for the log");
}

Test(ready_get, is_not_ready_while_it_drains)
{
    client_service()->is_draining = true;
    client_send(client, "GET /readyz", "");
    cr_assert_eq(client_answer(client).status, 503);
    cr_assert_eq(fake_db_nwaiting(), 0);
}

struct request {
    char line[64];
    int want;
};

ParameterizedTestParameters(routes, answer_requests_that_no_handler_serves)
{
    static struct request cases[] = {
        {"GET /", 404},
        {"GET /nothing", 404},
        {"GET /articles", 404},
        {"GET /articles/", 404},
        {"GET /articles/1/", 404},
        {"GET /articles/1/nothing", 404},
        {"GET /articles/1/related/", 404},
        {"GET /articles//related", 404},
        {"GET /articles/../healthz", 404},
        {"GET /articles/1%2Frelated", 400},
        {"GET /healthzz", 404},
        {"GET *", 404},
        {"DELETE /healthz", 405},
        {"POST /articles/1", 405},
        {"get /healthz", 405},
        {"OPTIONS /metrics", 405},
        {"GET /healthz?surprise=1", 400},
        {"GET /articles/1?a", 400},
        {"GET /articles/1?page=1", 400},
        {"GET /articles/1?utm_source=x&page=1", 400},
        {"GET /healthz?", 200},
        {"GET /healthz?utm_source=x&fbclid=y&fbclid=z", 200},
        {"GET /articles/576460752303423488", 404}, /* one more than the largest id */
        {"GET /articles/9223372036854775807", 404},
        {"GET /articles/9223372036854775807/related", 404},
    };
    return cr_make_param_array(struct request, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct request *c, routes, answer_requests_that_no_handler_serves)
{
    client_send(client, c->line, "");
    struct reply answer = client_answer(client);
    cr_expect_eq(answer.status, c->want, "%s: %d", c->line, answer.status);
    if (c->want >= 400)
        cr_expect_not_null(strstr(answer.head, "content-type: application/problem+json\r\n"));
    if (c->want == 405)
        cr_expect_not_null(strstr(answer.head, "allow: get, head\r\n"), "%s", answer.head);
    cr_expect_eq(fake_db_nwaiting(), 0);
}

Test(routes, name_the_unknown_parameter_in_valid_json)
{
    client_send(client, "GET /healthz?a\"b\\=1&c=2", "");
    struct reply answer = client_answer(client);
    json_object *body = json_tokener_parse(answer.body);
    cr_assert_not_null(body, "%s", answer.body);
    const char *detail = json_object_get_string(json_object_object_get(body, "detail"));
    cr_assert_not_null(strstr(detail, "a\"b\\"), "%s", detail);
    json_object_put(body);
}

Test(routes, make_problem_json_of_the_answers_of_the_library)
{
    client_send(client, "POST /healthz", "Content-Length: 99999\r\n");
    struct reply answer = client_answer(client);
    cr_assert_eq(answer.status, 413);
    cr_assert_not_null(strstr(answer.head, "content-type: application/problem+json\r\n"));
    cr_assert_not_null(strstr(answer.body, "content-too-large"));
    cr_assert_eq(counter_get(&client_service()->metrics.requests[METRICS_OTHER_ROUTE][7]), 1);
}

Test(metrics_get, counts_requests_by_route_and_status)
{
    client_send(client, "GET /healthz", "");
    client_answer(client);
    client_send(client, "GET /nothing", "");
    client_answer(client);
    client_turn();
    const struct metrics *metrics = &client_service()->metrics;
    cr_assert_eq(counter_get(&metrics->requests[3][0]), 1, "/healthz, 200");
    cr_assert_eq(counter_get(&metrics->in_flight), 0);
}

Test(routes, ignore_parameters_that_social_networks_append)
{
    scene_cache(1000 * 1000);
    scene_looks_up(client, "/articles/7?utm_source=a&fbclid=b");
    scene_answer(7, 3);
    cr_expect_eq(scene_version(client), 3);
    scene_kept(client, "/articles/7", "");
    scene_kept(client, "/articles/7?gclid=1&utm_campaign=2", "");
}

Test(ready_get, reports_in_its_details_why_changes_may_go_unreported)
{
    scene_changes_unreliable("a trigger is missing");
    client_send(client, "GET /readyz", "");
    fake_db_answer(fake_db_waiting(DB_PING), fake_id(1));
    struct reply answer = client_answer(client);
    cr_expect_eq(answer.status, 200);
    json_object *body = json_tokener_parse(answer.body), *details = NULL;
    cr_assert(json_object_object_get_ex(body, "details", &details), "%s", answer.body);
    cr_expect_not_null(strstr(json_object_get_string(details), "a trigger is missing"));
    json_object_put(body);

    scene_changes_unreliable(NULL);
    client_send(client, "GET /readyz", "");
    fake_db_answer(fake_db_waiting(DB_PING), fake_id(1));
    cr_expect_null(strstr(client_answer(client).body, "details"));
}

static void expect_metric(const char *text, const char *line)
{
    cr_expect_not_null(strstr(text, line), "%s is missing", line);
}

Test(metrics_get, shows_the_numbers_of_the_process)
{
    struct process *process = client_service()->process;
    counter_set(&process->change_feed.is_unreliable, 1);
    counter_set(&process->related_worker.failed_articles, 3);
    counter_set(&process->change_feed.reads, 12);
    counter_set(&process->related_worker.lists[LISTS_SHORT], 4);
    counter_set(&process->related_worker.queued, 5);
    counter_set(&process->related_worker.oldest[0].analysis, 1);
    counter_set(&process->related_worker.oldest[0].age_s, 77);
    memory_reserve(&process->memory, 4321);
    memory_reserve(&process->memory, SIZE_MAX);
    client_send(client, "GET /metrics", "");
    struct reply head;
    char *text = client_long_answer(client, &head);
    expect_metric(text, "\nbroadsheet_change_feed_unreliable 1\n");
    expect_metric(text, "\nbroadsheet_related_worker_failed_articles_total 3\n");
    expect_metric(text, "\nbroadsheet_change_feed_reads_total 12\n");
    expect_metric(text, "\nbroadsheet_related_lists_total{cards=\"3-5\"} 4\n");
    expect_metric(text, "\nbroadsheet_related_queue_rows 5\n");
    expect_metric(text, "\nbroadsheet_related_oldest_list_age_seconds{version=\"1\"} 77\n");
    cr_expect_null(strstr(text, "version=\"0\""));
    expect_metric(text, "\nbroadsheet_memory_bytes 4321\n");
    expect_metric(text, "\nbroadsheet_memory_refused_total 1\n");
    expect_metric(text, "\nbroadsheet_log_lines_lost_total 0\n");
    free(text);
}
