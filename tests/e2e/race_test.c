/* A look-up under way and a change of its article, in each possible order. The wire between the
 * server and PostgreSQL holds back the answers of the look-up or the news of the change.
 *
 * The promises: an answer shows all changes that had committed max_stale before its request; and
 * no answer stays that is older than the news that the server has received. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/metric.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"
#include "tests/support/wire.h"

enum { ALL_MS = 5000 * TEST_SLOWNESS };

static struct test_site site;
static struct test_wire *wire;

static void open_site(const char *const env[])
{
    site.url = test_database_create();
    test_articles_insert(site.url);
    test_lists_keep(site.url);
    wire = test_wire_create(site.url);
    site.server = test_server_start(test_wire_url(wire), env, NULL);
    cr_assert(WAIT_UNTIL(ALL_MS, is_feed_up(site.server)));
    cr_assert(is_served(site.server, 30)); /* every statement is prepared */
}

static void close_site(void)
{
    test_site_close(&site);
    test_wire_destroy(wire);
}

TestSuite(race, .fini = close_site, .timeout = 120);

/* Only notifications bring news: the next poll is 5 s away. */
static const char *const long_limits[] = {"BROADSHEET_THREADS=1", "BROADSHEET_MAX_STALE_MS=20000",
                                          "BROADSHEET_DEADLINE_MS=20000", NULL};

/* Each of these changes is visible in the answer at its path. */
static const struct change {
    const char *what, *sql, *path;
} changes[] = {
    {"another title", "update articles set title = title || '!' where id = 5", "/articles/5"},
    {"a withdrawal", "update articles set status = 'withdrawn' where id = 5", "/articles/5"},
    {"its return", "update articles set status = 'published' where id = 5", "/articles/5"},
    {"a card's title", "update articles set title = title || '?' where id = 6", "/articles/5"},
    {"a card that is removed", "update articles set status = 'draft' where id = 7", "/articles/5"},
    {"a card that is added", "update articles set status = 'published' where id = 7",
     "/articles/5"},
    {"a card's title in the list alone", "update articles set title = title || '.' where id = 6",
     "/articles/5/related"},
    {"a shorter list", "delete from article_related where article_id = 5 and rank = 6",
     "/articles/5"},
    {"an article where none was",
     "insert into articles (id, slug, section_id, published_at, title, body)"
     " values (1000, 'late', 1, now(), 'T', 'B')",
     "/articles/1000"},
    {"its deletion", "delete from articles where id = 1000", "/articles/1000"},
    {"a change of everything",
     "update articles set title = title || '#' where id = 5;"
     "insert into change_log (key) select article_key(n) from generate_series(2000, 13000) n;"
     "notify broadsheet_changes",
     "/articles/5"},
};
enum { NCHANGES = sizeof(changes) / sizeof(changes[0]) };

static bool is_same(const struct http_answer *a, const struct http_answer *b)
{
    return a->status == b->status && strcmp(a->body, b->body) == 0;
}

/* Expects an answer that differs from `old`. */
static void expect_new(const struct http_answer *old, const char *path, const char *when)
{
    struct http_answer a = http_get(site.server, path);
    cr_expect(a.status != 0 && a.status < 500, "%s: %d", when, a.status);
    cr_expect(!is_same(&a, old), "%s: the old answer: %d %.300s", when, a.status, a.body);
    http_answer_finish(&a);
}

static double changes_reported(void)
{
    return metric_of(site.server, "broadsheet_change_feed_changes_total", "") +
           metric_of(site.server, "broadsheet_change_feed_everything_total", "");
}

/* The counters rise just before the loop itself has the news. One more answer of the loop comes
 * after that. */
static void wait_until_reported(double before, const char *what)
{
    cr_assert(WAIT_UNTIL(ALL_MS, changes_reported() > before), "%s is not reported", what);
    changes_reported();
}

/* The server drops its answer at this path. */
static void drop_answer(const char *path)
{
    double before = changes_reported();
    test_sql(site.url, "select change_log_add(array[article_key(%ld)])",
             strtol(path + strlen("/articles/"), NULL, 10));
    wait_until_reported(before, path);
}

/* Sends a request. Returns when PostgreSQL has answered both queries and the wire holds these
 * answers. */
static struct http_connection ask_and_hold(const char *path)
{
    test_wire_hold(wire, WIRE_ARTICLES);
    struct http_connection c = http_open(site.server);
    http_send(&c, "GET", path, NULL, NULL);
    cr_assert(WAIT_UNTIL(ALL_MS, test_wire_held(wire, WIRE_ARTICLES) == 2), "%s: %u are held", path,
              test_wire_held(wire, WIRE_ARTICLES));
    return c;
}

Test(race, an_answer_read_before_a_change_that_arrives_after_the_news_of_it_is_not_kept)
{
    open_site(long_limits);
    for (size_t i = 0; i < NCHANGES; i++) {
        const struct change *change = &changes[i];
        drop_answer(change->path);
        double before = changes_reported();
        struct http_connection c = ask_and_hold(change->path);
        test_sql(site.url, "%s", change->sql);
        wait_until_reported(before, change->what);
        test_wire_release(wire, WIRE_ARTICLES);
        struct http_answer old = http_receive(&c, false);
        expect_new(&old, change->path, change->what);
        http_answer_finish(&old);
        http_close(&c);
    }
}

Test(race, a_look_up_begun_before_a_change_is_not_joined_after_the_news_of_it)
{
    open_site(long_limits);
    for (size_t i = 0; i < NCHANGES; i++) {
        const struct change *change = &changes[i];
        drop_answer(change->path);
        double before = changes_reported(), lookups = article_lookups(site.server);
        struct http_connection early = ask_and_hold(change->path), late = http_open(site.server);
        test_sql(site.url, "%s", change->sql);
        wait_until_reported(before, change->what);
        http_send(&late, "GET", change->path, NULL, NULL);
        cr_expect(WAIT_UNTIL(ALL_MS, metric_of(site.server, "broadsheet_db_queue_length", "") == 2),
                  "%s: the request joined the old look-up", change->what);
        test_wire_release(wire, WIRE_ARTICLES);
        struct http_answer first = http_receive(&early, false), second = http_receive(&late, false);
        cr_expect(second.status != 0 && !is_same(&first, &second), "%s: %d %.300s", change->what,
                  second.status, second.body);
        expect_new(&first, change->path, change->what);
        cr_expect_eq(article_lookups(site.server), lookups + 2, "%s: the newest is not kept",
                     change->what);
        http_answer_finish(&first);
        http_answer_finish(&second);
        http_close(&early);
        http_close(&late);
    }
}

Test(race, an_answer_read_before_a_change_that_arrives_before_the_news_of_it_is_dropped_by_the_news)
{
    open_site(long_limits);
    for (size_t i = 0; i < NCHANGES; i++) {
        const struct change *change = &changes[i];
        drop_answer(change->path);
        double before = changes_reported();
        struct http_connection c = ask_and_hold(change->path);
        test_wire_hold(wire, WIRE_CHANGES);
        test_sql(site.url, "%s", change->sql);
        test_wire_release(wire, WIRE_ARTICLES);
        struct http_answer old = http_receive(&c, false);
        struct http_answer kept = http_get(site.server, change->path);
        cr_expect(is_same(&old, &kept), "%s: it was not kept, so nothing is tested", change->what);
        test_wire_release(wire, WIRE_CHANGES);
        wait_until_reported(before, change->what);
        expect_new(&old, change->path, change->what);
        http_answer_finish(&kept);
        http_answer_finish(&old);
        http_close(&c);
    }
}

Test(race, an_answer_kept_before_a_change_is_dropped_by_the_news_of_it)
{
    open_site(long_limits);
    for (size_t i = 0; i < NCHANGES; i++) {
        const struct change *change = &changes[i];
        double before = changes_reported();
        struct http_answer old = http_get(site.server, change->path);
        test_sql(site.url, "%s", change->sql);
        wait_until_reported(before, change->what);
        expect_new(&old, change->path, change->what);
        http_answer_finish(&old);
    }
}

/* The title of article 2 counts the changes, and three answers show it. */
enum { MAX_STALE_MS = 200, ROUNDS = 60, READERS = 2, LATE_MS = 25, PLACES = 3 };

static const struct place {
    const char *path, *pointer;
} places[PLACES] = {
    {"/articles/2", "/article/title"},
    {"/articles/1", "/related_articles/0/title"},
    {"/articles/1/related", "/related_articles/0/title"},
};

static struct {
    atomic_bool is_over;
    atomic_int committed;
    _Atomic uint64_t committed_at_us[ROUNDS + 1]; /* at most a moment after the commit */
    atomic_uint asked, failed, too_old;
} load;

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The oldest change that an answer may show when its request is sent now. */
static int oldest_allowed(uint64_t asked_at_us)
{
    int n = load.committed;
    while (n > 0 && load.committed_at_us[n] + MAX_STALE_MS * 1000 > asked_at_us)
        n--;
    return n;
}

static int shown(struct http_connection *c, const struct place *place)
{
    http_send(c, "GET", place->path, NULL, NULL);
    struct http_answer a = http_receive(c, false);
    const char *title = a.status == 200 ? answer_text(&a, place->pointer) : NULL;
    int n = title != NULL ? (int)strtol(title, NULL, 10) : -1;
    http_answer_finish(&a);
    return n;
}

static void *read_on(void *unused)
{
    (void)unused;
    struct http_connection c = http_open(site.server);
    for (unsigned i = 0; !load.is_over; i++) {
        uint64_t asked_at_us = now_us();
        int least = oldest_allowed(asked_at_us), n = shown(&c, &places[i % PLACES]);
        load.asked++;
        load.failed += n < 0;
        load.too_old += n >= 0 && n < least;
    }
    http_close(&c);
    return NULL;
}

static bool is_everywhere(int n)
{
    bool is = true;
    for (size_t i = 0; i < PLACES; i++) {
        struct http_connection c = http_open(site.server);
        is &= shown(&c, &places[i]) == n;
        http_close(&c);
    }
    return is;
}

static void change_to(PGconn *writer, int n)
{
    test_session_sql(writer, "update articles set title = '%d' where id = 2", n);
    load.committed_at_us[n] = now_us();
    load.committed = n;
}

Test(race, under_load_with_delays_no_answer_is_too_old_and_the_last_one_is_the_newest)
{
    static const char *const env[] = {"BROADSHEET_THREADS=2", "BROADSHEET_MAX_STALE_MS=200", NULL};
    pthread_t readers[READERS];
    open_site(env);
    PGconn *writer = test_session_open(site.url);
    change_to(writer, 0);
    cr_assert(WAIT_UNTIL(ALL_MS, is_everywhere(0)));
    test_wire_delay(wire, LATE_MS);
    for (size_t i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, read_on, NULL);

    for (int n = 1; n <= ROUNDS; n++) {
        if (n % 12 == 4)
            test_wire_cut(wire, WIRE_CHANGES);
        if (n % 12 == 8)
            test_wire_hold(wire, WIRE_CHANGES);
        change_to(writer, n);
        if (n % 3 == 0) /* the other changes follow each other closely */
            cr_expect(WAIT_UNTIL(ALL_MS, is_everywhere(n)), "change %d is not seen", n);
        test_wire_release(wire, WIRE_CHANGES);
    }
    cr_expect(WAIT_UNTIL(ALL_MS, is_everywhere(ROUNDS)), "the last change is not seen");
    /* A thread that has answered no request since the change may show the answer before it until then. */
    cr_assert(WAIT_UNTIL(MAX_STALE_MS, oldest_allowed(now_us()) == ROUNDS));
    for (int i = 0; i < 50; i++)
        cr_expect(is_everywhere(ROUNDS), "an older answer is back");

    load.is_over = true;
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    cr_expect_eq(load.failed, 0, "%u of %u answers failed", load.failed, load.asked);
    cr_expect_eq(load.too_old, 0, "%u of %u answers are too old", load.too_old, load.asked);
    PQfinish(writer);
}
