/* lists/worker.h - the thread of a server that makes related lists, writes marked documents and lists, and trims the
 * change log.
 *
 * Every process may run a worker: the queue gives each article to one of them, and work that is interrupted stays in
 * the queue. A pause follows each round, half as long (at most a quarter of a second), so that the readers have the
 * database for themselves for a third of the time. An article that is published now goes before the backlog. Its first
 * list waits for the round under way, and not for the pause. So a step takes one to eight articles, and a round should
 * take 40 ms.
 *
 *     up, woken, or a second later --> first lists, marks, articles, lists --> pause --> ... --> nothing is left --> the slow pass
 *
 * The slow pass makes the oldest lists again, and takes a tenth of the time.
 *
 * After a round it answers a question, if one waits: why does an article have its list? That counts as a part of the
 * round.
 *
 * A round that fails as a whole (a lock, a timeout) is tried again with one article, after 1 s at first and 30 s at
 * most. A connection that can't write is dropped: its server is not the primary. */
#ifndef LISTS_WORKER_H
#define LISTS_WORKER_H

#include <pthread.h>
#include <semaphore.h>

#include "lists/explain.h"
#include "lists/maker.h"

enum { LISTS_MAX_QUESTIONS = 8 };

struct lists_question;
typedef void lists_answered_fn(struct lists_question *question);

/* Why does an article have the list that it has? The caller owns it, and does not touch it until it is answered or
 * forgotten. */
struct lists_question {
    int64_t article;
    lists_answered_fn *on_answered; /* on the worker's thread, once */

    /* The answer, as lists_explain() returns it. */
    enum lists_explained explained;
    char *json;
    char reason[LISTS_ERROR_SIZE]; /* why it failed */
};

struct lists_worker_config {
    const struct db_conninfo *conninfo; /* outlives the worker */
    unsigned round_ms;                  /* how long a round should take; 0: 40 */
    unsigned trim_ms;                   /* from one trimming to the next; 0: a minute */
    const char *keep;       /* how much of the change log is kept: an interval; NULL: 10 minutes */
    const char *older_than; /* the slow pass makes lists that are older; NULL: a day */
    db_event_fn *on_event;  /* these two run on the worker's thread, and may be NULL */
    lists_failed_fn *on_failed;
    struct lists_stats *stats; /* zeroed; of the caller, and outlives the worker */
};

/* Zeroed, and never moved. All is private. Its memory stays until the process ends: see lists/session.h. */
struct lists_worker {
    struct lists_worker_config _config;
    struct lists_session _session;
    struct lists_maker _maker;
    int _batch;          /* articles that a step may take */
    unsigned _nfailures; /* rounds that failed in a row */
    uint64_t _trimmed_at_us, _status_at_us;
    pthread_mutex_t _questions_lock;                        /* for the next three */
    struct lists_question *_questions[LISTS_MAX_QUESTIONS]; /* that wait, the first one first */
    unsigned _nquestions;
    bool _takes_questions;
    sem_t _is_set_up;
    pthread_t _thread;
};

/* Connecting goes on for ever. */
void lists_worker_start(struct lists_worker *worker, const struct lists_worker_config *config);
void lists_worker_stop(struct lists_worker *worker); /* waits for the thread: it ends at once */

/* From any thread, until it is stopped. */
void lists_worker_wake(
    struct lists_worker *worker); /* something has changed: looks at the queue soon */
void lists_worker_follow(struct lists_worker *worker,
                         const char *identity); /* as db_pool_follow() */

/* From any thread, also when it is stopped. One question is answered after each round. False: too many wait already, or
 * the worker is stopping. */
bool lists_worker_ask(struct lists_worker *worker, struct lists_question *question);

/* From any thread. True: the question waited, and is the caller's again. False: it is being answered, or was. */
bool lists_worker_forget(struct lists_worker *worker, struct lists_question *question);

/* The pause after so many rounds that failed in a row. A function of its own for the tests. */
unsigned lists_worker_pause_ms(unsigned nfailures);

#endif
