/* db/connect.h - opens one connection to the database: which address is next, and how long it may take.
 *
 * Each attempt tries one address. The next attempt tries the address after the one that failed last,
 * without a pause until all addresses have failed in a row: that is a round. After each round the pause
 * grows, from 50 ms to 1 s (to 30 s where a server had too many connections), less a random part of up to
 * a half. So a host that is silent costs the others one time limit, and no more.
 *
 *     start --> (a name) on_resolved --> open_address --> on_connecting ... --> DB_CONNECT_OPEN
 *                                                                          \-> DB_CONNECT_FAILED
 *
 * The time limit of an attempt is the connect_timeout of DATABASE_URL. Where that is absent, it is 2 s in
 * the first round, then 4 s, 8 s and 15 s; with a single address it begins at 8 s. It covers the look-up
 * of the name, TLS, the authentication, and the caller's work until db_connect_succeeded(). */
#ifndef DB_CONNECT_H
#define DB_CONNECT_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "base/timer.h"
#include "db/conninfo.h"
#include "db/reason.h"
#include "db/resolve.h"

struct db_connect;

enum db_connect_event {
    DB_CONNECT_BEGINS, /* the address is known, and libpq has begun */
    DB_CONNECT_OPEN,   /* pg and sock are set: take both and set them to NULL */
    DB_CONNECT_FAILED, /* `why` says why */
};

/* Called from the loop, or from within db_connect_start(). */
typedef void db_connect_fn(struct db_connect *connect, enum db_connect_event event);

/* Embed it; it is never moved. */
struct db_connect {
    PGconn *pg;
    h2o_socket_t *sock; /* a duplicate of libpq's descriptor: libpq may close its own at any time */
    char why[256];      /* one line, in words */
    char server_said[256]; /* the last FATAL or ERROR that the server sent unasked, or "" */
    char sqlstate[DB_SQLSTATE_BYTES]; /* of a DB_CONNECT_FAILED; "": the server gave none */

    const struct db_conninfo *_info;
    struct loop *_loop;
    db_connect_fn *_on_event;
    struct timer _limit;
    unsigned _limit_ms;
    struct db_resolve _resolve;
    size_t _host, _nhosts_failed;         /* _nhosts_failed: in this round */
    struct db_addresses _addresses;       /* of the host; n is 0 where they are not known */
    size_t _address, _naddresses_failed;  /* _naddresses_failed: of these, in this round */
    char _good_address[DB_ADDRESS_BYTES]; /* the last one that was of use */
    unsigned _nrounds;                    /* that failed in a row */
    bool _is_full;                        /* a server of this round had too many connections */
};

void db_connect_init(struct db_connect *connect, struct loop *loop, const struct db_conninfo *info,
                     db_connect_fn *on_event);
void db_connect_finish(struct db_connect *connect);

/* One attempt, and its end without a call back. */
void db_connect_start(struct db_connect *connect);
void db_connect_stop(struct db_connect *connect);

/* The connection is of use: the time limit ends. */
void db_connect_succeeded(struct db_connect *connect);

/* The attempt was of no use. Goes on to the next address, and returns how long to wait before the next
 * attempt: 0 while other addresses are left in this round. is_full: the server had too many connections. */
uint64_t db_connect_next(struct db_connect *connect, bool is_full);

/* Forgets the failures, so that the next attempt begins a new first round with the same address. */
void db_connect_forget_failures(struct db_connect *connect);

/* The rules, as functions of their own for the tests. nrounds: how many have failed in a row. */
unsigned db_connect_limit_ms(unsigned connect_timeout_s, bool is_only_address, unsigned nrounds);
unsigned db_connect_longest_pause_ms(unsigned nrounds, bool is_full);

#endif
