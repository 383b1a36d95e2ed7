/* GET /metrics: the numbers of all threads of this process, added up, as Prometheus text (exposition format
 * 0.0.4). Times are in seconds; the unit of a size is in its name. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "db/pool.h"
#include "handlers/endpoints.h"
#include "server/log.h"
#include "server/respond.h"
#include "server/service.h"

static void show_http(FILE *out, const struct service *self);
static void show_answers(FILE *out, const struct service *self);
static void show_db(FILE *out, const struct service *self);
static void show_background(FILE *out, const struct process *process);
static void show_lists(FILE *out, const struct lists_stats *stats);
static void show_weather(FILE *out, const struct weather_stats *stats);
static void show_process(FILE *out, const struct process *process);

void metrics_get(h2o_req_t *req, const struct route_arguments *arguments)
{
    (void)arguments;
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        abort(); /* no memory */
    show_http(out, service_of(req));
    show_answers(out, service_of(req));
    show_db(out, service_of(req));
    show_background(out, service_of(req)->process);
    if (service_of(req)->process->has_weather)
        show_weather(out, &service_of(req)->process->weather);
    show_process(out, service_of(req)->process);
    fprintf(out, "# HELP broadsheet_build_info The version that runs.\n"
                 "# TYPE broadsheet_build_info gauge\n"
                 "broadsheet_build_info{version=\"" BROADSHEET_VERSION "\"} 1\n");
    fclose(out);
    respond_text(req, 200, "text/plain; version=0.0.4; charset=utf-8",
                 h2o_iovec_init(text, length));
    free(text);
}

/* The sum of a counter over the services of all threads. */
static uint64_t sum(const struct service *self, const struct counter *own)
{
    size_t offset = (size_t)((const char *)own - (const char *)self);
    assert(offset <= sizeof(*self) - sizeof(*own)); /* it is a counter of this service */
    uint64_t total = 0;
    for (size_t i = 0; i < self->process->nservices; i++)
        total += counter_get(
            (const struct counter *)((const char *)self->process->services[i] + offset));
    return total;
}

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void show_number(FILE *out, const char *name, const char *type, const char *help,
                        uint64_t number)
{
    head(out, name, type, help);
    fprintf(out, "%s %" PRIu64 "\n", name, number);
}

static void show_one(FILE *out, const struct service *self, const char *name, const char *type,
                     const char *help, const struct counter *own)
{
    show_number(out, name, type, help, sum(self, own));
}

/* A histogram of one thread, or the sum over all threads. */
struct totals {
    uint64_t bucket[HISTOGRAM_MAX_BOUNDS + 1], sum;
};

static struct totals totals_of(const struct histogram *histogram)
{
    struct totals totals = {.sum = counter_get(&histogram->sum)};
    for (size_t i = 0; i <= HISTOGRAM_MAX_BOUNDS; i++)
        totals.bucket[i] = counter_get(&histogram->bucket[i]);
    return totals;
}

static struct totals totals_of_all(const struct service *self, const struct histogram *own)
{
    struct totals totals = {.sum = sum(self, &own->sum)};
    for (size_t i = 0; i <= HISTOGRAM_MAX_BOUNDS; i++)
        totals.bucket[i] = sum(self, &own->bucket[i]);
    return totals;
}

/* labels: such as `route="/healthz"`, or "". unit: 1 of a value in the unit that is shown; 1e-6 for
 * microseconds that are shown as seconds. */
static void show_histogram(FILE *out, const char *name, const char *labels, struct totals totals,
                           const struct histogram_bounds *bounds, double unit)
{
    const char *comma = labels[0] != '\0' ? "," : "";
    uint64_t total = 0;
    for (size_t i = 0; i < bounds->n; i++) {
        total += totals.bucket[i];
        fprintf(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, labels, comma,
                (double)bounds->bound[i] * unit, total);
    }
    total += totals.bucket[bounds->n];
    fprintf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, comma, total);
    const char *open = labels[0] != '\0' ? "{" : "", *close = labels[0] != '\0' ? "}" : "";
    fprintf(out, "%s_sum%s%s%s %.9g\n", name, open, labels, close, (double)totals.sum * unit);
    fprintf(out, "%s_count%s%s%s %" PRIu64 "\n", name, open, labels, close, total);
}

static const char *route_name(unsigned route)
{
    return routes[route].pattern != NULL ? routes[route].pattern : "other";
}

static void show_http(FILE *out, const struct service *self)
{
    const struct metrics *m = &self->metrics;
    head(out, "broadsheet_http_requests_total", "counter", "Requests answered.");
    for (unsigned route = 0; route < ROUTES_N; route++) {
        for (size_t i = 0; i < METRICS_NSTATUSES; i++) {
            uint64_t n = sum(self, &m->requests[route][i]);
            if (n == 0)
                continue;
            fprintf(out, "broadsheet_http_requests_total{route=\"%s\",status=\"",
                    route_name(route));
            if (metrics_statuses[i] != 0)
                fprintf(out, "%d\"} %" PRIu64 "\n", metrics_statuses[i], n);
            else
                fprintf(out, "other\"} %" PRIu64 "\n", n);
        }
    }
    head(out, "broadsheet_http_request_duration_seconds", "histogram",
         "From the request's arrival to the last byte of its answer.");
    for (unsigned route = 0; route < ROUTES_N; route++) {
        char labels[64];
        snprintf(labels, sizeof(labels), "route=\"%s\"", route_name(route));
        show_histogram(out, "broadsheet_http_request_duration_seconds", labels,
                       totals_of_all(self, &m->latency_us[route]), &metrics_latency_bounds_us,
                       1e-6);
    }
    show_one(out, self, "broadsheet_http_requests_in_flight", "gauge",
             "Requests that are not answered yet.", &m->in_flight);
    show_one(out, self, "broadsheet_http_connections", "gauge", "Client connections that are open.",
             &m->connections);
    show_one(out, self, "broadsheet_http_connections_accepted_total", "counter",
             "Client connections that were accepted.", &m->accepted);
}

static void show_answers(FILE *out, const struct service *self)
{
    const struct answer_cache_stats *s = &self->answers.stats;
    show_one(out, self, "broadsheet_cache_hits_total", "counter", "Requests answered from memory.",
             &s->hits);
    show_one(out, self, "broadsheet_cache_misses_total", "counter",
             "Requests for which memory had no answer that may be shown.", &s->misses);
    show_one(out, self, "broadsheet_cache_dropped_total", "counter",
             "Answers dropped because of a change.", &s->dropped);
    show_one(out, self, "broadsheet_cache_answers", "gauge", "Answers in memory.", &s->items);
    show_one(out, self, "broadsheet_cache_bytes", "gauge",
             "Memory that the answers in the cache take.", &s->bytes);
    show_one(out, self, "broadsheet_joined_requests_total", "counter",
             "Requests that joined the look-up of an earlier request.", &s->joined);
}

static void show_db(FILE *out, const struct service *self)
{
    static const char *const states[DB_CONN_NSTATES] = {[DB_CONN_DOWN] = "down",
                                                        [DB_CONN_RESOLVING] = "resolving",
                                                        [DB_CONN_CONNECTING] = "connecting",
                                                        [DB_CONN_PREPARING] = "preparing",
                                                        [DB_CONN_IDLE] = "idle",
                                                        [DB_CONN_BUSY] = "busy"};
    static const char *const results[] = {[DB_OK] = "ok",
                                          [DB_UNAVAILABLE] = "unavailable",
                                          [DB_BUSY] = "queue_full",
                                          [DB_TIMEOUT] = "deadline_missed",
                                          [DB_FAILED] = "failed"};
    static_assert(sizeof(results) / sizeof(results[0]) == DB_FAILED + 1, "each error has a name");
    const struct db_pool_stats *s = &self->pool_stats;

    head(out, "broadsheet_db_connections", "gauge", "Database connections by state.");
    for (size_t i = 0; i < DB_CONN_NSTATES; i++)
        fprintf(out, "broadsheet_db_connections{state=\"%s\"} %" PRIu64 "\n", states[i],
                sum(self, &s->connections[i]));
    show_one(out, self, "broadsheet_db_reconnects_total", "counter",
             "Database connections that came up again after a loss.", &s->reconnects);
    show_one(out, self, "broadsheet_db_queue_length", "gauge",
             "Queries that wait for a connection.", &s->waiting);
    head(out, "broadsheet_db_queue_wait_seconds", "histogram",
         "From the start of a query until it was sent.");
    show_histogram(out, "broadsheet_db_queue_wait_seconds", "", totals_of_all(self, &s->wait_us),
                   &db_wait_bounds_us, 1e-6);
    head(out, "broadsheet_db_batch_ids", "histogram", "Ids that one command asked for.");
    for (size_t i = 0; i < DB_NSTATEMENTS; i++) {
        char labels[64];
        snprintf(labels, sizeof(labels), "statement=\"%s\"", db_statements[i].name);
        if (db_statements[i].batched)
            show_histogram(out, "broadsheet_db_batch_ids", labels,
                           totals_of_all(self, &s->batch_ids[i]), &db_batch_bounds, 1);
    }
    head(
        out, "broadsheet_db_queries_total", "counter",
        "Queries by statement and result; deadline_missed: the deadline passed before the answer.");
    for (size_t i = 0; i < DB_NSTATEMENTS; i++) {
        for (size_t k = 0; k <= DB_FAILED; k++)
            fprintf(out,
                    "broadsheet_db_queries_total{statement=\"%s\",result=\"%s\"} %" PRIu64 "\n",
                    db_statements[i].name, results[k], sum(self, &s->queries[i][k]));
    }
    show_one(out, self, "broadsheet_db_retries_total", "counter",
             "Queries that were run again, after their batch failed or their connection was lost.",
             &s->retries);
}

static void show_background(FILE *out, const struct process *process)
{
    const struct db_change_feed_stats *feed = &process->change_feed;
    const struct lists_stats *worker = &process->related_worker;

    show_number(out, "broadsheet_change_feed_up", "gauge",
                "1 while the change feed reads; without it nothing is answered from memory.",
                counter_get(&feed->is_up));
    show_number(out, "broadsheet_change_feed_unreliable", "gauge",
                "1 while changes may go unreported; nothing is answered from memory then.",
                counter_get(&feed->is_unreliable));
    show_number(out, "broadsheet_change_feed_reads_total", "counter", "Reads of the change log.",
                counter_get(&feed->reads));
    show_number(out, "broadsheet_change_feed_changes_total", "counter",
                "Changes that the change log reported.", counter_get(&feed->changes));
    show_number(out, "broadsheet_change_feed_everything_total", "counter",
                "Reads of the change log after which anything may have changed.",
                counter_get(&feed->everything));
    uint64_t confirmed_at_us = counter_get(&feed->confirmed_at_us);
    head(out, "broadsheet_change_feed_confirmed_age_seconds", "gauge",
         "The age of the last read of the change log that succeeded.");
    if (confirmed_at_us != 0)
        fprintf(out, "broadsheet_change_feed_confirmed_age_seconds %.6f\n",
                (double)(clock_us() - confirmed_at_us) * 1e-6);
    show_number(out, "broadsheet_related_worker_articles_total", "counter",
                "Articles of the queue of related lists that this process has processed.",
                counter_get(&worker->articles));
    show_number(out, "broadsheet_related_worker_calls_total", "counter",
                "Calls that process that queue or trim the change log.",
                counter_get(&worker->calls));
    show_number(out, "broadsheet_related_worker_failures_total", "counter",
                "Calls of those that the database answered with an error.",
                counter_get(&worker->failures));
    show_number(out, "broadsheet_related_worker_failed_articles_total", "counter",
                "Failures at one article, which is tried again later.",
                counter_get(&worker->failed_articles));
    show_lists(out, worker);
}

static void show_lists(FILE *out, const struct lists_stats *stats)
{
    static const char *const sizes[] = {
        [LISTS_FEW] = "0-2", [LISTS_SHORT] = "3-5", [LISTS_FULL] = "6"};

    head(out, "broadsheet_related_lists_total", "counter",
         "Related lists that this process has made, by the number of cards.");
    for (enum lists_size size = 0; size < LISTS_NSIZES; size++)
        fprintf(out, "broadsheet_related_lists_total{cards=\"%s\"} %" PRIu64 "\n", sizes[size],
                counter_get(&stats->lists[size]));
    head(out, "broadsheet_related_list_seconds_total", "counter",
         "The time that this process took for them.");
    fprintf(out, "broadsheet_related_list_seconds_total %.6f\n",
            (double)counter_get(&stats->list_us) * 1e-6);
    show_number(out, "broadsheet_related_queue_rows", "gauge",
                "Articles and lists in the queue; 100,000 stands for more.",
                counter_get(&stats->queued));
    show_number(out, "broadsheet_related_queue_age_seconds", "gauge",
                "The age of the oldest row of that queue.", counter_get(&stats->queue_age_s));
    head(out, "broadsheet_related_oldest_list_age_seconds", "gauge",
         "The age of the list that was made longest ago, by the version of the analysis.");
    for (size_t i = 0; i < LISTS_MAX_VERSIONS; i++) {
        if (counter_get(&stats->oldest[i].analysis) != 0)
            fprintf(out,
                    "broadsheet_related_oldest_list_age_seconds{version=\"%" PRIu64 "\"} %" PRIu64
                    "\n",
                    counter_get(&stats->oldest[i].analysis), counter_get(&stats->oldest[i].age_s));
    }
}

static void show_weather(FILE *out, const struct weather_stats *stats)
{
    head(out, "broadsheet_weather_fetches_total", "counter",
         "Fetches of a city's weather that have ended, by outcome.");
    for (unsigned reason = 0; reason < WEATHER_NREASONS; reason++) {
        if (reason != WEATHER_UNKNOWN_CITY && reason != WEATHER_NOT_YET)
            fprintf(out, "broadsheet_weather_fetches_total{outcome=\"%s\"} %" PRIu64 "\n",
                    weather_reason_name(reason), counter_get(&stats->fetches[reason]));
    }
    head(out, "broadsheet_weather_fetch_seconds", "histogram",
         "From the request for a fetch to its end, the wait for a place included.");
    show_histogram(out, "broadsheet_weather_fetch_seconds", "", totals_of(&stats->took_us),
                   &weather_bounds_us, 1e-6);
    show_number(out, "broadsheet_weather_fetches_under_way", "gauge",
                "Fetches under way (BROADSHEET_WEATHER_PARALLEL limits them).",
                counter_get(&stats->under_way));
    show_number(out, "broadsheet_weather_fetches_waiting", "gauge",
                "Fetches that wait for a place.", counter_get(&stats->waiting));
    uint64_t oldest_us = counter_get(&stats->oldest_read_us);
    head(out, "broadsheet_weather_oldest_reading_age_seconds", "gauge",
         "The age of the oldest of the cities' last readings.");
    if (oldest_us != 0)
        fprintf(out, "broadsheet_weather_oldest_reading_age_seconds %.6f\n",
                (double)(clock_us() - oldest_us) * 1e-6);
}

static void show_process(FILE *out, const struct process *process)
{
    show_number(out, "broadsheet_memory_bytes", "gauge",
                "Memory of answers that are not in the cache (BROADSHEET_MEMORY_MB limits it).",
                memory_used(&process->memory));
    show_number(out, "broadsheet_memory_refused_total", "counter",
                "Times that this memory had no room: for an answer, its list or its gzip form.",
                memory_refused(&process->memory));
    show_number(out, "broadsheet_log_lines_lost_total", "counter",
                "Lines of the log that were lost because its reader was too slow or had left.",
                log_lines_lost());
}
