/* bench/weather_endpoints.c - one program plays many weather endpoints: it answers every path with a document in
 * Open-Meteo's format. The values are made up. For ./dev run and ./dev bench weather; not in the product.
 *
 *     on_request --> a timer --> on_delay_over: the document          on_gone: at any time after on_request
 *
 * usage: weather_endpoints HOST:PORT      port 0 picks a free one
 *
 * The delay of an answer is ?delay_ms=N. Without it, the path decides: like those of the real service, most take 50 to
 * 300 ms, and one in twenty takes one to two seconds. */
#include <h2o.h>
#include <h2o/http1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/container_of.h"
#include "base/timer.h"
#include "bench/program.h"
#include "server/listener.h"
#include "server/log.h"
#include "server/respond.h"
#include "server/service.h"

enum { MAX_CONNECTIONS = 100000, MAX_DELAY_MS = 60000 };

struct request {
    h2o_req_t *req;
    struct timer delay;
    uint64_t hash; /* of the path and query: it decides the values */
};

static void serve(const char *listen);
static int on_request(h2o_handler_t *self, h2o_req_t *req);
static unsigned delay_ms(h2o_iovec_t path, uint64_t hash);
static timer_fn on_delay_over;
static void on_gone(void *request);

static h2o_globalconf_t http;
static struct connection_limit limit = {.max = MAX_CONNECTIONS};
static struct service service; /* for the functions of server/respond.h */

int main(int argc, char **argv)
{
    if (argc != 2 || argv[1][0] == '-') {
        fprintf(stderr, "usage: weather_endpoints HOST:PORT\n");
        return 2;
    }
    program_begin();
    h2o_config_init(&http);
    http.http1.upgrade_to_http2 = 0;
    h2o_hostconf_t *host =
        h2o_config_register_host(&http, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = on_request;
    serve(argv[1]);
}

/* Does not return: a signal ends the program. */
static void serve(const char *listen)
{
    struct listen_address address;
    struct listener listener = {0};
    int fd;
    char *error;
    if (!listen_address_parse(&address, listen, &error) ||
        !listen_address_open(&address, 1, &fd, &error)) {
        fprintf(stderr, "weather_endpoints: %s\n", error);
        exit(1);
    }
    h2o_context_init(&service.ctx, h2o_evloop_create(), &http);
    h2o_accept_ctx_t accept = {.ctx = &service.ctx, .hosts = http.hosts};
    loop_init(&service.loop, service.ctx.loop, &service.ctx.receivers.hostinfo_getaddr);
    listener_open(&listener, &service.loop, fd, &accept, &limit, &service.metrics);
    char *text = listen_address_text(&address);
    log_event(LOG_INFO, "listening", {"address", text});
    free(text);
    for (;;)
        h2o_evloop_run(service.ctx.loop, INT32_MAX);
}

static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
    (void)self;
    struct request *request = h2o_mem_alloc_shared(&req->pool, sizeof(*request), on_gone);
    *request = (struct request){.req = req, .hash = XXH3_64bits(req->path.base, req->path.len)};
    timer_init(&request->delay, &service.loop, on_delay_over);
    timer_start(&request->delay, delay_ms(req->path, request->hash));
    return 0;
}

static unsigned delay_ms(h2o_iovec_t path, uint64_t hash)
{
    static const char parameter[] = "delay_ms=";
    const char *found = memmem(path.base, path.len, parameter, strlen(parameter));
    if (found == NULL)
        return hash % 20 == 0 ? 1000 + hash / 20 % 1000 : 50 + hash / 20 % 250;
    unsigned ms = 0;
    for (const char *c = found + strlen(parameter);
         c < path.base + path.len && *c >= '0' && *c <= '9' && ms < MAX_DELAY_MS; c++)
        ms = 10 * ms + (unsigned)(*c - '0');
    return ms < MAX_DELAY_MS ? ms : MAX_DELAY_MS;
}

static void on_delay_over(struct timer *delay)
{
    struct request *request = container_of(delay, struct request, delay);
    static const unsigned char codes[] = {0, 1, 2, 3, 3, 45, 51, 61, 63, 71, 80, 95};
    uint64_t hash = request->hash;
    char document[640], hour[32];
    time_t now = time(NULL);
    strftime(hour, sizeof(hour), "%Y-%m-%dT%H:00", gmtime(&now));
    int length = snprintf(
        document, sizeof(document),
        "{\"latitude\":0.0,\"longitude\":0.0,\"generationtime_ms\":0.05,\"utc_offset_seconds\":0,"
        "\"timezone\":\"GMT\",\"timezone_abbreviation\":\"GMT\",\"elevation\":38.0,"
        "\"current_units\":{\"time\":\"iso8601\",\"interval\":\"seconds\",\"temperature_2m\":"
        "\"°C\","
        "\"relative_humidity_2m\":\"%%\",\"weather_code\":\"wmo "
        "code\",\"wind_speed_10m\":\"km/h\"},"
        "\"current\":{\"time\":\"%s\",\"interval\":900,\"temperature_2m\":%.1f,"
        "\"relative_humidity_2m\":%u,\"weather_code\":%u,\"wind_speed_10m\":%.1f}}",
        hour, (double)(hash % 450) / 10 - 10, (unsigned)(hash / 450 % 70 + 30),
        codes[hash / 31500 % sizeof(codes)], (double)(hash / 378000 % 400) / 10);
    respond_text(request->req, 200, "application/json", h2o_iovec_init(document, (size_t)length));
}

static void on_gone(void *p)
{
    struct request *request = p;
    timer_finish(&request->delay);
}
