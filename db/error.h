/* db/error.h - how a query can end. */
#ifndef DB_ERROR_H
#define DB_ERROR_H

enum db_error {
    DB_OK,
    DB_UNAVAILABLE, /* no connection is up, or the query lost its connection too often */
    DB_BUSY,        /* too many queries wait already */
    DB_TIMEOUT,     /* the deadline passed, or the server gave up at its statement_timeout */
    DB_FAILED,      /* the server answered with an error, also when it was asked for this alone */
};

#endif
