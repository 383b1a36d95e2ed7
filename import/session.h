/* import/session.h - a blocking connection of a command to PostgreSQL, with words for what fails.
 *
 * Blocks, so it is for programs without a loop only. Waits are bounded: 10 s to connect, 60 s for a
 * lock, 10 minutes for a statement, 60 s for a network that swallows what we send. */
#ifndef IMPORT_SESSION_H
#define IMPORT_SESSION_H

#include <stdbool.h>
#include <stddef.h>

enum session_result {
    SESSION_OK,
    SESSION_AGAIN,   /* in the way of another transaction: roll back, and the same will do */
    SESSION_REFUSED, /* the database does not take this data */
    SESSION_FAILED,  /* the connection, the schema, the disk: no use to go on */
};

struct session {
    char error[512]; /* one line, after anything but SESSION_OK; never holds a password */

    struct pg_conn *_conn;
};

/* False and error where there is no connection. Finish it in either case. */
bool session_init(struct session *session, const char *database_url);
void session_finish(struct session *session);

/* ret_rows, where not NULL, is set to the number of rows that the statement wrote or returned. */
enum session_result session_run(struct session *session, const char *sql, long *ret_rows);

/* Of a statement with $1 that returns one number. */
enum session_result session_number(struct session *session, const char *sql, long argument,
                                   long *ret_number);

/* COPY ... FROM STDIN: start, data in any number of pieces, end. The result of all is that of end. */
enum session_result session_copy_start(struct session *session, const char *sql);
void session_copy_data(struct session *session, const char *data, size_t bytes);
enum session_result session_copy_end(struct session *session);

#endif
