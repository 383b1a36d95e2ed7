/* db/reason.h - the messages of libpq and of the server about an error, in the form of the log. Pure functions. */
#ifndef DB_REASON_H
#define DB_REASON_H

#include <stdbool.h>
#include <stddef.h>

enum { DB_SQLSTATE_BYTES = 6 };

/* Copies a message of libpq as one line, without the parts that PQERRORS_VERBOSE adds: the SQLSTATE and
 * the place in PostgreSQL's source. The copy is cut where `size` ends. */
void db_reason_copy(char *to, size_t size, const char *message);

/* The SQLSTATE of the last error of the server in a message of libpq in PQERRORS_VERBOSE. It does not
 * depend on the language of the server. False: there is none, and ret_sqlstate is "". */
bool db_reason_sqlstate(const char *message, char ret_sqlstate[DB_SQLSTATE_BYTES]);

/* The server has no means for another connection: it has too many, or no memory. */
bool db_reason_is_full(const char *sqlstate);

#endif
