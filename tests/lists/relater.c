#include "tests/lists/relater.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container_of.h"
#include "db/conninfo.h"
#include "tests/support/wait.h"

enum { MOST = 100, CONNECT_MS = 60000, MOST_ROUNDS = 1000, SETTLE_MS = 20000 };

static void on_failed(struct lists_maker *maker, int64_t id, const char *reason)
{
    struct relater *relater = container_of(maker, struct relater, maker);
    size_t n = strlen(relater->failed);

    snprintf(relater->failed + n, sizeof(relater->failed) - n, "%" PRId64 " ", id);
    snprintf(relater->reason, sizeof(relater->reason), "%s", reason);
}

struct relater *relater_open(const char *url)
{
    struct relater *relater = calloc(1, sizeof(*relater));
    char *error = NULL;

    relater->conninfo = db_conninfo_create(url, &error);
    cr_assert_not_null(relater->conninfo, "%s", error);
    lists_session_init(&relater->session,
                       &(struct lists_session_config){.conninfo = relater->conninfo,
                                                      .deadline_ms = CONNECT_MS,
                                                      .states = relater->stats.connections});
    relater->maker = (struct lists_maker){
        .session = &relater->session, .stats = &relater->stats, .on_failed = on_failed};
    lists_maker_init(&relater->maker);
    cr_assert(lists_session_wait_up(&relater->session, CONNECT_MS), "%s",
              lists_session_error(&relater->session));
    return relater;
}

/* The memory stays, as lists/session.h asks. */
void relater_close(struct relater *relater)
{
    lists_maker_finish(&relater->maker);
    lists_session_finish(&relater->session);
    db_conninfo_destroy(relater->conninfo);
    static struct relater *closed;
    relater->next = closed;
    closed = relater;
}

int relater_round(struct relater *relater, int most)
{
    return lists_round(&relater->maker, most, most);
}

void relater_work(struct relater *relater)
{
    int rounds = 0, n;

    /* A vacuum may hold a lock, which makes a round fail. */
    cr_assert(WAIT_UNTIL(SETTLE_MS, (n = relater_round(relater, MOST)) == 0 ||
                                        (n > 0 && ++rounds > MOST_ROUNDS)),
              "%s", lists_session_error(&relater->session));
    cr_assert_leq(rounds, MOST_ROUNDS, "the work does not end");
}

void relate(const char *url)
{
    struct relater *relater = relater_open(url);

    relater_work(relater);
    relater_close(relater);
}
