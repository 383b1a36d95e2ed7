#include "lists/bulk.h"

#include <assert.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "lists/maker_private.h"

enum {
    STATEMENT_MS = 300000, /* of a thousand articles, on a machine that is slow or busy */
    CONNECT_MS = 30000,
    IDLE_MS = 50,
    FAILURE_MS = 200,
    MOST_FAILURES = 50, /* in a row */
    MOST_MARKS = 500,
};

struct bulk_thread {
    struct lists_bulk *bulk;
    struct lists_session session;
    struct lists_maker maker;
    struct lists_stats stats;
    sem_t is_set_up;
    pthread_t thread;
};

struct lists_bulk {
    struct lists_bulk_config config;
    struct bulk_thread thread[LISTS_BULK_MAX_THREADS];
    unsigned nthreads;
    atomic_bool makes_lists;
    atomic_uint nrunning;
    pthread_mutex_t lock; /* of error */
    char error[LISTS_ERROR_SIZE];
    struct lists_bulk *next;
};

/* The memory stays, as lists/session.h asks. */
static struct lists_bulk *all;

static void *run(void *thread);
static int work(struct bulk_thread *thread);
static void keep_error(struct lists_bulk *bulk, const char *why);

struct lists_bulk *lists_bulk_create(const struct lists_bulk_config *config)
{
    struct lists_bulk *bulk = need(calloc(1, sizeof(*bulk)));

    bulk->config = *config;
    bulk->next = all;
    all = bulk;
    pthread_mutex_init(&bulk->lock, NULL);
    return bulk;
}

void lists_bulk_add_threads(struct lists_bulk *bulk, unsigned upto)
{
    assert(upto <= LISTS_BULK_MAX_THREADS);
    while (bulk->nthreads < upto) {
        struct bulk_thread *thread = &bulk->thread[bulk->nthreads];
        thread->bulk = bulk;
        sem_init(&thread->is_set_up, 0, 0);
        atomic_fetch_add(&bulk->nrunning, 1);
        if (pthread_create(&thread->thread, NULL, run, thread) != 0) {
            atomic_fetch_sub(&bulk->nrunning, 1);
            keep_error(bulk, "no thread can be started");
            return;
        }
        while (sem_wait(&thread->is_set_up) != 0)
            ;
        sem_destroy(&thread->is_set_up);
        bulk->nthreads++;
    }
}

void lists_bulk_begin_lists(struct lists_bulk *bulk)
{
    atomic_store(&bulk->makes_lists, true);
}

static void *run(void *p)
{
    struct bulk_thread *thread = p;
    struct lists_session *session = &thread->session;
    int nfailures = 0;

    lists_session_init(session,
                       &(struct lists_session_config){.conninfo = thread->bulk->config.conninfo,
                                                      .deadline_ms = STATEMENT_MS,
                                                      .states = thread->stats.connections});
    sem_post(&thread->is_set_up);
    thread->maker = (struct lists_maker){.session = session, .stats = &thread->stats};
    lists_maker_init(&thread->maker);
    while (nfailures < MOST_FAILURES && lists_session_wait_up(session, CONNECT_MS)) {
        int n = work(thread);
        if (n >= 0)
            nfailures = 0;
        else if (!session_has_conflict(session))
            nfailures++;
        if (n < 0)
            keep_error(thread->bulk, lists_session_error(session));
        if (n <= 0)
            lists_session_sleep(session, n < 0 ? FAILURE_MS : IDLE_MS, false);
    }
    if (nfailures == 0 && !lists_session_is_stopping(session))
        keep_error(thread->bulk, lists_session_error(session));
    lists_maker_finish(&thread->maker);
    lists_session_finish(session);
    atomic_fetch_sub(&thread->bulk->nrunning, 1);
    return NULL;
}

/* As the functions of lists/maker.h. */
static int work(struct bulk_thread *thread)
{
    const struct lists_bulk_config *config = &thread->bulk->config;
    int n = lists_read(&thread->maker, config->read_most);

    if (n != 0 || !atomic_load(&thread->bulk->makes_lists))
        return n;
    n = lists_make(&thread->maker, config->make_most);
    return n != 0 ? n : lists_write_marks(&thread->maker, MOST_MARKS);
}

static void keep_error(struct lists_bulk *bulk, const char *why)
{
    pthread_mutex_lock(&bulk->lock);
    snprintf(bulk->error, sizeof(bulk->error), "%s", why);
    pthread_mutex_unlock(&bulk->lock);
}

const char *lists_bulk_error(struct lists_bulk *bulk)
{
    return atomic_load(&bulk->nrunning) > 0 ? NULL : bulk->error;
}

void lists_bulk_stop(struct lists_bulk *bulk)
{
    for (unsigned i = 0; i < bulk->nthreads; i++)
        lists_session_stop(&bulk->thread[i].session);
    for (unsigned i = 0; i < bulk->nthreads; i++)
        pthread_join(bulk->thread[i].thread, NULL);
}
