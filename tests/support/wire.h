/* tests/support/wire.h - what lies between a server and its database, to be held up.
 *
 * A server that is given test_wire_url() reaches the database through the wire, which knows
 * the connections that read articles and the one that hears of changes by what is sent on them
 * first. What the server says always passes at once; what PostgreSQL says to it can be kept
 * back, or be made late.
 * Errors: everything here aborts the test and says why. Threads: any. */
#ifndef BROADSHEET_TESTS_SUPPORT_WIRE_H
#define BROADSHEET_TESTS_SUPPORT_WIRE_H

struct test_wire;

enum test_wire_kind { WIRE_OTHER, WIRE_ARTICLES, WIRE_CHANGES, WIRE_NKINDS };

/* To the cluster of this URL, on 127.0.0.1. The server is stopped before the wire is
 * destroyed. */
struct test_wire *test_wire_create(const char *url);
void test_wire_destroy(struct test_wire *wire);

const char *test_wire_url(const struct test_wire *wire); /* borrowed */

/* Keeps back what PostgreSQL says on connections of this kind, until it is let go. */
void test_wire_hold(struct test_wire *wire, enum test_wire_kind kind);
void test_wire_release(struct test_wire *wire, enum test_wire_kind kind);

/* On how many connections something is kept back just now. */
unsigned test_wire_held(struct test_wire *wire, enum test_wire_kind kind);

/* Makes all that PostgreSQL says late, by another time from 0 to max_ms for each piece and
 * connection. */
void test_wire_shake(struct test_wire *wire, unsigned max_ms);

/* Ends every connection of this kind. */
void test_wire_cut(struct test_wire *wire, enum test_wire_kind kind);

#endif
