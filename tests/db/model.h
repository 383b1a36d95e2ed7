/* tests/db/model.h - a small site in a database, and do its readers get what its tables say?
 *
 *     id  status     section  authors   tags        list
 *     1   published  City     Ada, Bob  Port, Tram  2, 3
 *     2   published  City     Ada                   1
 *     3   published  Sport              Tram
 *     4   draft      City                Tram
 *     5   withdrawn  City
 *
 * The tag Rail has no article. The lists of readers are finished: nothing is in related_stale. */
#ifndef TESTS_DB_MODEL_H
#define TESTS_DB_MODEL_H

#include <libpq-fe.h>

/* A new database with this site; its change log is empty. The caller frees the URL. */
char *model_create(void);

/* Fails the test where an article or a list, as readers get them, is not what the tables say: now,
 * or in the snapshot of the session's transaction. after: what was done; lent. */
void model_expect_agreement(PGconn *session, const char *after);

/* Works off what is marked and what is queued. Fails the test unless then all lists are finished as
 * the tables say, and none is marked. */
void model_expect_settled(PGconn *session, const char *after);

/* Works off what is marked alone. */
void model_settle(PGconn *session);

/* Fails the test unless readers get these ids as an article's list, and cards of these: "2,3". */
void model_expect_list(PGconn *session, int id, const char *ids, const char *cards);

/* The marked articles as "1,2", each once, in their order. The caller frees it. */
char *model_marks(PGconn *session);

/* The ids in the change log as "1,2", each once, in their order. The caller frees it. */
char *model_changes(PGconn *session);

/* The first column of the first row, "" for none. The caller frees it. */
char *model_value(PGconn *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
long model_number(PGconn *session, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
