/* db/conn_private.h - the functions that the three files of a connection share: conn.c opens and closes it,
 * prepare.c prepares it for its first use, command.c runs its commands. Other files do not include this. */
#ifndef DB_CONN_PRIVATE_H
#define DB_CONN_PRIVATE_H

#include "db/conn.h"

/* ---- conn.c */

/* The only function that changes a state. */
void db_conn_move(struct db_conn *conn, enum db_conn_state to);

/* The only function that takes a connection down. why: may be libpq's own text of the connection, which is
 * closed here. */
void db_conn_down(struct db_conn *conn, const char *why);

/* Why a connection was lost that libpq calls broken: the server's own message, where there is one. */
const char *db_conn_loss_reason(struct db_conn *conn);

/* NULL, or why this connection may not be used: it leads to another server than the one that is followed. */
const char *db_conn_wrong_server(const struct db_conn *conn, char *text, size_t size);

/* ---- prepare.c: CONNECTING -> PREPARING, and later db_command_up() */
void db_prepare_start(struct db_conn *conn);
void db_prepare_on_readable(h2o_socket_t *sock, const char *error);
bool db_prepare_send(struct db_conn *conn, unsigned statement);

/* ---- command.c */

/* PREPARING -> IDLE. */
void db_command_up(struct db_conn *conn);

/* Sends as many bytes as the socket takes now, and the rest later. False: the connection is broken,
 * which the next read shows at the latest. */
bool db_command_flush(struct db_conn *conn);

/* Reads the bytes that have arrived, up to some kilobytes. False: the connection was lost, and is down. */
bool db_command_read(struct db_conn *conn);

/* The socket is readable, or OpenSSL has more. */
void db_command_on_readable(h2o_socket_t *sock, const char *error);

/* Has OpenSSL decrypted more than libpq has read? The loop can't see that. */
bool db_command_has_more(const struct db_conn *conn);

#endif
