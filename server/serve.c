/*     serve --> settings --> listen --> workers, background --> run_until_signal --> drain --> join --> 0   */
#include "server/serve.h"

#include <assert.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "fetch/fetcher.h"
#include "server/background.h"
#include "server/worker.h"

enum {
    MAX_WAITING_QUERIES = 16384, /* of a thread; a query that waits too long ends anyway */
    MAX_BODY_BYTES = 64 * 1024,  /* no request has a body so far */
    KEPT_FREE_BYTES = 4 << 20,   /* at the end of each thread's heap */
    MAPPED_BYTES =
        512 << 10, /* a larger piece of memory goes back to the kernel when it is freed */
    IDLE_CONNECTION_MS = 10000, /* also the time for a request's head and body to arrive */
};

static bool read_cities(const struct options *options, struct cities *cities);
static bool read_addresses(const struct options *options, struct listen_address *listen,
                           struct db_conninfo **conninfo);
static int *open_sockets(const struct options *options, struct listen_address *address);
static void keep_freed_memory(void);
static int block_signals(void);
static void configure_http(h2o_globalconf_t *http, register_routes_fn *register_routes);
static struct worker *start_workers(const struct options *options,
                                    const struct db_conninfo *conninfo, h2o_globalconf_t *http,
                                    struct process *process, const int *fds, int ready,
                                    struct report *weather);
static int run_until_signal(int signals, int ready, unsigned nworkers,
                            const struct listen_address *address);
static bool drain(struct worker *workers, unsigned n);
static void on_db_event(enum db_pool_event event, unsigned connection, const char *why);
static unsigned max_connections(const struct options *options);

int serve(const struct options *options, register_routes_fn *register_routes)
{
    /* Static: threads of libh2o that resolve host names may live longer than this function. */
    static h2o_globalconf_t http;
    static struct process process;
    static struct background background;
    static struct cities cities;
    struct listen_address address;
    struct db_conninfo *conninfo;
    if (!read_cities(options, &cities) || !read_addresses(options, &address, &conninfo))
        return 2;
    int signals = block_signals();
    int *fds = open_sockets(options, &address);
    if (fds == NULL) {
        db_conninfo_destroy(conninfo);
        cities_finish(&cities);
        return 1;
    }
    log_init(options->log);
    log_start();
    keep_freed_memory();
    h2o_hostinfo_max_threads = 4; /* one slow host name does not hold up the others */

    configure_http(&http, register_routes);
    memory_init(&process.memory, (size_t)options->memory_mb << 20);
    int ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(ready != -1);
    struct report *weather = cities.n > 0 ? report_create_first(&cities) : NULL;
    process.has_weather = weather != NULL;
    struct worker *workers = start_workers(options, conninfo, &http, &process, fds, ready, weather);
    report_release(weather);
    free(fds);
    background_start(&background,
                     &(struct background_config){.conninfo = conninfo,
                                                 .max_stale_ms = options->max_stale_ms,
                                                 .process = &process,
                                                 .workers = workers,
                                                 .nworkers = options->threads,
                                                 .weather = &options->weather,
                                                 .cities = cities.n > 0 ? &cities : NULL});

    int signal_number = run_until_signal(signals, ready, options->threads, &address);
    log_event(LOG_INFO, "draining", {"signal", signal_number == SIGINT ? "SIGINT" : "SIGTERM"});
    background_stop(&background);
    bool is_clean = drain(workers, options->threads);
    log_event(LOG_INFO, "stopped",
              {"message", is_clean ? "every request was answered" : "some requests were given up"});
    log_stop();
    db_conninfo_destroy(conninfo);
    if (is_clean) /* else a worker may still hold a report */
        cities_finish(&cities);
    return 0;
}

/* NULL: it can't listen, and a line says so. */
static int *open_sockets(const struct options *options, struct listen_address *address)
{
    char *error;
    int *fds = calloc(options->threads, sizeof(*fds));
    assert(fds != NULL);
    if (listen_address_open(address, options->threads, fds, &error))
        return fds;
    fprintf(stderr, "broadsheet: %s\n", error);
    free(error);
    free(fds);
    return NULL;
}

/* Every thread inherits the mask, so that the signals wait for the descriptor that this returns. They stay
 * blocked: a second signal changes nothing, since the drain is short. */
static int block_signals(void)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    int signals = signalfd(-1, &stop, SFD_CLOEXEC);
    assert(signals != -1);
    return signals;
}

/* Logs when all workers accept connections. Returns the signal. */
static int run_until_signal(int signals, int ready, unsigned nworkers,
                            const struct listen_address *address)
{
    struct pollfd events[] = {{.fd = signals, .events = POLLIN}, {.fd = ready, .events = POLLIN}};
    eventfd_t n, nready = 0;
    while (poll(events, 2, -1) < 1 || events[0].revents == 0) {
        if (events[1].revents == 0 || eventfd_read(ready, &n) != 0)
            continue;
        nready += n;
        if (nready == nworkers) {
            char *text = listen_address_text(address);
            log_event(LOG_INFO, "listening", {"address", text});
            free(text);
        }
    }
    struct signalfd_siginfo info;
    ssize_t length = read(signals, &info, sizeof(info));
    assert(length == sizeof(info));
    return (int)info.ssi_signo;
}

/* True: every request was answered. */
static bool drain(struct worker *workers, unsigned n)
{
    bool is_clean = true;
    for (unsigned i = 0; i < n; i++)
        worker_drain(&workers[i]);
    for (unsigned i = 0; i < n; i++)
        is_clean = worker_join(&workers[i]) && is_clean;
    return is_clean;
}

/* cities->n is 0 where there is no weather. */
static bool read_cities(const struct options *options, struct cities *cities)
{
    char *errors;
    if (options->weather.cities == NULL ||
        weather_settings_read(&options->weather, cities, &errors))
        return true;
    fprintf(stderr, "broadsheet: %s\n", errors);
    free(errors);
    return false;
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

/* The answers of a batch come and go together, about 100 kB. By default the allocator gives so much memory
 * back to the kernel with each batch, and takes it again, page by page. A large answer goes back at once. */
static void keep_freed_memory(void)
{
    mallopt(M_TRIM_THRESHOLD, KEPT_FREE_BYTES);
    mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
}

static void configure_http(h2o_globalconf_t *http, register_routes_fn *register_routes)
{
    h2o_config_init(http);
    http->server_name = h2o_iovec_init(H2O_STRLIT("broadsheet"));
    http->max_request_entity_size = MAX_BODY_BYTES;
    http->http1.req_timeout = IDLE_CONNECTION_MS;
    /* libh2o 2.2.5 has faults in HTTP/2 that will not be fixed (CVE-2023-44487 and others). */
    http->http1.upgrade_to_http2 = 0;
    h2o_hostconf_t *host =
        h2o_config_register_host(http, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    register_routes(host);
}

static struct worker *start_workers(const struct options *options,
                                    const struct db_conninfo *conninfo, h2o_globalconf_t *http,
                                    struct process *process, const int *fds, int ready,
                                    struct report *weather)
{
    static struct connection_limit limit;
    static struct worker *workers;
    limit.max = max_connections(options);
    workers = calloc(options->threads, sizeof(*workers));
    process->services = calloc(options->threads, sizeof(struct service *));
    assert(workers != NULL && process->services != NULL);
    process->nservices = options->threads;
    for (unsigned i = 0; i < options->threads; i++)
        process->services[i] = &workers[i].service;
    for (unsigned i = 0; i < options->threads; i++)
        worker_start(&workers[i],
                     &(struct worker_config){
                         .http = http,
                         .pool = {.conninfo = conninfo,
                                  .connections = options->db_connections,
                                  .npools = options->threads,
                                  .deadline_ms = options->deadline_ms,
                                  .max_waiting = MAX_WAITING_QUERIES,
                                  .on_event = on_db_event},
                         .process = process,
                         .limit = &limit,
                         .max_stale_ms = options->max_stale_ms,
                         .related_ms = options->related_ms,
                         .cache_bytes = ((size_t)options->cache_mb << 20) / options->threads,
                         .weather = weather,
                         .fd = fds[i],
                         .ready = ready,
                     });
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

/* A client connection is a descriptor, and the usual soft limit of 1,024 is far below our own limit: so this
 * raises it. Where even the hard limit is too low, our limit becomes lower, so that clients leave
 * descriptors for connections to the database. */
static unsigned max_connections(const struct options *options)
{
    unsigned db_connections =
        options->db_connections > 0 ? options->db_connections : DB_POOL_DEFAULT_CONNECTIONS;
    rlim_t others = 48 + (rlim_t)options->threads * (2 * db_connections + 6);
    if (options->weather.cities != NULL)
        others += fetcher_descriptors(options->weather.parallel);
    rlim_t limit = descriptors_raise_limit();
    if (limit == RLIM_INFINITY || limit >= others + options->max_connections)
        return options->max_connections;

    unsigned max = limit > others ? (unsigned)(limit - others) : 1;
    char connections[16];
    snprintf(connections, sizeof(connections), "%u", max);
    log_event(LOG_WARN, "max_connections_lowered", {"connections", connections},
              {"message", "the limit of open files (ulimit -n) allows no more"});
    return max;
}
