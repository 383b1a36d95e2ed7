/* tests/support/wire.h - a relay between a server and its database, which can hold answers back.
 *
 * A server with the URL test_wire_url() reaches the database through the wire. The wire knows the
 * connections that read articles and the one that receives the news of changes by the first
 * statements on them. It forwards all data of the server at once; it can hold or delay the data of
 * PostgreSQL.
 * Errors: everything here aborts the test and reports why. Threads: any. */
#ifndef BROADSHEET_TESTS_SUPPORT_WIRE_H
#define BROADSHEET_TESTS_SUPPORT_WIRE_H

struct test_wire;

enum test_wire_kind { WIRE_OTHER, WIRE_ARTICLES, WIRE_CHANGES, WIRE_NKINDS };

/* A wire to the cluster of this URL, on 127.0.0.1. The server must be stopped before the wire is
 * destroyed. */
struct test_wire *test_wire_create(const char *url);
void test_wire_destroy(struct test_wire *wire);

const char *test_wire_url(const struct test_wire *wire); /* borrowed */

/* Holds the data of PostgreSQL on connections of this kind, until test_wire_release. */
void test_wire_hold(struct test_wire *wire, enum test_wire_kind kind);
void test_wire_release(struct test_wire *wire, enum test_wire_kind kind);

/* The number of connections on which data is held now. */
unsigned test_wire_held(struct test_wire *wire, enum test_wire_kind kind);

/* Delays all data of PostgreSQL, for each piece and connection by another time from 0 to max_ms. */
void test_wire_delay(struct test_wire *wire, unsigned max_ms);

/* Ends every connection of this kind. */
void test_wire_cut(struct test_wire *wire, enum test_wire_kind kind);

#endif
