/* db/conn_private.h - between the two halves of a connection: conn.c, how it comes and goes, and
 * command.c, what it runs. Not for others. */
#ifndef DB_CONN_PRIVATE_H
#define DB_CONN_PRIVATE_H

#include "db/conn.h"

/* The only place that changes a state. */
void db_conn_move(struct db_conn *conn, enum db_conn_state to);

/* The only way down. `why` may be libpq's own text of the connection that is finished here. */
void db_conn_down(struct db_conn *conn, const char *why);

/* CONNECTING -> PREPARING, and on to IDLE by itself: the session's settings and every statement. */
void db_command_prepare(struct db_conn *conn);

#endif
