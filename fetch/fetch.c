/*     fetch_start --> wait --> (its turn) on_turn: begin --> on_ended --> finish: done
 *                      ^                                         |
 *                      \------------ follow: a redirect ---------/
 *
 * on_deadline: at any time after fetch_start(). Redirects are followed here and not by libcurl: the new host may
 * have no free place, and no redirect may lead from https to http. */
#include "fetch/fetch.h"

#include <assert.h>
#include <h2o.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/container_of.h"
#include "fetch/fetcher.h"
#include "fetch/multi.h"
#include "fetch/transfer.h"
#include "fetch/url.h"

/* An idle connection would only wait for the endpoint to close it. */
enum { MAX_REDIRECTS = 3, IDLE_MS = 60000 };

struct fetcher {
    struct fetcher_config config;
    struct multi multi;
    struct places places;
    struct timer turn, idle;
    h2o_linklist_t fetches; /* all that have not ended */
};

const char *const fetch_reason_names[FETCH_NREASONS] = {
    [FETCH_OK] = "ok",
    [FETCH_UNRESOLVED] = "unresolved",
    [FETCH_REFUSED] = "refused",
    [FETCH_TIMEOUT] = "timeout",
    [FETCH_TLS] = "tls",
    [FETCH_STATUS] = "status",
    [FETCH_REDIRECT] = "redirect",
    [FETCH_CUT_OFF] = "cut-off",
    [FETCH_TOO_LARGE] = "too-large",
};

static void wait_for_place(struct fetch *fetch);
static timer_fn on_turn, on_idle, on_deadline;
static void begin(struct fetch *fetch);
static multi_ended_fn on_ended;
static bool is_redirect(long status);
static bool is_failure(long status);
static void follow(struct fetch *fetch, const char *location);
static void end_status(struct fetch *fetch, long status);
static void describe(struct fetch *fetch, enum fetch_reason reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void finish(struct fetch *fetch);
static struct transfer *leave_place(struct fetch *fetch);
static void release(struct fetch *fetch);
static const char *url_of(const struct fetch *fetch);
static void count(struct fetcher *fetcher);

struct fetcher *fetcher_create(const struct fetcher_config *config)
{
    struct fetcher *fetcher = h2o_mem_alloc(sizeof(*fetcher));
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    assert(code == CURLE_OK && config->timeout_ms >= 1 && config->max_bytes >= 1);
    *fetcher = (struct fetcher){.config = *config};
    multi_init(&fetcher->multi, config->loop, config->parallel, on_ended);
    places_init(&fetcher->places, config->parallel, config->per_host);
    timer_init(&fetcher->turn, config->loop, on_turn);
    timer_init(&fetcher->idle, config->loop, on_idle);
    h2o_linklist_init_anchor(&fetcher->fetches);
    return fetcher;
}

void fetcher_destroy(struct fetcher *fetcher)
{
    if (fetcher == NULL)
        return;
    while (!h2o_linklist_is_empty(&fetcher->fetches))
        fetch_cancel(container_of(fetcher->fetches.next, struct fetch, _link));
    timer_finish(&fetcher->turn);
    timer_finish(&fetcher->idle);
    places_finish(&fetcher->places);
    multi_finish(&fetcher->multi);
    free(fetcher);
    curl_global_cleanup();
}

void fetch_start(struct fetcher *fetcher, struct fetch *fetch)
{
    assert(fetch->_fetcher == NULL && fetch->url != NULL && fetch->done != NULL);
    fetch->_fetcher = fetcher;
    fetch->_place = (struct place){0};
    fetch->_transfer = NULL;
    fetch->_location = NULL;
    fetch->_redirects = 0;
    fetch->_began_us = clock_us();
    fetch->is_unchanged = false;
    fetch->retry_after_s = 0;
    fetch->_link = (h2o_linklist_t){0};
    h2o_linklist_insert(&fetcher->fetches, &fetch->_link);
    timer_init(&fetch->_deadline, fetcher->config.loop, on_deadline);
    timer_start(&fetch->_deadline, fetcher->config.timeout_ms);
    wait_for_place(fetch);
}

static void wait_for_place(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->_fetcher;
    char host[FETCH_HOST_SIZE];
    fetch_url_host(url_of(fetch), host);
    places_wait(&fetcher->places, &fetch->_place, host);
    timer_start(&fetcher->turn, 0);
    count(fetcher);
}

static void on_turn(struct timer *turn)
{
    struct fetcher *fetcher = container_of(turn, struct fetcher, turn);
    for (struct place *place; (place = places_next(&fetcher->places)) != NULL;)
        begin(container_of(place, struct fetch, _place));
    count(fetcher);
}

static void begin(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->_fetcher;
    assert(place_is_taken(&fetch->_place) && fetch->_transfer == NULL);
    timer_stop(&fetcher->idle);
    fetch->_transfer = transfer_create(&fetcher->config, fetch, url_of(fetch));
    multi_add(&fetcher->multi, fetch->_transfer->easy);
}

static void on_ended(struct multi *multi, CURL *easy, CURLcode result)
{
    (void)multi;
    char *private;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    struct fetch *fetch = (struct fetch *)private;
    assert(fetch->_transfer != NULL && fetch->_transfer->easy == easy);

    struct transfer *transfer = leave_place(fetch);
    long status = transfer_status(transfer);
    const char *location = transfer_location(transfer);
    if (is_redirect(status) && location != NULL) {
        follow(fetch, location);
    } else if (result != CURLE_OK && !is_failure(status)) {
        char host[FETCH_HOST_SIZE];
        fetch_url_host(url_of(fetch), host);
        fetch->reason = transfer_failure(transfer, result, host, fetch->detail);
        finish(fetch);
    } else {
        bool was_conditional =
            fetch->validators.etag[0] != '\0' || fetch->validators.last_modified[0] != '\0';
        fetch->is_unchanged = status == 304 && was_conditional;
        transfer_read_headers(transfer, fetch);
        fetch->body = transfer->body != NULL ? transfer->body : "";
        fetch->bytes = transfer->bytes;
        end_status(fetch, status);
    }
    transfer_destroy(transfer);
}

/* Then the status says what is wrong, whatever happens to the rest of the answer. */
static bool is_failure(long status)
{
    return status >= 400;
}

static bool is_redirect(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void follow(struct fetch *fetch, const char *location)
{
    const char *why = "it is not a URL";
    char *url = fetch_url_resolve(url_of(fetch), location);
    if (++fetch->_redirects > MAX_REDIRECTS) {
        describe(fetch, FETCH_REDIRECT, "redirects more than %d times, and that is the limit",
                 MAX_REDIRECTS);
        finish(fetch);
    } else if (url != NULL && !fetch_url_is_web(url)) {
        describe(fetch, FETCH_REDIRECT,
                 "redirects to an address that is not http or https, and only these are fetched");
        finish(fetch);
    } else if (url == NULL || !fetch_url_is_valid(url, &why)) {
        describe(fetch, FETCH_REDIRECT, "redirects to an address that is wrong: %s", why);
        finish(fetch);
    } else if (fetch_url_is_secure(url_of(fetch)) && !fetch_url_is_secure(url)) {
        describe(fetch, FETCH_REDIRECT,
                 "redirects from https to http, and only https is expected after https");
        finish(fetch);
    } else {
        free(fetch->_location);
        fetch->_location = url;
        url = NULL;
        wait_for_place(fetch);
    }
    free(url);
}

static void end_status(struct fetch *fetch, long status)
{
    fetch->reason = FETCH_OK;
    fetch->detail[0] = '\0';
    if (is_redirect(status))
        describe(fetch, FETCH_REDIRECT, "redirects (status %ld) and names no new address", status);
    else if (status != 200 && !fetch->is_unchanged)
        describe(fetch, FETCH_STATUS, "answered with status %ld, and 200 is expected", status);
    finish(fetch);
}

static void on_deadline(struct timer *deadline)
{
    struct fetch *fetch = container_of(deadline, struct fetch, _deadline);
    struct fetcher *fetcher = fetch->_fetcher;
    double limit_s = fetcher->config.timeout_ms / 1000.0;
    struct transfer *transfer = leave_place(fetch);
    if (transfer == NULL) {
        describe(fetch, FETCH_TIMEOUT,
                 "was not asked within %g s, because too many other fetches were under way",
                 limit_s);
    } else {
        multi_remove(&fetcher->multi, transfer->easy);
        long status = transfer_status(transfer);
        if (is_failure(status)) {
            transfer_read_headers(transfer, fetch);
            describe(fetch, FETCH_STATUS, "answered with status %ld, and 200 is expected", status);
        } else {
            describe(fetch, FETCH_TIMEOUT, "did not answer within %g s: %s", limit_s,
                     transfer_phase(transfer));
        }
        transfer_destroy(transfer);
    }
    finish(fetch);
}

/* A sentence: the host, and the rest. */
static void describe(struct fetch *fetch, enum fetch_reason reason, const char *format, ...)
{
    char host[FETCH_HOST_SIZE];
    va_list arguments;
    fetch->reason = reason;
    fetch_url_host(url_of(fetch), host);
    int n = snprintf(fetch->detail, sizeof(fetch->detail), "%s ", host);
    va_start(arguments, format);
    n += vsnprintf(fetch->detail + n, sizeof(fetch->detail) - (size_t)n, format, arguments);
    va_end(arguments);
    if ((size_t)n < sizeof(fetch->detail) - 1)
        memcpy(fetch->detail + n, ".", 2);
}

static void finish(struct fetch *fetch)
{
    assert((fetch->reason == FETCH_OK) == (fetch->detail[0] == '\0'));
    fetch->took_us = clock_us() - fetch->_began_us;
    if (fetch->reason != FETCH_OK) {
        fetch->is_unchanged = false;
        fetch->body = NULL;
        fetch->bytes = 0;
    }
    release(fetch);
    fetch->done(fetch);
}

/* Returns the transfer, which belongs to the caller, or NULL. */
static struct transfer *leave_place(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->_fetcher;
    struct transfer *transfer = fetch->_transfer;
    fetch->_transfer = NULL;
    places_leave(&fetcher->places, &fetch->_place);
    timer_start(&fetcher->turn, 0); /* another may have its turn */
    if (fetcher->places.taken == 0)
        timer_start(&fetcher->idle, IDLE_MS);
    count(fetcher);
    return transfer;
}

/* It holds nothing of the fetcher any more. */
static void release(struct fetch *fetch)
{
    timer_finish(&fetch->_deadline);
    h2o_linklist_unlink(&fetch->_link);
    free(fetch->_location);
    fetch->_location = NULL;
    fetch->_fetcher = NULL;
}

void fetch_cancel(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->_fetcher;
    if (fetcher == NULL)
        return;
    struct transfer *transfer = leave_place(fetch);
    if (transfer != NULL)
        multi_remove(&fetcher->multi, transfer->easy);
    transfer_destroy(transfer);
    release(fetch);
}

/* Makes libcurl's part anew, which closes its connections. */
static void on_idle(struct timer *idle)
{
    struct fetcher *fetcher = container_of(idle, struct fetcher, idle);
    assert(fetcher->places.taken == 0);
    multi_finish(&fetcher->multi);
    multi_init(&fetcher->multi, fetcher->config.loop, fetcher->config.parallel, on_ended);
}

static const char *url_of(const struct fetch *fetch)
{
    return fetch->_location != NULL ? fetch->_location : fetch->url;
}

static void count(struct fetcher *fetcher)
{
    counter_set(fetcher->config.under_way, fetcher->places.taken);
    counter_set(fetcher->config.waiting, fetcher->places.waiting);
}
