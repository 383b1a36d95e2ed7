/* lists/maker_private.h - what the files of a maker share. Other files do not include this. */
#ifndef LISTS_MAKER_PRIVATE_H
#define LISTS_MAKER_PRIVATE_H

#include "db/array.h"
#include "db/types.h"
#include "lists/maker.h"

/* Turns of the queue that matter here (related_queue.turn). */
enum { TURN_PUBLISHED = 0, TURN_SLOW_PASS = 3 };

/* The articles of a step. */
struct batch {
    int64_t *id;
    size_t n;
    int16_t turn;
    int64_t revision; /* of a step that makes lists */
    int ndone;        /* how many of them the step has worked off */
};

/* A step without its transaction. only: this article alone; 0: up to `most`. It fills batch->id as soon as it knows
 * the articles; the caller frees that. False: a statement failed. */
typedef bool step_fn(struct lists_maker *maker, int most, int64_t only, struct batch *batch);
step_fn first_step, read_step, make_step;

/* Runs the step, and each article by itself where it fails. As the functions of lists/maker.h. */
int maker_run(struct lists_maker *maker, step_fn *step, int most);

/* Reads the rows of related_take() or related_take_lists(). */
bool batch_take(struct lists_maker *maker, enum lists_statement statement, int most, int64_t only,
                struct batch *batch);
void batch_add_to(struct db_array *array, const struct batch *batch); /* the ids */

void batch_add(struct batch *batch, int64_t id); /* to one that was empty, and grew by this alone */
void batch_sort(struct batch *batch);
bool batch_has(const struct batch *batch, int64_t id); /* it is sorted */

/* A result of keys that failed and a reason, in columns 1 and 2: reports them. */
void maker_report_failed(struct lists_maker *maker, const PGresult *result);
void maker_article_failed(struct lists_maker *maker, int64_t id, const char *reason);

/* A statement without a result that is of interest. */
bool maker_do(struct lists_maker *maker, enum lists_statement statement,
              const struct db_param *params);

/* A statement whose parameter is these ids. As lists_session_run(). */
PGresult *maker_ask(struct lists_maker *maker, enum lists_statement statement, const int64_t *ids,
                    size_t n);

/* Fills the index with what is stored of the terms that it has, and with all languages. */
bool maker_load_terms(struct lists_maker *maker, struct index *index);

struct db_param param_text(const char *text);
/* The numbers live as long as the buffer. */
struct wire {
    char bytes[8];
};
struct db_param param_int64(struct wire *wire, int64_t value);
struct db_param param_int32(struct wire *wire, int32_t value);
struct db_param param_int16(struct wire *wire, int16_t value);

void *need(void *memory); /* aborts where there is none */

/* After a failed statement: the session is read-only or the server is a standby, or the prepared statements no longer
 * fit. */
bool session_needs_new_connection(const struct lists_session *session);

/* After a failed statement: a lock, or a conflict with another transaction. The same will work later. */
bool session_has_conflict(const struct lists_session *session);

#endif
