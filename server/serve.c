/*     serve --> settings --> bind --> workers --> [listening] ... SIGTERM --> drain --> join --> 0   */
#include "server/serve.h"

#include <assert.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "server/worker.h"

enum {
    MAX_WAITING_QUERIES = 16384, /* a thread; what waits longer than the deadline ends anyway */
    MAX_BODY_BYTES = 64 * 1024,  /* nothing that is served today takes a body */
    KEPT_FREE_BYTES = 4 << 20,   /* at the end of each thread's heap */
    IDLE_CONNECTION_MS = 10000,  /* also the time for a request's head and body to arrive */
};

static bool read_addresses(const struct options *options, struct listen_address *listen,
                           struct db_conninfo **conninfo);
static void keep_freed_memory(void);
static void configure_http(h2o_globalconf_t *http, register_routes_fn *register_routes);
static struct worker *start_workers(const struct options *options,
                                    const struct db_conninfo *conninfo, h2o_globalconf_t *http,
                                    struct connection_limit *limit, const int *fds);
static void on_db_event(enum db_pool_event event, unsigned connection, const char *why);
static unsigned max_connections(const struct options *options);

int serve(const struct options *options, register_routes_fn *register_routes)
{
    struct listen_address address;
    struct db_conninfo *conninfo;
    if (!read_addresses(options, &address, &conninfo))
        return 2;
    log_init(options->log);
    keep_freed_memory();

    char *error;
    int *fds = calloc(options->threads, sizeof(*fds));
    assert(fds != NULL);
    if (!listen_address_bind(&address, options->threads, fds, &error)) {
        fprintf(stderr, "broadsheet: %s\n", error);
        free(error);
        free(fds);
        db_conninfo_destroy(conninfo);
        return 1;
    }

    /* Every thread inherits the mask, so that signals wait for this one to fetch them. */
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);

    /* So that one host name that is slow to find does not hold up the others. */
    h2o_hostinfo_max_threads = 4;

    /* Static: threads of libh2o that look up host names may outlive this function. */
    static h2o_globalconf_t http;
    static struct connection_limit limit;
    static struct worker *workers;
    configure_http(&http, register_routes);
    limit.max = max_connections(options);
    workers = start_workers(options, conninfo, &http, &limit, fds);
    free(fds);

    char *text = listen_address_text(&address);
    log_event(LOG_INFO, "listening", {"address", text});
    free(text);

    int signal_number; /* the signals stay blocked: a second one changes nothing, the drain is short */
    sigwait(&stop, &signal_number);
    log_event(LOG_INFO, "draining", {"signal", signal_number == SIGINT ? "SIGINT" : "SIGTERM"});
    for (unsigned i = 0; i < options->threads; i++)
        worker_drain(&workers[i]);
    bool is_clean = true;
    for (unsigned i = 0; i < options->threads; i++)
        is_clean = worker_join(&workers[i]) && is_clean;
    log_event(LOG_INFO, "stopped",
              {"message", is_clean ? "every answer is out" : "some were given up"});
    db_conninfo_destroy(conninfo);
    return 0;
}

static bool read_addresses(const struct options *options, struct listen_address *listen,
                           struct db_conninfo **conninfo)
{
    char *error;
    if (!listen_address_parse(listen, options->listen, &error)) {
        fprintf(stderr, "broadsheet: %s\n", error);
        free(error);
        return false;
    }
    *conninfo = db_conninfo_create(options->database_url, &error);
    if (*conninfo == NULL) {
        fprintf(stderr, "broadsheet: DATABASE_URL can't be used: %s\n", error);
        free(error);
        return false;
    }
    return true;
}

/* The answers of a batch come and go together, some 100 kB: the allocator would give that much back to
 * the kernel with each batch, and take it again, page by page. */
static void keep_freed_memory(void)
{
    mallopt(M_TRIM_THRESHOLD, KEPT_FREE_BYTES);
    mallopt(M_MMAP_THRESHOLD, KEPT_FREE_BYTES);
}

static void configure_http(h2o_globalconf_t *http, register_routes_fn *register_routes)
{
    h2o_config_init(http);
    http->server_name = h2o_iovec_init(H2O_STRLIT("broadsheet"));
    http->max_request_entity_size = MAX_BODY_BYTES;
    http->http1.req_timeout = IDLE_CONNECTION_MS;
    /* libh2o 2.2.5 has faults in HTTP/2 that will not be mended (CVE-2023-44487 and others). */
    http->http1.upgrade_to_http2 = 0;
    h2o_hostconf_t *host =
        h2o_config_register_host(http, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    register_routes(host);
}

/* Returns when every worker accepts connections. */
static struct worker *start_workers(const struct options *options,
                                    const struct db_conninfo *conninfo, h2o_globalconf_t *http,
                                    struct connection_limit *limit, const int *fds)
{
    struct worker *workers = calloc(options->threads, sizeof(*workers));
    assert(workers != NULL);
    sem_t ready;
    sem_init(&ready, 0, 0);
    for (unsigned i = 0; i < options->threads; i++) {
        workers[i].all = workers;
        workers[i].nall = options->threads;
    }
    for (unsigned i = 0; i < options->threads; i++) {
        worker_start(&workers[i],
                     &(struct worker_config){
                         .http = http,
                         .pool = {.conninfo = conninfo,
                                  .connections = options->db_connections,
                                  .deadline_ms = options->deadline_ms,
                                  .max_waiting = MAX_WAITING_QUERIES,
                                  .on_event = on_db_event},
                         .limit = limit,
                         .max_stale_ms = options->max_stale_ms,
                         .cache_bytes = ((size_t)options->cache_mb << 20) / options->threads,
                         .fd = fds[i],
                         .ready = &ready,
                     });
    }
    for (unsigned i = 0; i < options->threads; i++) {
        while (sem_wait(&ready) != 0)
            ;
    }
    sem_destroy(&ready);
    worker_run_background(&workers[0]);
    return workers;
}

static void on_db_event(enum db_pool_event event, unsigned connection, const char *why)
{
    char number[16];
    snprintf(number, sizeof(number), "%u", connection);
    switch (event) {
    case DB_POOL_UP:
        log_event(LOG_INFO, "database_connected", {"connection", number});
        return;
    case DB_POOL_LOST:
        log_event(LOG_WARN, "database_connection_lost", {"connection", number}, {"reason", why});
        return;
    case DB_POOL_NO_CONNECT:
        log_event(LOG_WARN, "database_not_connected", {"connection", number}, {"reason", why});
        return;
    }
}

/* Client connections are descriptors, and the usual soft limit of 1,024 is far below our own cap: raises
 * it. Where even the hard limit is too low the cap is lowered, so that clients can't take what a new
 * connection to the database will need. */
static unsigned max_connections(const struct options *options)
{
    rlim_t others = 36 + (rlim_t)options->threads * (2 * options->db_connections + 6);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return options->max_connections;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= others + options->max_connections)
        return options->max_connections;

    unsigned max = limit.rlim_max > others ? (unsigned)(limit.rlim_max - others) : 1;
    char connections[16];
    snprintf(connections, sizeof(connections), "%u", max);
    log_event(LOG_WARN, "max_connections_lowered", {"connections", connections},
              {"message", "the limit of open files (ulimit -n) allows no more"});
    return max;
}
