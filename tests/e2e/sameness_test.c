/* An answer has the same bytes however it is made: alone or in a batch, from the database or from
 * memory, with finished lists or with stale ones, before or after a restart, compressed or not.
 * Its content is that of the tables.
 *
 *     corpus --> reference: one at a time, no cache --> the tables
 *                    ^--- miss, hit, many at a time, stale, gzip, after a restart */
#include <criterion/criterion.h>
#include <json.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/e2e/corpus.h"
#include "tests/e2e/metric.h"
#include "tests/support/fail.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"

enum {
    CORPUS = 1000 / TEST_SLOWNESS,
    NABSENT = 20,
    MAX_CLIENTS = 64,
    MAX_ANSWER_BYTES = 4 << 20,
    ALL_MS = 10000 * TEST_SLOWNESS,
    MAX_SHOWN = 5, /* differences; the others are only counted */
};

TestSuite(sameness, .timeout = 240);

/* The path of a request, and the first answer to it. */
static struct page {
    char path[48], *fields, *etag, *gzip_etag, *body;
    int status, row; /* of the tables; -1: none */
    size_t length;
} * pages;
static size_t npages;
static PGresult *tables; /* corpus_by_tables() */
static unsigned ndifferent;

static void different(const struct page *page, const char *when, const char *what)
{
    if (ndifferent++ < MAX_SHOWN)
        cr_expect_fail("%s, %s: another %s", page->path, when, what);
}

static struct test_server *start_server(const char *url, const char *cache)
{
    /* Long limits: an answer without its list, which came too late, would differ. */
    const char *const env[] = {"BROADSHEET_THREADS=2", "BROADSHEET_DEADLINE_MS=20000",
                               "BROADSHEET_RELATED_MS=20000", cache, NULL};
    struct test_server *server = test_server_start(url, env, NULL);
    cr_assert(WAIT_UNTIL(ALL_MS, is_feed_up(server)));
    return server;
}

static void add_page(const char *id, const char *suffix, int row)
{
    struct page *page = &pages[npages++];
    snprintf(page->path, sizeof(page->path), "/articles/%s%s", id, suffix);
    page->row = row;
}

/* Pages for every article, and for some articles that do not exist; and for every fourth article
 * its list alone, which is the same text again. */
static void make_pages(const char *url)
{
    PGconn *session = test_session_open(url);
    tables = corpus_by_tables(session);
    int n = PQntuples(tables);
    pages = calloc(2 * (size_t)n + NABSENT, sizeof(*pages));
    cr_assert_not_null(pages);
    for (int row = 0; row < n; row++) {
        add_page(PQgetvalue(tables, row, 0), "", row);
        if (row % 4 == 0 || row >= CORPUS)
            add_page(PQgetvalue(tables, row, 0), "/related", row);
    }
    for (int i = 0; i < NABSENT; i++) {
        char id[24];
        snprintf(id, sizeof(id), "%d", 1000000000 + i);
        add_page(id, i % 2 == 0 ? "" : "/related", -1);
    }
    PQfinish(session);
}

/* All header fields except those that depend on the coding or the time. */
static char *fields_of(const struct http_answer *a)
{
    static const char *const left_out[] = {"date", "etag", "content-length", "content-encoding"};
    char *all = strdup("");
    for (unsigned i = 0; i < a->_nfields; i++) {
        bool is_left_out = false;
        for (size_t k = 0; k < sizeof(left_out) / sizeof(left_out[0]); k++)
            is_left_out |= strcasecmp(a->_fields[i].name, left_out[k]) == 0;
        if (is_left_out)
            continue;
        char *longer = test_format("%s%s: %s\n", all, a->_fields[i].name, a->_fields[i].value);
        free(all);
        all = longer;
    }
    return all;
}

static void remember(struct page *page, const struct http_answer *a, const char *unused)
{
    (void)unused;
    const char *etag = http_field(a, "etag");
    page->status = a->status;
    page->fields = fields_of(a);
    page->etag = strdup(etag != NULL ? etag : "");
    page->length = a->length;
    page->body = malloc(a->length + 1);
    cr_assert_not_null(page->body);
    memcpy(page->body, a->body, a->length + 1);
}

static void expect_same(struct page *page, const struct http_answer *a, const char *when)
{
    const char *etag = http_field(a, "etag");
    char *fields = fields_of(a);
    if (a->status != page->status)
        different(page, when, "status");
    else if (strcmp(fields, page->fields) != 0)
        different(page, when, "header");
    else if (strcmp(etag != NULL ? etag : "", page->etag) != 0)
        different(page, when, "ETag");
    else if (a->length != page->length || memcmp(a->body, page->body, a->length) != 0)
        different(page, when, "body");
    free(fields);
}

/* Each coding has its own ETag; the decompressed bytes are the same. */
static void expect_same_in_gzip(struct page *page, const struct http_answer *a, const char *when)
{
    static char bytes[MAX_ANSWER_BYTES];
    struct libdeflate_decompressor *gzip = libdeflate_alloc_decompressor();
    const char *coding = http_field(a, "content-encoding"), *etag = http_field(a, "etag");
    char *fields = fields_of(a);
    size_t length = 0;
    if (coding == NULL) {
        if (page->status == 200 && page->length >= 1024)
            different(page, when, "coding: none");
        expect_same(page, a, when);
    } else if (strcmp(coding, "gzip") != 0 ||
               libdeflate_gzip_decompress(gzip, a->body, a->length, bytes, sizeof(bytes),
                                          &length) != LIBDEFLATE_SUCCESS) {
        different(page, when, "coding: no gzip");
    } else if (length != page->length || memcmp(bytes, page->body, length) != 0) {
        different(page, when, "body");
    } else if (etag == NULL || strcmp(etag, page->etag) == 0 || etag[0] != '"' ||
               strchr(etag + 1, '"') != etag + strlen(etag) - 1) {
        different(page, when, "ETag: none, or that of other bytes");
    } else if (page->gzip_etag != NULL && strcmp(etag, page->gzip_etag) != 0) {
        different(page, when, "ETag");
    } else if (a->status != page->status || strcmp(fields, page->fields) != 0) {
        different(page, when, "header");
    }
    if (page->gzip_etag == NULL && etag != NULL && coding != NULL)
        page->gzip_etag = strdup(etag);
    libdeflate_free_decompressor(gzip);
    free(fields);
}

typedef void on_answer_fn(struct page *page, const struct http_answer *answer, const char *when);

/* Asks for every page, `nclients` at a time. Each client sends `nahead` requests before it reads
 * the answers. */
static void ask(const struct test_server *server, size_t nclients, size_t nahead,
                const char *fields, const char *when, on_answer_fn *on_answer)
{
    struct http_connection clients[MAX_CLIENTS];
    for (size_t c = 0; c < nclients; c++)
        clients[c] = http_open(server);
    for (size_t first = 0; first < npages; first += nclients * nahead) {
        size_t end = first + nclients * nahead < npages ? first + nclients * nahead : npages;
        for (size_t i = first; i < end; i++)
            http_send(&clients[i % nclients], "GET", pages[i].path, fields, NULL);
        for (size_t i = first; i < end; i++) {
            struct http_answer a = http_receive(&clients[i % nclients], false);
            on_answer(&pages[i], &a, when);
            http_answer_finish(&a);
        }
    }
    for (size_t c = 0; c < nclients; c++)
        http_close(&clients[c]);
}

static void expect_text(const struct page *page, const char *expected)
{
    struct json_object *ours = json_tokener_parse(page->body),
                       *theirs = json_tokener_parse(expected);
    bool is = ours != NULL && theirs != NULL &&
              strcmp(json_object_to_json_string(ours), json_object_to_json_string(theirs)) == 0;
    if (!is && ndifferent++ < MAX_SHOWN)
        cr_expect_fail("%s differs from the tables: %d %.600s\ninstead of %.600s", page->path,
                       page->status, page->body, expected);
    json_object_put(theirs);
    json_object_put(ours);
}

static void compare_with_tables(void)
{
    for (const struct page *page = pages; page < pages + npages; page++) {
        const char *status = page->row >= 0 ? PQgetvalue(tables, page->row, 1) : "absent";
        bool is_list = strstr(page->path, "/related") != NULL;
        int expected = 404;
        if (strcmp(status, "published") == 0)
            expected = 200;
        else if (strcmp(status, "withdrawn") == 0)
            expected = 410;
        cr_expect_eq(page->status, expected, "%s: %d", page->path, page->status);
        if (expected == 200)
            expect_text(page, PQgetvalue(tables, page->row, is_list ? 3 : 2));
    }
}

/* Marks on names wait for the open transactions of all tests that share the cluster. */
static void finish_lists(const char *url)
{
    cr_expect(WAIT_UNTIL(30000, (test_sql(url, "select stale_work(null, 1000000)"),
                                 test_sql_number(url, "select count(*) from stale_marks") == 0)));
}

static void ask_for_stale_lists(const char *url, const struct test_server *server)
{
    PGconn *lock = test_lock(url, "related_queue"); /* so that the server does not finish them */
    test_sql(url,
             "select mark_stale(array(select article_key(id) from articles where id %% 20 = 0))");
    ask(server, MAX_CLIENTS, 8, NULL, "with stale lists among the others", expect_same);
    test_sql(url, "select mark_stale(array(select article_key(id) from articles))");
    ask(server, MAX_CLIENTS, 8, NULL, "with stale lists alone", expect_same);
    finish_lists(url);
    test_unlock(lock);
    ask(server, MAX_CLIENTS, 8, NULL, "with lists that are finished again", expect_same);
}

Test(sameness, every_answer_has_the_content_of_the_tables_and_the_same_bytes_however_it_is_made)
{
    char *url = test_database_create();
    corpus_make(url, CORPUS);
    make_pages(url);
    finish_lists(url);

    struct test_server *plain = start_server(url, "BROADSHEET_CACHE_MB=0");
    ask(plain, 1, 1, NULL, "", remember);
    compare_with_tables();
    double batches = metric_of(plain, "broadsheet_db_batch_ids_count", "");
    ask(plain, MAX_CLIENTS, 8, NULL, "in a batch", expect_same);
    batches = metric_of(plain, "broadsheet_db_batch_ids_count", "") - batches;
    cr_expect_lt(batches, npages, "%g batches for %zu pages: no batch has several ids", batches,
                 npages);
    ask(plain, 16, 8, "Accept-Encoding: gzip\r\n", "gzip without a cache", expect_same_in_gzip);
    ask_for_stale_lists(url, plain);

    struct test_server *keeping = start_server(url, "BROADSHEET_CACHE_MB=256");
    ask(keeping, 4, 8, NULL, "a miss", expect_same);
    double lookups = article_lookups(keeping);
    ask(keeping, 8, 16, NULL, "a hit", expect_same);
    ask(keeping, 8, 16, "Accept-Encoding: gzip\r\n", "a hit that is compressed",
        expect_same_in_gzip);
    ask(keeping, 8, 16, "Accept-Encoding: gzip\r\n", "a hit in gzip", expect_same_in_gzip);
    ask(keeping, 8, 16, NULL, "a hit with the others", expect_same);
    lookups = article_lookups(keeping) - lookups;
    cr_expect_leq(lookups, npages, "%g look-ups: each thread needs each page once", lookups);

    cr_expect_eq(test_server_stop(keeping), 0);
    keeping = start_server(url, "BROADSHEET_CACHE_MB=256");
    ask(keeping, 16, 8, "Accept-Encoding: gzip\r\n", "after a restart", expect_same_in_gzip);
    ask(keeping, 16, 8, NULL, "after a restart, with the others", expect_same);
    cr_expect_eq(ndifferent, 0, "%u differences", ndifferent);
    cr_expect_eq(test_server_stop(keeping), 0);
    cr_expect_eq(test_server_stop(plain), 0);
    for (size_t i = 0; i < npages; i++) {
        free(pages[i].fields);
        free(pages[i].etag);
        free(pages[i].gzip_etag);
        free(pages[i].body);
    }
    free(pages);
    PQclear(tables);
    free(url);
}
