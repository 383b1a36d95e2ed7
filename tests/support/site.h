/* tests/support/site.h - the first steps of most end-to-end tests: a database with articles, and a
 * server on it.
 *
 * |
 *
 * Errors: everything here aborts the test and reports why. Threads: as in database.h and
 * server.h. */
#ifndef BROADSHEET_TESTS_SUPPORT_SITE_H
#define BROADSHEET_TESTS_SUPPORT_SITE_H

#include "tests/support/database.h"
#include "tests/support/http.h"
#include "tests/support/server.h"

struct test_site {
    char *url; /* of the database */
    struct test_server *server;
};

enum { SITE_ARTICLES = 40, SITE_CARDS = 6 };

/* Connections of a server beside those of its workers: one of the change feed, one of the related
 * worker. */
enum { SERVER_OWN_CONNECTIONS = 2 };

/* A new database with the articles of test_articles_insert, whose lists do not change by
 * themselves, and a server on it; `env` as in test_server_start. */
struct test_site test_site_open(const char *const env[]);

/* Stops the server, which must exit with 0. The database is dropped when the process ends. */
void test_site_close(struct test_site *site);

/* SITE_ARTICLES articles: number N has the id N, the slug article-N, the title "Article N", two
 * authors, two tags, and as related articles N+1, N+2 ... N+6; the first follows the last. */
void test_articles_insert(const char *url);

/* One more published article in the section "News", without any optional part. */
void test_article_insert(const char *url, long id, const char *slug);

/* From now on the related lists are the rows of article_related: nobody computes them again, and
 * the work only writes the lists that readers get. */
void test_lists_keep(const char *url);

/* A transaction that keeps everybody from reading these tables ("articles, article_related") until
 * test_unlock. */
PGconn *test_lock(const char *url, const char *tables);
void test_unlock(PGconn *lock);

/* How many statements of the workers wait for a lock in this database now. The related worker does not count: it
 * may wait for the same lock. */
long test_waiting(const char *url);

/* The value under an RFC 6901 pointer ("/article/id"), as text; NULL where there is none or a null.
 * Borrowed from the answer. */
const char *answer_text(const struct http_answer *answer, const char *pointer);
long answer_number(const struct http_answer *answer,
                   const char *pointer); /* -1 when there is no such value */

/* An RFC 9457 answer of this status, with all its members. A failure names the missing member. */
void expect_problem(const struct http_answer *answer, int status, const char *what_was_asked);

/* Is this a whole answer with the article of this id? */
bool is_article(const struct http_answer *answer, long id);

/* Expects that it is one, with this Related-Status, and without cards when the status is not
 * "ok". */
void expect_article(const struct http_answer *answer, long id, const char *related_status);

/* Asks for the article. Did it come with its related articles? */
bool is_served(const struct test_server *server, long id);

/* n clients ask for the articles 1 to n, all at the same time, on connections that stay open. */
void ask_all(const struct test_server *server, struct http_connection *clients, int n);

#endif
