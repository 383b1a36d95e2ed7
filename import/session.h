/* import/session.h - a blocking connection of a command to PostgreSQL, with a reason for each failure.
 *
 * It blocks, so it is for programs without a loop only. Waits are bounded: 10 s for each address until
 * it is connected (the URL's connect_timeout overrides this), 60 s for a lock, 10 minutes for a
 * statement, 60 s for a network that loses our data.
 * It is always on a server that accepts writes, unless the URL sets target_session_attrs. Settings
 * of the role or of the database (time limits, isolation, time zone, search_path ...) have no effect. */
#ifndef IMPORT_SESSION_H
#define IMPORT_SESSION_H

#include <stdbool.h>
#include <stddef.h>

enum session_result {
    SESSION_OK,
    SESSION_AGAIN,   /* it conflicts with another transaction: roll back and repeat it */
    SESSION_REFUSED, /* the database does not accept this data */
    SESSION_FAILED,  /* the connection, the schema, the disk: it is useless to go on */
};

struct session {
    char error[512]; /* one line, after each result but SESSION_OK; never has a password */

    struct pg_conn *_conn;
};

/* False and an error if there is no connection. Finish it in both cases. libpq reads the URL. */
bool session_init(struct session *session, const char *database_url);
void session_finish(struct session *session);

/* *ret_rows becomes the number of rows that the statement wrote or returned. It may be NULL. */
enum session_result session_run(struct session *session, const char *sql, long *ret_rows);

/* Runs a statement that has $1 and returns one number. */
enum session_result session_number(struct session *session, const char *sql, long argument,
                                   long *ret_number);

/* COPY ... FROM STDIN: start, then data in any number of pieces, then end, which has the result. */
enum session_result session_copy_start(struct session *session, const char *sql);
void session_copy_data(struct session *session, const char *data, size_t bytes);
enum session_result session_copy_end(struct session *session);

#endif
