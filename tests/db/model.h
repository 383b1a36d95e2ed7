/* tests/db/model.h - a small site in a database, and does its read model say what its tables say?
 *
 *     id  status     section  authors   tags        list
 *     1   published  City     Ada, Bob  Port, Tram  2, 3
 *     2   published  City     Ada                   1
 *     3   published  Sport              Tram
 *     4   draft      City                Tram
 *     5   withdrawn  City
 *
 * The tag Rail has no article. */
#ifndef TESTS_DB_MODEL_H
#define TESTS_DB_MODEL_H

#include <libpq-fe.h>

/* A new database with this site; its change log is empty. The caller frees the URL. */
char *model_create(void);

/* Fails the test where article_views is not what the tables say. after: what was done; lent. */
void model_expect_agreement(PGconn *session, const char *after);

/* The ids in the change log as "1,2", each once, in their order. The caller frees it. */
char *model_changes(PGconn *session);

/* The first column of the first row, "" for none. The caller frees it. */
char *model_value(PGconn *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
long model_number(PGconn *session, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
