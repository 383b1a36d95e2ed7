#include "import/relate.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "db/conninfo.h"
#include "import/import_sql.h"
#include "lists/bulk.h"

static unsigned threads_for(const struct relate *relate, long queued);
static bool fail(struct relate *relate, const char *why);
static void pause_ms(long ms);

enum { POLL_MS = 20, POLL_LONG_MS = 200, LONG_QUEUE = 2000, MAX_IDLE_MS = 30000 };

bool relate_init(struct relate *relate, const char *database_url, unsigned chunk,
                 relate_step_fn *stepped)
{
    char *error = NULL;

    *relate = (struct relate){.stepped = stepped, ._chunk = chunk};
    relate->_conninfo = db_conninfo_create(database_url, &error);
    if (relate->_conninfo == NULL) {
        fail(relate, error);
        free(error);
        return false;
    }
    relate->_bulk = lists_bulk_create(&(struct lists_bulk_config){
        .conninfo = relate->_conninfo, .read_most = (int)(4 * chunk), .make_most = (int)chunk});
    return true;
}

void relate_help(struct relate *relate)
{
    lists_bulk_add_threads(relate->_bulk, 1);
}

bool relate_rest(struct relate *relate, struct session *session)
{
    long queued, mark, before = -1;

    if (!relate_queued(session, &queued))
        return fail(relate, session->error);
    lists_bulk_begin_lists(relate->_bulk);
    for (long idle_ms = 0, poll_ms = POLL_MS; idle_ms < MAX_IDLE_MS; pause_ms(poll_ms)) {
        if (session_number(session, import_sql_queue_mark, 0, &mark) != SESSION_OK)
            return fail(relate, session->error);
        if (mark == 0)
            return true;
        lists_bulk_add_threads(relate->_bulk, threads_for(relate, queued));
        const char *error = lists_bulk_error(relate->_bulk);
        if (error != NULL)
            return fail(relate, error);
        relate->stepped(relate);
        idle_ms = mark == before ? idle_ms + poll_ms : 0;
        poll_ms = mark > LONG_QUEUE ? POLL_LONG_MS : POLL_MS; /* to count a long queue takes time */
        before = mark;
    }
    return true;
}

/* One for each core, where there is much to do. */
static unsigned threads_for(const struct relate *relate, long queued)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (queued < (long)relate->_chunk || cores < 1)
        return 1;
    return cores < LISTS_BULK_MAX_THREADS ? (unsigned)cores : LISTS_BULK_MAX_THREADS;
}

static bool fail(struct relate *relate, const char *why)
{
    snprintf(relate->error, sizeof(relate->error), "%s", why);
    return false;
}

void relate_finish(struct relate *relate)
{
    if (relate->_bulk != NULL)
        lists_bulk_stop(relate->_bulk);
    db_conninfo_destroy(relate->_conninfo);
    *relate = (struct relate){0};
}

bool relate_queued(struct session *session, long *ret_n)
{
    return session_number(session, import_sql_count_queued, 0, ret_n) == SESSION_OK;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}
