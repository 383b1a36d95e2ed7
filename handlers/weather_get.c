/* GET /weather, and /weather?cities=NAME,NAME
 *
 *     weather_get --> no `cities`: the newest report as it is
 *                 \-> `cities`: kept? yes: that answer
 *                                     no: decode --> split into names --> make it
 *
 * Nothing here waits: the background thread fetches, and each thread has its newest report. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "handlers/endpoints.h"
#include "handlers/percent.h"
#include "server/negotiate.h"
#include "server/respond.h"
#include "server/service.h"

enum { MAX_NAMES = 1000 };

/* The report of an answer that is being sent. */
struct held {
    struct report *report;
};

static void respond_all(h2o_req_t *req, struct report *report);
static void on_gone(void *held);
static void respond_some(h2o_req_t *req, struct weather_view *view, h2o_iovec_t query);
static size_t read_names(h2o_req_t *req, h2o_iovec_t query, char *names[MAX_NAMES],
                         const char **ret_fault);
static void add_max_age(h2o_req_t *req, uint64_t due_us);

void weather_get(h2o_req_t *req, const struct route_arguments *arguments)
{
    struct weather_view *view = &service_of(req)->weather;
    h2o_iovec_t query = arguments->values[0];
    if (view->report == NULL)
        respond_problem(req, 404, "no-weather",
                        "This server shows no weather: no cities are configured.");
    else if (query.base == NULL)
        respond_all(req, view->report);
    else
        respond_some(req, view, query);
}

static void respond_all(h2o_req_t *req, struct report *report)
{
    struct held *held = h2o_mem_alloc_shared(&req->pool, sizeof(*held), on_gone);
    char *etag = h2o_mem_alloc_pool(&req->pool, 2 * ANSWER_ETAG_SIZE);
    char *gzip_etag = etag + ANSWER_ETAG_SIZE;
    held->report = report_hold(report);
    answer_name(etag, report->hash, "");
    answer_name(gzip_etag, report->gzip_hash, "-gz");
    add_max_age(req, report->due_us);
    respond_finished(req,
                     &(struct respond_finished){.plain = &report->text,
                                                .nplain = 1,
                                                .etag = etag,
                                                .gzip = report->gzip,
                                                .gzip_etag = gzip_etag},
                     negotiate_gzip(&req->headers));
}

static void on_gone(void *p)
{
    struct held *held = p;
    report_release(held->report);
}

static void respond_some(h2o_req_t *req, struct weather_view *view, h2o_iovec_t query)
{
    struct weather_selection *selection = weather_view_find(view, query);
    if (selection == NULL) {
        char *names[MAX_NAMES];
        const char *fault;
        size_t n = read_names(req, query, names, &fault);
        if (n == 0) {
            respond_problem(req, 400, "bad-cities", fault);
            return;
        }
        selection = weather_view_make(view, &service_of(req)->process->memory, query, names, n);
        h2o_mem_link_shared(&req->pool, selection);
        h2o_mem_release_shared(selection);
    } else {
        h2o_mem_link_shared(&req->pool, selection);
    }
    add_max_age(req, selection->due_us);
    respond_finished(req,
                     &(struct respond_finished){.plain = &selection->text,
                                                .nplain = 1,
                                                .etag = selection->etag,
                                                .gzip = selection->gzip,
                                                .gzip_etag = selection->gzip_etag},
                     negotiate_gzip(&req->headers));
}

/* 0: it is not a list of names, and *ret_fault says why. The names live as long as the request. */
static size_t read_names(h2o_req_t *req, h2o_iovec_t query, char *names[MAX_NAMES],
                         const char **ret_fault)
{
    size_t n = 0, characters, length;
    char *text = h2o_mem_alloc_pool(&req->pool, query.len + 1);
    *ret_fault = "The parameter \"cities\" is a list of names, divided by commas, in UTF-8.";
    length = percent_decode(query, true, text, query.len);
    text[length] = '\0';
    if (!utf8_count(text, length, &characters))
        return 0;
    for (char *name; (name = strsep(&text, ",")) != NULL;) {
        if (name[0] == '\0')
            return 0;
        if (n == MAX_NAMES) {
            *ret_fault = "The parameter \"cities\" takes at most 1000 names.";
            return 0;
        }
        names[n++] = name;
    }
    return n;
}

/* Until the next fetch is due; for a moment, where one is under way. */
static void add_max_age(h2o_req_t *req, uint64_t due_us)
{
    enum { MIN_S = 1, MAX_S = 3600 };
    uint64_t now_us = clock_us(), left_s = due_us > now_us ? (due_us - now_us) / 1000000 : 0;
    left_s = left_s < MIN_S ? MIN_S : left_s > MAX_S ? MAX_S : left_s;
    char *value = h2o_mem_alloc_pool(&req->pool, sizeof("max-age=3600"));
    snprintf(value, sizeof("max-age=3600"), "max-age=%u", (unsigned)left_s);
    respond_add_header(req, "cache-control", value);
}
