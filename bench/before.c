/* bench/before.c - the synchronous program that Broadsheet replaces, for comparison. Not in the product.
 *
 *     main --> bind --> fork WORKERS times --> [listening] ... SIGTERM --> end the workers --> 0
 *                         worker: connect --> listen --> one request at a time:
 *                                 query the article, wait --> query its list, wait --> answer
 *
 * usage: DATABASE_URL=... before HOST:PORT [WORKERS]     port 0 picks a free one; 4 workers
 *
 * All but the waiting is the same as in the product: the listening sockets, the HTTP library and its settings,
 * the prepared statements, binary results, and the reading of their rows. So a measurement shows one
 * difference: a worker does nothing while PostgreSQL works for it.
 *
 * It cannot answer for documents of more than 64 KiB, which come with another statement. No article of a
 * corpus is so large. */
#include <assert.h>
#include <errno.h>
#include <h2o.h>
#include <h2o/http1.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/program.h"
#include "db/batch.h"
#include "db/statements.h"
#include "handlers/article_row.h"
#include "server/listener.h"
#include "server/log.h"
#include "server/respond.h"

enum { DEFAULT_WORKERS = 4, MAX_WORKERS = 256, MAX_CONNECTIONS = 100000 };

/* A worker may be busy for long. It must not close connections of clients because of that. */
enum { IDLE_CONNECTION_MS = 600000 };

static void start_workers(const char *listen, unsigned n, pid_t *ret_pids);
static int end_workers(unsigned n, const pid_t *pids, const sigset_t *ends);
_Noreturn static void work(int fd, int ready_fd);
static void connect_database(void);
static int on_article(h2o_handler_t *self, h2o_req_t *req);
static PGresult *look_up(enum db_statement statement, int64_t id);

static PGconn *database; /* of this worker */

int main(int argc, char **argv)
{
    char *end = "";
    unsigned long n = argc == 3 ? strtoul(argv[2], &end, 10) : DEFAULT_WORKERS;
    if (argc < 2 || argc > 3 || *end != '\0' || n < 1 || n > MAX_WORKERS) {
        fprintf(stderr, "usage: DATABASE_URL=... before HOST:PORT [WORKERS]     1 to %d workers\n",
                MAX_WORKERS);
        return 2;
    }
    if (getenv("DATABASE_URL") == NULL) {
        fprintf(stderr, "before: DATABASE_URL is not set: give the address of a database\n");
        return 2;
    }
    program_begin();

    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    pid_t pids[MAX_WORKERS];
    start_workers(argv[1], (unsigned)n, pids);
    return end_workers((unsigned)n, pids, &ends);
}

/* Waits for a signal. SIGCHLD says that a worker has ended by itself: the database has failed. */
static int end_workers(unsigned n, const pid_t *pids, const sigset_t *ends)
{
    int number;
    sigwait(ends, &number);
    for (unsigned i = 0; i < n; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
    if (number != SIGCHLD)
        return 0;
    fprintf(stderr, "before: a worker has ended by itself\n");
    return 1;
}

static void fail(const char *failure, const char *reason)
{
    fprintf(stderr, "before: %s: %s\n", failure, reason);
    exit(1);
}

/* Returns when all workers accept connections. */
static void start_workers(const char *listen, unsigned n, pid_t *ret_pids)
{
    struct listen_address address;
    int fds[MAX_WORKERS], ready[2];
    char *error, byte;
    if (!listen_address_parse(&address, listen, &error) ||
        !listen_address_open(&address, n, fds, &error))
        fail("cannot listen", error);
    if (pipe(ready) != 0)
        fail("cannot make a pipe", strerror(errno));

    for (unsigned i = 0; i < n; i++) {
        pid_t parent = getpid(), child = fork();
        if (child == -1)
            fail("cannot start a worker", strerror(errno));
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != parent)
                exit(1);
            for (unsigned other = 0; other < n; other++) {
                if (other != i)
                    close(fds[other]);
            }
            close(ready[0]);
            work(fds[i], ready[1]);
        }
        ret_pids[i] = child;
    }
    for (unsigned i = 0; i < n; i++)
        close(fds[i]);
    close(ready[1]);
    for (unsigned i = 0; i < n; i++) {
        if (read(ready[0], &byte, 1) != 1)
            fail("a worker has not started", "see above");
    }
    close(ready[0]);
    char *text = listen_address_text(&address);
    log_event(LOG_INFO, "listening", {"address", text});
    free(text);
}

static void work(int fd, int ready_fd)
{
    static h2o_globalconf_t http;
    static h2o_context_t ctx;
    static struct listener listener;
    static struct connection_limit limit = {.max = MAX_CONNECTIONS};
    static struct metrics metrics;

    connect_database();
    h2o_config_init(&http);
    http.server_name = h2o_iovec_init(H2O_STRLIT("broadsheet"));
    http.http1.req_timeout = IDLE_CONNECTION_MS;
    http.http1.upgrade_to_http2 = 0;
    h2o_hostconf_t *host =
        h2o_config_register_host(&http, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/articles", 0);
    h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = on_article;

    h2o_context_init(&ctx, h2o_evloop_create(), &http);
    h2o_accept_ctx_t accept = {.ctx = &ctx, .hosts = http.hosts};
    struct loop loop;
    loop_init(&loop, ctx.loop, &ctx.receivers.hostinfo_getaddr);
    listener_open(&listener, &loop, fd, &accept, &limit, &metrics);
    if (write(ready_fd, "", 1) != 1)
        exit(1);
    close(ready_fd);
    for (;;)
        h2o_evloop_run(ctx.loop, INT32_MAX);
}

static void connect_database(void)
{
    database = PQconnectdb(getenv("DATABASE_URL"));
    if (PQstatus(database) != CONNECTION_OK || PQsetClientEncoding(database, "UTF8") != 0)
        fail("cannot connect to the database", PQerrorMessage(database));
    /* As in db/sql/session_settings.sql. With a plan for each execution, PostgreSQL would plan for longer than
     * it executes, and the figures would compare plans. */
    PQclear(PQexec(database, "select set_config('plan_cache_mode', 'force_generic_plan', false),"
                             " set_config('jit', 'off', false)"));
    const enum db_statement used[] = {DB_ARTICLE_BY_ID, DB_RELATED_BY_ID};
    for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++) {
        const struct db_statement_info *info = &db_statements[used[i]];
        PGresult *result = PQprepare(database, info->name, info->sql, 1, info->param_types);
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            fail("cannot prepare a statement", PQerrorMessage(database));
        PQclear(result);
    }
}

/* GET /articles/{id} */
static int on_article(h2o_handler_t *self, h2o_req_t *req)
{
    (void)self;
    char digits[24];
    size_t skip = strlen("/articles/");
    if (req->path_normalized.len <= skip || req->path_normalized.len - skip >= sizeof(digits))
        return -1;
    snprintf(digits, sizeof(digits), "%.*s", (int)(req->path_normalized.len - skip),
             req->path_normalized.base + skip);
    int64_t id = strtoll(digits, NULL, 10);

    PGresult *article = look_up(DB_ARTICLE_BY_ID, id);
    if (PQntuples(article) == 0) {
        PQclear(article);
        respond_problem(req, 404, "no-such-article", "There is no such article.");
        return 0;
    }
    PGresult *related = look_up(DB_RELATED_BY_ID, id);
    struct dependencies unused = {.n = 0};
    h2o_iovec_t text = article_row_read(article, 0, &unused).document;
    h2o_iovec_t cards = related_row_read(related, 0, PQntuples(related), &unused);
    h2o_iovec_t body = h2o_concat(&req->pool, (h2o_iovec_t){H2O_STRLIT("{\"article\":")}, text,
                                  (h2o_iovec_t){H2O_STRLIT(",\"related_articles\":[")}, cards,
                                  (h2o_iovec_t){H2O_STRLIT("]}")});
    PQclear(article);
    PQclear(related);
    respond_add_header(req, "related-status", "ok");
    respond_text(req, 200, "application/json", body);
    return 0;
}

/* Blocks, as the synchronous program did. */
static PGresult *look_up(enum db_statement statement, int64_t id)
{
    struct db_batch batch = {0};
    char wire[DB_BATCH_MAX_BYTES];
    db_batch_add(&batch, id);
    const char *values[] = {wire};
    int lengths[] = {db_batch_encode(&batch, wire)}, formats[] = {1};
    PGresult *result =
        PQexecPrepared(database, db_statements[statement].name, 1, values, lengths, formats, 1);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail("the database does not answer", PQerrorMessage(database));
    return result;
}
