#include "lists/worker.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "db/row.h"
#include "lists/maker_private.h"

enum {
    MOST_ARTICLES = 8, /* of a step */
    MOST_MARKS = 200,
    ROUND_MS = 40,
    LOOK_AGAIN_MS = 1000,
    FIRST_FAILURE_PAUSE_MS = 1000,
    LONGEST_FAILURE_PAUSE_MS = 30000,
    LONGEST_PAUSE_MS = 250,
    SLOW_SHARE = 10, /* the slow pass takes a tenth of the time */
    TRIM_MS = 60000,
    STATUS_MS = 5000,
};

static void *run(void *worker);
static void trim(struct lists_worker *worker);
static void report_failure(struct lists_worker *worker);
static int round_of_work(struct lists_worker *worker);
static void after_work(struct lists_worker *worker, int n, unsigned took_ms);
static void pause_after_work(struct lists_worker *worker, unsigned pause_ms);
static void size_batch(struct lists_worker *worker, int n, unsigned took_ms);
static void after_failure(struct lists_worker *worker);
static void do_slow_work(struct lists_worker *worker);
static unsigned until_trim(const struct lists_worker *worker);
static struct lists_question *next_question(struct lists_worker *worker);
static bool answer_next(struct lists_worker *worker);
static void refuse_questions(struct lists_worker *worker);

void lists_worker_start(struct lists_worker *worker, const struct lists_worker_config *config)
{
    worker->_config = *config;
    worker->_batch = MOST_ARTICLES;
    if (worker->_config.round_ms == 0)
        worker->_config.round_ms = ROUND_MS;
    if (worker->_config.trim_ms == 0)
        worker->_config.trim_ms = TRIM_MS;
    if (worker->_config.keep == NULL)
        worker->_config.keep = "10 minutes";
    if (worker->_config.older_than == NULL)
        worker->_config.older_than = "1 day";
    pthread_mutex_init(&worker->_questions_lock, NULL);
    worker->_takes_questions = true;
    sem_init(&worker->_is_set_up, 0, 0);
    int failed = pthread_create(&worker->_thread, NULL, run, worker);
    assert(!failed);
    while (sem_wait(&worker->_is_set_up) != 0)
        ;
    sem_destroy(&worker->_is_set_up);
}

void lists_worker_stop(struct lists_worker *worker)
{
    lists_session_stop(&worker->_session);
    pthread_join(worker->_thread, NULL);
}

void lists_worker_wake(struct lists_worker *worker)
{
    lists_session_wake(&worker->_session);
}

void lists_worker_follow(struct lists_worker *worker, const char *identity)
{
    lists_session_follow(&worker->_session, identity);
}

/* ---- the thread */

static uint64_t ms_since(uint64_t begun_us)
{
    return (clock_us() - begun_us) / 1000;
}

static void *run(void *p)
{
    struct lists_worker *worker = p;
    struct lists_session *session = &worker->_session;

    lists_session_init(session,
                       &(struct lists_session_config){.conninfo = worker->_config.conninfo,
                                                      .states = worker->_config.stats->connections,
                                                      .on_event = worker->_config.on_event});
    worker->_maker = (struct lists_maker){
        .session = session, .stats = worker->_config.stats, .on_failed = worker->_config.on_failed};
    worker->_trimmed_at_us = clock_us();
    sem_post(&worker->_is_set_up);
    lists_maker_init(&worker->_maker);
    while (lists_session_wait_up(session, 0)) {
        if (ms_since(worker->_trimmed_at_us) >= worker->_config.trim_ms)
            trim(worker);
        if (ms_since(worker->_status_at_us) >= STATUS_MS) {
            worker->_status_at_us = clock_us();
            if (!lists_read_status(&worker->_maker))
                report_failure(worker);
        }
        uint64_t begun_us = clock_us();
        int n = round_of_work(worker);
        if (n >= 0)
            n += answer_next(worker);
        after_work(worker, n, (unsigned)ms_since(begun_us));
    }
    refuse_questions(worker);
    lists_maker_finish(&worker->_maker);
    lists_session_finish(session);
    return NULL;
}

static void trim(struct lists_worker *worker)
{
    struct lists_stats *stats = worker->_config.stats;

    worker->_trimmed_at_us = clock_us();
    counter_add(&stats->calls, 1);
    PGresult *row = lists_session_run(&worker->_session, LISTS_TRIM,
                                      (struct db_param[]){param_text(worker->_config.keep)});
    if (row != NULL)
        counter_add(&stats->trimmed, (uint64_t)db_row_int64(row, 0, 0));
    else
        report_failure(worker);
    PQclear(row);
}

/* Of a statement that is run again anyway, later. */
static void report_failure(struct lists_worker *worker)
{
    counter_add(&worker->_config.stats->failures, 1);
    if (!lists_session_is_lost(&worker->_session))
        lists_session_report(&worker->_session, DB_EVENT_FAILED,
                             lists_session_error(&worker->_session));
}

static int round_of_work(struct lists_worker *worker)
{
    return lists_round(&worker->_maker, worker->_batch, MOST_MARKS);
}

static void after_work(struct lists_worker *worker, int n, unsigned took_ms)
{
    if (n < 0) {
        after_failure(worker);
        return;
    }
    worker->_nfailures = 0;
    size_batch(worker, n, took_ms);
    if (n == 0)
        do_slow_work(worker);
    else
        pause_after_work(worker, took_ms / 2 < LONGEST_PAUSE_MS ? took_ms / 2 : LONGEST_PAUSE_MS);
}

/* What is published during the pause gets its first list during the pause. */
static void pause_after_work(struct lists_worker *worker, unsigned pause_ms)
{
    uint64_t begun_us = clock_us(), passed_ms = 0;
    int n = 0;

    while (n >= 0 && passed_ms < pause_ms && lists_session_wait_up(&worker->_session, 0)) {
        lists_session_sleep(&worker->_session, pause_ms - (unsigned)passed_ms, true);
        passed_ms = ms_since(begun_us);
        if (passed_ms < pause_ms) /* something has changed */
            n = lists_make_first(&worker->_maker, worker->_batch);
    }
}

/* Half as many where the round took longer than it should. Twice as many where that would still take no longer; but
 * not where the round found fewer articles than it might have taken. */
static void size_batch(struct lists_worker *worker, int n, unsigned took_ms)
{
    if (took_ms > worker->_config.round_ms && worker->_batch > 1)
        worker->_batch /= 2;
    else if (took_ms * 2 <= worker->_config.round_ms && n >= worker->_batch &&
             worker->_batch < MOST_ARTICLES)
        worker->_batch *= 2;
}

static void do_slow_work(struct lists_worker *worker)
{
    uint64_t begun_us = clock_us();
    unsigned pause_ms = LOOK_AGAIN_MS;

    int n = lists_queue_oldest(&worker->_maker, worker->_config.older_than, MOST_ARTICLES);
    if (n < 0)
        report_failure(worker);
    if (n > 0 && round_of_work(worker) > 0)
        pause_ms = (SLOW_SHARE - 1) * (unsigned)(ms_since(begun_us) + 1);
    unsigned until_trim_ms = until_trim(worker);
    lists_session_sleep(&worker->_session, pause_ms < until_trim_ms ? pause_ms : until_trim_ms,
                        true);
}

static unsigned until_trim(const struct lists_worker *worker)
{
    uint64_t since_ms = ms_since(worker->_trimmed_at_us);
    return since_ms < worker->_config.trim_ms ? worker->_config.trim_ms - (unsigned)since_ms : 0;
}

/* ---- questions */

bool lists_worker_ask(struct lists_worker *worker, struct lists_question *question)
{
    pthread_mutex_lock(&worker->_questions_lock);
    bool is_taken = worker->_takes_questions && worker->_nquestions < LISTS_MAX_QUESTIONS;
    if (is_taken) {
        worker->_questions[worker->_nquestions++] = question;
        lists_session_wake(&worker->_session);
    }
    pthread_mutex_unlock(&worker->_questions_lock);
    return is_taken;
}

/* Under the lock. */
static void remove_question(struct lists_worker *worker, unsigned i)
{
    worker->_nquestions--;
    for (; i < worker->_nquestions; i++)
        worker->_questions[i] = worker->_questions[i + 1];
}

bool lists_worker_forget(struct lists_worker *worker, struct lists_question *question)
{
    unsigned i = 0;

    pthread_mutex_lock(&worker->_questions_lock);
    while (i < worker->_nquestions && worker->_questions[i] != question)
        i++;
    bool has_waited = i < worker->_nquestions;
    if (has_waited)
        remove_question(worker, i);
    pthread_mutex_unlock(&worker->_questions_lock);
    return has_waited;
}

/* NULL: none waits. */
static struct lists_question *next_question(struct lists_worker *worker)
{
    struct lists_question *question = NULL;

    pthread_mutex_lock(&worker->_questions_lock);
    if (worker->_nquestions > 0) {
        question = worker->_questions[0];
        remove_question(worker, 0);
    }
    if (worker->_nquestions > 0)
        lists_session_wake(&worker->_session); /* the next round comes soon */
    pthread_mutex_unlock(&worker->_questions_lock);
    return question;
}

static bool answer_next(struct lists_worker *worker)
{
    struct lists_session *session = &worker->_session;
    struct lists_stats *stats = worker->_config.stats;
    struct lists_question *question = next_question(worker);

    if (question == NULL)
        return false;
    counter_add(&stats->calls, 1);
    question->explained = lists_explain(&worker->_maker, question->article, &question->json);
    if (question->explained == LISTS_EXPLAIN_FAILED) {
        counter_add(&stats->failures, 1);
        snprintf(question->reason, sizeof(question->reason), "%s", lists_session_error(session));
        if (!lists_session_is_lost(session) && session_needs_new_connection(session))
            lists_session_drop(session, lists_session_error(session));
    }
    question->on_answered(question);
    return true;
}

/* The worker is stopping. */
static void refuse_questions(struct lists_worker *worker)
{
    struct lists_question *question;

    pthread_mutex_lock(&worker->_questions_lock);
    worker->_takes_questions = false;
    pthread_mutex_unlock(&worker->_questions_lock);
    while ((question = next_question(worker)) != NULL) {
        question->explained = LISTS_EXPLAIN_FAILED;
        question->json = NULL;
        snprintf(question->reason, sizeof(question->reason), "the server is stopping");
        question->on_answered(question);
    }
}

/* ---- failures */

static void after_failure(struct lists_worker *worker)
{
    struct lists_session *session = &worker->_session;

    if (lists_session_is_lost(session))
        return;
    lists_session_report(session, DB_EVENT_FAILED, lists_session_error(session));
    worker->_batch = 1;
    worker->_nfailures++;
    if (session_needs_new_connection(session))
        lists_session_drop(session, lists_session_error(session));
    if (lists_session_wait_up(session, 0))
        lists_session_sleep(session, lists_worker_pause_ms(worker->_nfailures), false);
}

unsigned lists_worker_pause_ms(unsigned nfailures)
{
    assert(nfailures >= 1);
    unsigned pause_ms =
        nfailures < 6 ? FIRST_FAILURE_PAUSE_MS << (nfailures - 1) : LONGEST_FAILURE_PAUSE_MS;
    return pause_ms < LONGEST_FAILURE_PAUSE_MS ? pause_ms : LONGEST_FAILURE_PAUSE_MS;
}
