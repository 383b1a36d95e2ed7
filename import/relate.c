/* Two sessions work on one queue. The database gives each caller articles that no other caller has. */
#include "import/relate.h"

#include <stdlib.h>
#include <time.h>

#include "import/import_sql.h"

static void *help(void *argument);
static void read_while_loading(struct relate *relate, struct session *session);
static void make_lists(struct relate *relate, struct session *session);
static long list_articles(const struct relate *relate);
static bool step(struct session *session, const char *sql, long argument, long *ret_done);
static void pause_ms(long ms);

enum { POLL_MS = 50, MAX_IDLE_MS = 30000 };

void relate_init(struct relate *relate, const char *database_url, unsigned chunk,
                 relate_step_fn *stepped)
{
    *relate = (struct relate){.stepped = stepped, ._database_url = database_url, ._chunk = chunk};
}

void relate_help(struct relate *relate)
{
    if (!relate->_has_helper)
        relate->_has_helper = pthread_create(&relate->_helper, NULL, help, relate) == 0;
}

/* The helper thread. */
static void *help(void *argument)
{
    struct relate *relate = argument;
    struct session session;

    if (session_init(&session, relate->_database_url)) {
        read_while_loading(relate, &session);
        make_lists(relate, &session);
    }
    session_finish(&session);
    return NULL;
}

/* A step of a whole chunk takes two seconds. An article that is published meanwhile waits so long. */
static long list_articles(const struct relate *relate)
{
    return (relate->_chunk + 1) / 2;
}

/* Makes no lists yet: later articles may belong to them. */
static void read_while_loading(struct relate *relate, struct session *session)
{
    long done;

    while (!atomic_load(&relate->_is_loaded) && !atomic_load(&relate->_is_over)) {
        if (!step(session, import_sql_read_related, 2 * relate->_chunk, &done))
            return;
        if (done == 0)
            pause_ms(POLL_MS);
    }
}

static void make_lists(struct relate *relate, struct session *session)
{
    long done;

    while (!atomic_load(&relate->_is_over)) {
        if (!step(session, import_sql_work_related, list_articles(relate), &done))
            return;
        if (done == 0)
            pause_ms(POLL_MS);
    }
}

bool relate_rest(struct relate *relate, struct session *session)
{
    long done, queued, mark, before = -1, reached, parsed_to = 0;

    atomic_store(&relate->_is_loaded, true);
    if (!relate_queued(session, &queued))
        return false;
    if (queued >= relate->_chunk)
        relate_help(relate);
    for (long idle_ms = 0; idle_ms < MAX_IDLE_MS;) {
        if (!step(session, import_sql_work_related, list_articles(relate), &done))
            return false;
        relate->stepped(relate);
        if (done > 0) {
            idle_ms = 0;
            continue;
        }
        /* No list can be made while the helper still reads: parse for it meanwhile. */
        if (!step(session, import_sql_parse_related, parsed_to, &reached))
            return false;
        if (reached > 0) {
            parsed_to = reached;
            continue;
        }
        if (session_number(session, import_sql_queue_mark, 0, &mark) != SESSION_OK)
            return false;
        if (mark == 0)
            return true;
        idle_ms = mark == before ? idle_ms + POLL_MS : 0;
        before = mark;
        pause_ms(POLL_MS);
    }
    return true;
}

/* One call in a transaction of its own. After a conflict, the next call repeats the work. */
static bool step(struct session *session, const char *sql, long argument, long *ret_done)
{
    enum session_result status = session_number(session, sql, argument, ret_done);

    if (status == SESSION_AGAIN || status == SESSION_REFUSED)
        *ret_done = 0;
    return status != SESSION_FAILED;
}

void relate_finish(struct relate *relate)
{
    atomic_store(&relate->_is_over, true);
    if (relate->_has_helper)
        pthread_join(relate->_helper, NULL);
    relate->_has_helper = false;
}

bool relate_queued(struct session *session, long *ret_n)
{
    return session_number(session, import_sql_count_queued, 0, ret_n) == SESSION_OK;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}
