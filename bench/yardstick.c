/* bench/yardstick.c - libh2o answers every request with the same bytes from memory. No server with this
 * library can be faster for answers of that size. Not in the product.
 *
 *     main --> bind --> thread per core: loop, listener --> [listening] ... a request --> the bytes
 *
 * usage: yardstick HOST:PORT BYTES [THREADS]     port 0 picks a free one; by default a thread per core
 *
 * The listening sockets and the settings of the HTTP library are those of the product. Only the work for an
 * answer is missing. */
#include <h2o.h>
#include <h2o/http1.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/program.h"
#include "server/listener.h"
#include "server/log.h"

enum { MAX_THREADS = 256, MAX_CONNECTIONS = 100000, MAX_BYTES = 64 * 1024 * 1024 };

static void serve(const char *listen, unsigned nthreads);
static void *run_loop(void *fd);
static int on_request(h2o_handler_t *self, h2o_req_t *req);

static h2o_iovec_t body;
static h2o_globalconf_t http;
static struct connection_limit limit = {.max = MAX_CONNECTIONS};

int main(int argc, char **argv)
{
    unsigned long size = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    unsigned long nthreads =
        argc > 3 ? strtoul(argv[3], NULL, 10) : (unsigned long)sysconf(_SC_NPROCESSORS_ONLN);
    if (argc > 4 || size < 1 || size > MAX_BYTES || nthreads < 1 || nthreads > MAX_THREADS) {
        fprintf(stderr, "usage: yardstick HOST:PORT BYTES [THREADS]\n");
        return 2;
    }
    program_begin();
    body = h2o_iovec_init(h2o_mem_alloc(size), size);
    memset(body.base, 'x', body.len);

    h2o_config_init(&http);
    http.server_name = h2o_iovec_init(H2O_STRLIT("broadsheet"));
    http.http1.upgrade_to_http2 = 0;
    h2o_hostconf_t *host =
        h2o_config_register_host(&http, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = on_request;
    serve(argv[1], (unsigned)nthreads);
}

/* Does not return: a signal ends the program. */
static void serve(const char *listen, unsigned nthreads)
{
    struct listen_address address;
    static int fds[MAX_THREADS];
    char *error;
    if (!listen_address_parse(&address, listen, &error) ||
        !listen_address_open(&address, nthreads, fds, &error)) {
        fprintf(stderr, "yardstick: cannot listen: %s\n", error);
        exit(1);
    }
    pthread_t thread;
    for (unsigned i = 1; i < nthreads; i++) {
        if (pthread_create(&thread, NULL, run_loop, &fds[i]) != 0) {
            fprintf(stderr, "yardstick: cannot start a thread\n");
            exit(1);
        }
    }
    char *text = listen_address_text(&address);
    log_event(LOG_INFO, "listening", {"address", text});
    free(text);
    run_loop(&fds[0]);
}

static void *run_loop(void *fd)
{
    h2o_context_t ctx;
    struct listener listener = {0};
    struct metrics metrics = {0};
    h2o_context_init(&ctx, h2o_evloop_create(), &http);
    h2o_accept_ctx_t accept = {.ctx = &ctx, .hosts = http.hosts};
    struct loop loop;
    loop_init(&loop, ctx.loop, &ctx.receivers.hostinfo_getaddr);
    listener_open(&listener, &loop, *(int *)fd, &accept, &limit, &metrics);
    for (;;)
        h2o_evloop_run(ctx.loop, INT32_MAX);
    return NULL;
}

static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
    (void)self;
    req->res.status = 200;
    req->res.reason = "OK";
    req->res.content_length = body.len;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("application/json"));
    static h2o_generator_t generator;
    h2o_start_response(req, &generator);
    h2o_send(req, &body, 1, 1);
    return 0;
}
