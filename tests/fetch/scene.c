#include "tests/fetch/scene.h"

#include <criterion/criterion.h>
#include <h2o.h>
#include <stdlib.h>
#include <string.h>

#include "base/container_of.h"

struct endpoint *scene_endpoint;
struct fetcher *scene_fetcher;
struct counter scene_under_way, scene_waiting;

static struct loop loop;
static struct fetcher_config config = {
    .loop = &loop,
    .parallel = 8,
    .per_host = 4,
    .timeout_ms = 20000,
    .max_bytes = 1 << 20,
    .user_agent = "broadsheet/test",
    .under_way = &scene_under_way,
    .waiting = &scene_waiting,
};

void scene_begin(void)
{
    static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                          "ALL_PROXY",  "no_proxy",    "NO_PROXY"};
    for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++)
        unsetenv(proxies[i]);
    loop_init(&loop, h2o_evloop_create(), NULL);
    scene_endpoint = endpoint_start(NULL, NULL);
    scene_fetcher = fetcher_create(&config);
}

void scene_end(void)
{
    fetcher_destroy(scene_fetcher);
    cr_expect_eq(counter_get(&scene_under_way), 0);
    cr_expect_eq(counter_get(&scene_waiting), 0);
    loop_finish(&loop);
    endpoint_stop(scene_endpoint);
}

void scene_set_fetcher(unsigned parallel, unsigned per_host, unsigned timeout_ms,
                       const char *ca_file)
{
    fetcher_destroy(scene_fetcher);
    config.parallel = parallel != 0 ? parallel : config.parallel;
    config.per_host = per_host != 0 ? per_host : config.per_host;
    config.timeout_ms = timeout_ms != 0 ? timeout_ms : config.timeout_ms;
    config.ca_file = ca_file != NULL ? ca_file : config.ca_file;
    scene_fetcher = fetcher_create(&config);
}

struct loop *scene_loop(void)
{
    return &loop;
}

void scene_turn(void)
{
    h2o_evloop_run(loop.h2o, 20);
}

static void on_done(struct fetch *fetch)
{
    struct scene_fetch *self = container_of(fetch, struct scene_fetch, fetch);
    self->done++;
    free(self->body);
    self->body = fetch->body != NULL ? h2o_strdup(NULL, fetch->body, fetch->bytes).base : NULL;
    if (self->again != NULL) {
        struct scene_fetch *again = self->again;
        self->again = NULL;
        fetch_start(scene_fetcher, &again->fetch);
    }
}

void scene_start(struct scene_fetch *fetch, const char *host, const char *path)
{
    char *url = endpoint_url(scene_endpoint, host, path);
    scene_start_url(fetch, url);
    free(url);
}

void scene_start_url(struct scene_fetch *fetch, const char *url)
{
    free(fetch->url);
    fetch->url = strdup(url);
    fetch->fetch.url = fetch->url;
    fetch->fetch.done = on_done;
    fetch_start(scene_fetcher, &fetch->fetch);
}

void scene_expect(struct scene_fetch *fetch, const char *host, const char *path,
                  enum fetch_reason reason)
{
    char *url = endpoint_url(scene_endpoint, host, path);
    scene_expect_url(fetch, url, host, reason);
    free(url);
}

void scene_expect_url(struct scene_fetch *fetch, const char *url, const char *host,
                      enum fetch_reason reason)
{
    unsigned before = fetch->done;
    scene_start_url(fetch, url);
    cr_assert_eq(fetch->done, before, "%s: done before fetch_start returned", url);
    cr_assert(TURN_UNTIL(fetch->done > before), "%s: no end", url);
    cr_expect_eq(fetch->fetch.reason, reason, "%s: %s: %s", url,
                 fetch_reason_names[fetch->fetch.reason], fetch->fetch.detail);
    cr_expect_eq(fetch->done, before + 1);
    if (reason == FETCH_OK)
        cr_expect_str_eq(fetch->fetch.detail, "");
    else
        cr_expect_not_null(strstr(fetch->fetch.detail, host), "%s: %s", host, fetch->fetch.detail);
}

void scene_finish(struct scene_fetch *fetch)
{
    fetch_cancel(&fetch->fetch);
    free(fetch->url);
    free(fetch->body);
    *fetch = (struct scene_fetch){.done = 0};
}
