/* tests/db/model.h - a small site in a database, and a check that its readers get the content of its tables.
 *
 *     id  status     section  authors   tags        list
 *     1   published  City     Ada, Bob  Port, Tram  2, 3
 *     2   published  City     Ada                   1
 *     3   published  Sport              Tram
 *     4   draft      City                Tram
 *     5   withdrawn  City
 *
 * Sections: 1 City, 2 Sport. Authors: 1 Ada, 2 Bob. Tags: 1 Tram, 2 Port, 3 Rail (which no article has).
 * Nothing is marked, and the gates are closed.
 *
 * Entities are written with a letter for the kind, and the id: a1 is article 1, s1 u1 t1 are a section, an author
 * and a tag, A is the listing of all articles, S1 U1 T1 are listings, * is all listings, 0 is everything, d1 is the
 * document of an article, l1 is the list of an article. */
#ifndef TESTS_DB_MODEL_H
#define TESTS_DB_MODEL_H

#include <libpq-fe.h>
#include <stdbool.h>

/* A new database with this site; its change log is empty. The caller frees the URL. The database also has
 * the function of model_add_work(). */
char *model_create(void);

/* Adds a function related_work(most), which makes lists as the programs of lists/ do, in one statement and without any
 * analysis: a list has the articles with the nearest ids. url: of the owner. */
void model_add_work(const char *url);

/* The same site again, in the same database. No other session may have a transaction open. */
void model_reset(PGconn *session);

/* The text of db/sql/NAME.sql. Lent until the process ends. */
const char *model_statement(const char *name);

/* Fails the test when an article or a list, as readers get it, differs from the tables: now, or in
 * the snapshot of the session's transaction. after: a description of the change; lent. */
void model_expect_agreement(PGconn *session, const char *after);

/* Works off all marks and the queue. Fails the test unless all stored rows then agree with the
 * tables, nothing is marked, and the gates are closed. No other session may have a transaction
 * open. */
void model_expect_settled(PGconn *session, const char *after);

/* Works off all marks, but not the queue. No other session of the test may have a transaction open
 * that has changed something. */
void model_settle(PGconn *session);

/* Fails the test unless readers get a list with these articles ("2,3", in the order of ids), and
 * the cards of these, best first. */
void model_expect_list(PGconn *session, int id, const char *ids, const char *cards);

/* The document of an article as readers get it, "" for none. The caller frees it. */
char *model_document(PGconn *session, int id);

/* The marked entities as "s1 l1 l2", each once, by kind and id. The caller frees it. */
char *model_marks(PGconn *session);

/* The entities in the change log as "a1 A S1", each once, by kind and id. The caller frees it. */
char *model_changes(PGconn *session);

/* May a reader skip the check for marks on documents, and on lists? */
bool model_gates_are_closed(PGconn *session);

/* The first column of the first row, "" for none. The caller frees it. */
char *model_value(PGconn *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
long model_number(PGconn *session, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
