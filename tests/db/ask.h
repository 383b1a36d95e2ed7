/* tests/db/ask.h - queries that remember their answer, and compare it with the archive of the test.
 *
 * The archive has the articles 1 to N. Article i has the slug "article-i" and the title "Title
 * i". Its related list has the i % 7 articles that follow it (every seventh list is empty). */
#ifndef TESTS_DB_ASK_H
#define TESTS_DB_ASK_H

#include "tests/db/loop.h"

enum { ARCHIVE_N = 300 };

/* Fills a migrated, empty database with the archive. Its lists are finished. */
void archive_fill(const char *url);

/* Makes the lists of the articles 1 to n stale, and the lists that show one of them, and no
 * others. */
void archive_mark(const char *url, int n);

struct ask {
    struct db_query query;
    unsigned answers;    /* how many times it was called back */
    enum db_error error; /* the following fields are of the last answer */
    int nrows;
    int64_t number; /* the value of an answer with one bigint or integer */
    char message[200];
    uint64_t started_us, took_us;
    void (*then)(struct ask *ask); /* called at the end of `done`, unless NULL */
};

/* ask: must stay in its place until it was answered or cancelled. The test fails at once after an
 * answer with wrong rows, a second answer, or an answer before this call returns. */
void ask_id(struct test_pool *pool, struct ask *ask, enum db_statement statement, int64_t id);
void ask_param(struct test_pool *pool, struct ask *ask, enum db_statement statement,
               const char *param);
void ask_cancel(struct ask *ask);

unsigned ask_open(void); /* how many asks wait for an answer */

/* Turns the loop until no ask is open; fails the test when that takes too long. */
void ask_finish_all(unsigned timeout_ms);

/* n queries, in turn for the article and the related list, of the ids from 1. */
void ask_ids(struct test_pool *pool, struct ask *asks, int n);

/* Fails the test when one of n asks ended in another way. */
void ask_expect_all(const struct ask *asks, int n, enum db_error error);

/* One ask from start to answer. */
enum db_error ask_once(struct test_pool *pool, enum db_statement statement, int64_t id);

#endif
