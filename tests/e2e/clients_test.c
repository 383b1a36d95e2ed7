/* Clients that misbehave: they leave before the answer, are slow, or are many. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/site.h"
#include "tests/support/wait.h"

enum { NREADERS = 300 };

static const char *const env[] = {"BROADSHEET_CACHE_MB=0", "BROADSHEET_THREADS=2",
                                  "BROADSHEET_DEADLINE_MS=10000", NULL};

static struct test_site site;
static unsigned descriptors; /* open descriptors of the idle server */

static void open_site(void)
{
    site = test_site_open(env);
    cr_assert(WAIT_UNTIL(5000, is_served(site.server, 1)));
    cr_assert(WAIT_UNTIL(
        5000,
        test_sql_number(site.url, "select count(*) from pg_stat_activity where"
                                  " datname = current_database() and pid <> pg_backend_pid()") ==
            4 + SERVER_OWN_CONNECTIONS));
    cr_assert(WAIT_UNTIL(5000, (descriptors = test_server_descriptors(site.server)) > 0 &&
                                   descriptors == test_server_descriptors(site.server)));
}

static void close_site(void)
{
    cr_expect(WAIT_UNTIL(5000, is_served(site.server, 2)), "the server does not answer");
    cr_expect(WAIT_UNTIL(15000, test_server_descriptors(site.server) <= descriptors),
              "%u descriptors were open, now %u", descriptors,
              test_server_descriptors(site.server));
    test_site_close(&site);
}

TestSuite(clients, .init = open_site, .fini = close_site, .timeout = 60);

static struct http_connection readers[NREADERS];

static void send_all(void)
{
    for (int i = 0; i < NREADERS; i++) {
        char path[32];
        snprintf(path, sizeof(path),
                 i % 5 == 0   ? "/articles/%d/related"
                 : i % 7 == 0 ? "/articles/article-%d"
                              : "/articles/%d",
                 1 + i % SITE_ARTICLES);
        readers[i] = http_open(site.server);
        http_send(&readers[i], "GET", path, NULL, NULL);
    }
}

static void leave(int i)
{
    if (i % 2 == 0)
        http_close(&readers[i]);
    else
        http_reset(&readers[i]);
}

Test(clients, that_leave_during_their_queries_do_no_harm)
{
    PGconn *lock = test_lock(site.url, "article_views, related_views");
    send_all();
    cr_assert(WAIT_UNTIL(2000, test_waiting(site.url) == 4));
    for (int i = 0; i < NREADERS; i++)
        leave(i);
    test_unlock(lock);
}

Test(clients, that_leave_at_once_do_no_harm)
{
    for (int round = 0; round < 3; round++) {
        send_all();
        for (int i = 0; i < NREADERS; i++)
            leave(i);
    }
}

Test(clients, that_leave_in_the_middle_of_a_large_answer_do_no_harm)
{
    test_sql(site.url, "update articles set body = repeat('0123456789', 500000) where id <= 4");
    for (int i = 0; i < 20; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/articles/%d", 1 + i % 4);
        readers[i] = http_open(site.server);
        http_send(&readers[i], "GET", path, NULL, NULL);
    }
    for (int i = 0; i < 20; i++) {
        struct http_answer a = {0};
        if (i % 3 == 0) {
            a = http_receive(&readers[i], false);
            cr_expect(is_article(&a, 1 + i % 4), "%d: %d", i, a.status);
            http_answer_finish(&a);
        }
        leave(i);
    }
}

Test(clients, that_stay_get_their_answers_when_others_leave)
{
    PGconn *lock = test_lock(site.url, "article_views, related_views");
    send_all();
    cr_assert(WAIT_UNTIL(2000, test_waiting(site.url) == 4));
    for (int i = 0; i < NREADERS; i++)
        if (i % 3 != 0)
            leave(i);
    test_unlock(lock);
    for (int i = 0; i < NREADERS; i += 3) {
        struct http_answer a = http_receive(&readers[i], false);
        cr_expect(a.status == 200 || a.status == 302, "%d: %d %.200s", i, a.status, a.body);
        http_answer_finish(&a);
        http_close(&readers[i]);
    }
}

Test(clients, that_stop_in_the_middle_of_a_request_delay_nobody)
{
    struct http_connection slow = http_open(site.server), silent = http_open(site.server);
    static const char half[] = "GET /articles/1 HTTP/1.1\r\nHost: a\r\nX-Slow: ";
    http_send_raw(&slow, half, strlen(half));
    for (long id = 1; id <= 20; id++)
        cr_expect(is_served(site.server, id));
    http_send_raw(&slow, "yes\r\n\r\n", 7);
    struct http_answer a = http_receive(&slow, false);
    cr_expect(is_article(&a, 1), "%d", a.status);
    http_answer_finish(&a);
    http_close(&slow);
    http_close(&silent);
}

Test(clients, that_speak_http_2_get_no_answer_in_it)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    struct http_connection c = http_open(site.server);
    http_send_raw(&c, preface, strlen(preface));
    struct http_answer a = http_receive(&c, false); /* a SETTINGS frame is not a status line */
    cr_expect(a.status == 0 || a.status >= 400, "%d", a.status);
    http_answer_finish(&a);
    http_close(&c);

    a = http_request(site.server, "GET", "/articles/1",
                     "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n", NULL);
    cr_expect(is_article(&a, 1), "%d", a.status);
    http_answer_finish(&a);
}

Test(clients, beyond_the_limit_wait_until_others_leave)
{
    static const char *const few[] = {"BROADSHEET_CACHE_MB=0", "BROADSHEET_THREADS=1",
                                      "BROADSHEET_MAX_CONNECTIONS=4", NULL};
    struct test_server *small = test_server_start(site.url, few, NULL);
    for (int i = 0; i < 8; i++) {
        readers[i] = http_open(small);
        http_send(&readers[i], "GET", "/articles/1", NULL, NULL);
    }
    for (int i = 0; i < 8; i++) {
        struct http_answer a = http_receive(&readers[i], false);
        cr_expect(is_article(&a, 1), "%d: %d", i, a.status);
        http_answer_finish(&a);
        http_close(&readers[i]);
    }
    cr_expect_eq(test_server_stop(small), 0);
}
