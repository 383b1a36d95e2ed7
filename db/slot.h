/* db/slot.h - one connection of a pool, and the command that it runs for queries of the queue. */
#ifndef DB_SLOT_H
#define DB_SLOT_H

#include "db/conn.h"
#include "db/queue.h"

/* Embed it. */
struct db_slot {
    struct db_conn conn;
    struct db_queue *queue;
    enum db_group group;         /* whose statements it prepares and runs first */
    bool is_preparing;           /* `statement`; no command is under way */
    enum db_statement statement; /* of the command */
    size_t nids;         /* that the command asks for; 0 where the statement is not batched */
    h2o_linklist_t sent; /* the queries of the command, without those that have ended since */
};

/* env: its callbacks call the functions below. Connecting begins in the next turn. */
void db_slot_init(struct db_slot *slot, const struct db_conn_env *env, struct db_queue *queue,
                  enum db_group group);
void db_slot_finish(struct db_slot *slot);

/* Gives an idle connection the query that has waited longest, or with a batched statement all that wait.
 * groups: a bit for each group that it may serve; the first one goes first. May end queries. */
void db_slot_serve(struct db_slot *slot, unsigned groups);

/* Does it run a statement whose rows arrive one at a time? */
static inline bool db_slot_is_streaming(const struct db_slot *slot)
{
    return slot->conn.state == DB_CONN_BUSY && !slot->is_preparing &&
           db_statements[slot->statement].streamed;
}

/* Prepares an optional statement of the slot's own group, before a query needs it. */
void db_slot_prepare_optional(struct db_slot *slot);

/* For the callbacks of the connection. They end queries. */
void db_slot_on_row(struct db_slot *slot, const PGresult *result);
void db_slot_on_answer(struct db_slot *slot, const PGresult *result, unsigned groups);
void db_slot_on_down(struct db_slot *slot);

/* The invariants between two events. */
bool db_slot_is_consistent(const struct db_slot *slot);

#endif
