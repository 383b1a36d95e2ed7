/* The flow is in connect.h. No call here blocks: see PQconnectPoll in libpq's manual. */
#include "db/connect.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container_of.h"

enum { FIRST_PAUSE_MS = 50, LONGEST_PAUSE_MS = 1000, LONGEST_FULL_PAUSE_MS = 30000 };

static db_resolve_done_fn on_resolved;
static void open_address(struct db_connect *connect);
static PGconn *start_libpq(const struct db_connect *connect);
static void on_notice(void *connect, const PGresult *notice);
static void on_connecting(h2o_socket_t *sock, const char *error);
static bool watch(struct db_connect *connect);
static timer_fn on_limit;
static void fail_libpq(struct db_connect *connect);
static void fail(struct db_connect *connect);

void db_connect_init(struct db_connect *connect, struct loop *loop, const struct db_conninfo *info,
                     db_connect_fn *on_event)
{
    *connect = (struct db_connect){._info = info, ._loop = loop, ._on_event = on_event};
    timer_init(&connect->_limit, loop, on_limit);
}

void db_connect_finish(struct db_connect *connect)
{
    db_connect_stop(connect);
    timer_finish(&connect->_limit);
}

static const struct db_host *host_of(const struct db_connect *connect)
{
    return &connect->_info->hosts[connect->_host];
}

static void start_limit(struct db_connect *connect)
{
    const struct db_conninfo *info = connect->_info;
    bool is_only_address = info->nhosts == 1 && connect->_addresses.n <= 1;
    connect->_limit_ms =
        db_connect_limit_ms(info->connect_timeout_s, is_only_address, connect->_nrounds);
    timer_start(&connect->_limit, connect->_limit_ms);
}

void db_connect_start(struct db_connect *connect)
{
    const struct db_host *host = host_of(connect);
    assert(connect->pg == NULL && connect->sock == NULL);
    connect->server_said[0] = connect->sqlstate[0] = '\0';
    if (connect->_addresses.n == 0 && db_host_is_name(host)) {
        start_limit(connect);
        db_resolve_start(&connect->_resolve, host->name, connect->_loop->resolver, on_resolved);
        return;
    }
    if (connect->_addresses.n == 0) {
        connect->_addresses.n = 1;
        connect->_address = 0;
        snprintf(connect->_addresses.of[0], DB_ADDRESS_BYTES, "%s", host->address);
    }
    open_address(connect);
}

static void on_resolved(struct db_resolve *resolve)
{
    struct db_connect *connect = container_of(resolve, struct db_connect, _resolve);
    if (resolve->found.n == 0) {
        snprintf(connect->why, sizeof(connect->why), "no address for the host name \"%s\": %s",
                 host_of(connect)->name, resolve->error != NULL ? resolve->error : "none found");
        fail(connect);
        return;
    }
    connect->_addresses = resolve->found;
    connect->_address = 0;
    for (size_t i = 0; i < resolve->found.n; i++) {
        if (strcmp(resolve->found.of[i], connect->_good_address) == 0)
            connect->_address = i;
    }
    open_address(connect);
}

static void open_address(struct db_connect *connect)
{
    start_limit(connect);
    connect->pg = start_libpq(connect);
    assert(connect->pg != NULL); /* NULL is "no memory" */
    /* Now, since the end of the session may arrive together with the end of the connecting. */
    PQsetNoticeReceiver(connect->pg, on_notice, connect);
    PQsetErrorVerbosity(connect->pg, PQERRORS_VERBOSE); /* for the SQLSTATE */
    connect->_on_event(connect, DB_CONNECT_BEGINS);
    if (PQstatus(connect->pg) == CONNECTION_BAD)
        fail_libpq(connect);
    else if (watch(connect))
        h2o_socket_notify_write(connect->sock, on_connecting);
}

/* libpq gets the host's name too: certificates and password files need it. */
static PGconn *start_libpq(const struct db_connect *connect)
{
    const struct db_conninfo *info = connect->_info;
    const struct db_host *host = host_of(connect);
    size_t n = 0;
    while (info->keywords[n] != NULL)
        n++;
    const char **keywords = calloc(n + 4, sizeof(*keywords)),
               **values = calloc(n + 4, sizeof(*values));
    assert(keywords != NULL && values != NULL);
    memcpy(keywords, info->keywords, n * sizeof(*keywords));
    memcpy(values, info->values, n * sizeof(*values));
    keywords[n] = "host", values[n] = host->name;
    keywords[n + 1] = "hostaddr", values[n + 1] = connect->_addresses.of[connect->_address];
    keywords[n + 2] = "port", values[n + 2] = host->port;
    PGconn *pg = PQconnectStartParams(keywords, values, 0);
    free(keywords);
    free(values);
    return pg;
}

/* libpq prints notices otherwise. A server that ends an idle session says why in one; where it shuts down
 * at once (57P) that is only a warning. */
static void on_notice(void *p, const PGresult *notice)
{
    struct db_connect *connect = p;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    const char *sqlstate = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
    if (severity == NULL || message == NULL || sqlstate == NULL)
        return;
    if (strcmp(severity, "ERROR") == 0 || strcmp(severity, "FATAL") == 0 ||
        strcmp(severity, "PANIC") == 0 || strncmp(sqlstate, "57P", 3) == 0)
        db_reason_copy(connect->server_said, sizeof(connect->server_said), message);
}

static void on_connecting(h2o_socket_t *sock, const char *error)
{
    struct db_connect *connect = sock->data;
    assert(error == NULL);

    PostgresPollingStatusType poll = PQconnectPoll(connect->pg);
    /* libpq may have made a new socket, for example to try again without TLS. It may even have the same
     * number. So each step watches anew. */
    if (poll == PGRES_POLLING_FAILED) {
        fail_libpq(connect);
    } else if (!watch(connect)) {
        return;
    } else if (poll == PGRES_POLLING_OK) {
        PQsetErrorVerbosity(connect->pg, PQERRORS_DEFAULT);
        connect->_on_event(connect, DB_CONNECT_OPEN);
    } else if (poll == PGRES_POLLING_READING) {
        h2o_socket_read_start(connect->sock, on_connecting);
    } else {
        h2o_socket_notify_write(connect->sock, on_connecting);
    }
}

/* Makes the loop watch a duplicate of libpq's socket of this moment. False: the attempt has failed. */
static bool watch(struct db_connect *connect)
{
    if (connect->sock != NULL)
        h2o_socket_close(connect->sock);
    connect->sock = NULL;
    int fd = fcntl(PQsocket(connect->pg), F_DUPFD_CLOEXEC, 0);
    if (fd == -1) {
        snprintf(connect->why, sizeof(connect->why), "%s", strerror(errno));
        fail(connect);
        return false;
    }
    connect->sock = h2o_evloop_socket_create(connect->_loop->h2o, fd, H2O_SOCKET_FLAG_DONT_READ);
    connect->sock->data = connect;
    return true;
}

static void on_limit(struct timer *timer)
{
    struct db_connect *connect = container_of(timer, struct db_connect, _limit);
    const struct db_host *host = host_of(connect);
    const char *address =
        connect->_addresses.n == 0 ? "" : connect->_addresses.of[connect->_address];
    if (connect->_addresses.n == 0)
        snprintf(connect->why, sizeof(connect->why),
                 "the addresses of the host name \"%s\" were not found within %u s", host->name,
                 connect->_limit_ms / 1000);
    else
        snprintf(connect->why, sizeof(connect->why),
                 "the server at \"%s\"%s%s%s, port %s, did not answer within %u s", host->name,
                 address[0] != '\0' ? " (" : "", address, address[0] != '\0' ? ")" : "",
                 host->port[0] != '\0' ? host->port : "5432", connect->_limit_ms / 1000);
    connect->sqlstate[0] = '\0';
    fail(connect);
}

static void fail_libpq(struct db_connect *connect)
{
    const char *message = PQerrorMessage(connect->pg);
    db_reason_sqlstate(message, connect->sqlstate);
    db_reason_copy(connect->why, sizeof(connect->why), message);
    fail(connect);
}

static void fail(struct db_connect *connect)
{
    db_connect_stop(connect);
    connect->_on_event(connect, DB_CONNECT_FAILED);
}

/* Both descriptors are closed, or the server would keep its end. */
void db_connect_stop(struct db_connect *connect)
{
    timer_stop(&connect->_limit);
    db_resolve_cancel(&connect->_resolve);
    if (connect->sock != NULL)
        h2o_socket_close(connect->sock);
    connect->sock = NULL;
    PQfinish(connect->pg);
    connect->pg = NULL;
}

void db_connect_succeeded(struct db_connect *connect)
{
    timer_stop(&connect->_limit);
    snprintf(connect->_good_address, sizeof(connect->_good_address), "%s",
             connect->_addresses.of[connect->_address]);
}

uint64_t db_connect_next(struct db_connect *connect, bool is_full)
{
    connect->_is_full = connect->_is_full || is_full;
    if (++connect->_naddresses_failed < connect->_addresses.n) {
        connect->_address = (connect->_address + 1) % connect->_addresses.n;
        return 0;
    }
    connect->_addresses.n = 0;
    connect->_naddresses_failed = 0;
    connect->_host = (connect->_host + 1) % connect->_info->nhosts;
    if (++connect->_nhosts_failed < connect->_info->nhosts)
        return 0;
    connect->_nhosts_failed = 0;
    connect->_nrounds++;
    unsigned longest_ms = db_connect_longest_pause_ms(connect->_nrounds, connect->_is_full);
    connect->_is_full = false;
    return longest_ms - arc4random_uniform(longest_ms / 2);
}

void db_connect_forget_failures(struct db_connect *connect)
{
    connect->_addresses.n = 0;
    connect->_naddresses_failed = connect->_nhosts_failed = 0;
    connect->_nrounds = 0;
    connect->_is_full = false;
}

unsigned db_connect_limit_ms(unsigned connect_timeout_s, bool is_only_address, unsigned nrounds)
{
    static const unsigned limits_ms[] = {2000, 4000, 8000, 15000};
    enum { LAST = sizeof(limits_ms) / sizeof(limits_ms[0]) - 1 };
    if (connect_timeout_s != 0)
        return connect_timeout_s * 1000;
    unsigned i = (nrounds < LAST ? nrounds : LAST) + (is_only_address ? 2 : 0);
    return limits_ms[i < LAST ? i : LAST];
}

unsigned db_connect_longest_pause_ms(unsigned nrounds, bool is_full)
{
    unsigned most_ms = is_full ? LONGEST_FULL_PAUSE_MS : LONGEST_PAUSE_MS,
             pause_ms = FIRST_PAUSE_MS;
    assert(nrounds >= 1);
    while (--nrounds > 0 && pause_ms < most_ms)
        pause_ms *= 2;
    return pause_ms < most_ms ? pause_ms : most_ms;
}
