/* GET /metrics: the numbers of every loop of this process, added up, as Prometheus text (exposition
 * format 0.0.4). Times are in seconds, sizes in what their names say. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "db/pool.h"
#include "handlers/endpoints.h"
#include "server/respond.h"
#include "server/worker.h"

static void show_http(FILE *out, const struct worker *self);
static void show_store(FILE *out, const struct worker *self);
static void show_db(FILE *out, const struct worker *self);
static void show_watch(FILE *out, const struct worker *self);

void metrics_get(h2o_req_t *req, h2o_iovec_t variable)
{
    (void)variable;
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        abort(); /* no memory */
    show_http(out, worker_of(req));
    show_store(out, worker_of(req));
    show_db(out, worker_of(req));
    show_watch(out, worker_of(req));
    fprintf(out, "# HELP broadsheet_build_info The version that runs.\n"
                 "# TYPE broadsheet_build_info gauge\n"
                 "broadsheet_build_info{version=\"" BROADSHEET_VERSION "\"} 1\n");
    fclose(out);
    respond_text(req, 200, "text/plain; version=0.0.4; charset=utf-8",
                 h2o_iovec_init(text, length));
    free(text);
}

/* A counter stands at the same place in every worker: its sum is found by its place in one of them. */
static uint64_t sum(const struct worker *self, const struct counter *own)
{
    size_t offset = (size_t)((const char *)own - (const char *)self);
    uint64_t total = 0;
    for (size_t i = 0; i < self->nall; i++)
        total += counter_get((const struct counter *)((const char *)&self->all[i] + offset));
    return total;
}

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void show_one(FILE *out, const struct worker *self, const char *name, const char *type,
                     const char *help, const struct counter *own)
{
    head(out, name, type, help);
    fprintf(out, "%s %" PRIu64 "\n", name, sum(self, own));
}

/* labels: such as `route="/healthz"`, or "". unit: what one of the values is in the unit that is
 * shown, 1e-6 for microseconds shown as seconds. */
static void show_histogram(FILE *out, const struct worker *self, const char *name,
                           const char *labels, const struct histogram *own,
                           const struct histogram_bounds *bounds, double unit)
{
    const char *comma = labels[0] != '\0' ? "," : "";
    uint64_t total = 0;
    for (size_t i = 0; i < bounds->n; i++) {
        total += sum(self, &own->bucket[i]);
        fprintf(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, labels, comma,
                (double)bounds->bound[i] * unit, total);
    }
    total += sum(self, &own->bucket[bounds->n]);
    fprintf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, comma, total);
    const char *open = labels[0] != '\0' ? "{" : "", *close = labels[0] != '\0' ? "}" : "";
    fprintf(out, "%s_sum%s%s%s %.9g\n", name, open, labels, close,
            (double)sum(self, &own->sum) * unit);
    fprintf(out, "%s_count%s%s%s %" PRIu64 "\n", name, open, labels, close, total);
}

static const char *route_name(unsigned route)
{
    return routes[route].pattern != NULL ? routes[route].pattern : "other";
}

static void show_http(FILE *out, const struct worker *self)
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
        show_histogram(out, self, "broadsheet_http_request_duration_seconds", labels,
                       &m->latency_us[route], &metrics_latency_bounds_us, 1e-6);
    }
    show_one(out, self, "broadsheet_http_requests_in_flight", "gauge",
             "Requests that are not answered yet.", &m->in_flight);
    show_one(out, self, "broadsheet_http_connections", "gauge", "Client connections that are open.",
             &m->connections);
    show_one(out, self, "broadsheet_http_connections_accepted_total", "counter",
             "Client connections that were accepted.", &m->accepted);
}

static void show_store(FILE *out, const struct worker *self)
{
    const struct answer_cache_stats *s = &self->answers.stats;
    show_one(out, self, "broadsheet_cache_hits_total", "counter", "Requests answered from memory.",
             &s->hits);
    show_one(out, self, "broadsheet_cache_misses_total", "counter",
             "Requests that found nothing in memory that may be shown.", &s->misses);
    show_one(out, self, "broadsheet_cache_dropped_total", "counter",
             "Answers dropped because what they show has changed.", &s->dropped);
    show_one(out, self, "broadsheet_cache_answers", "gauge", "Answers in memory.", &s->items);
    show_one(out, self, "broadsheet_cache_bytes", "gauge",
             "What the answers in memory cost, everything counted.", &s->bytes);
    show_one(out, self, "broadsheet_joined_requests_total", "counter",
             "Requests that joined a look-up under way.", &s->joined);
}

static void show_db(FILE *out, const struct worker *self)
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
    show_histogram(out, self, "broadsheet_db_queue_wait_seconds", "", &s->wait_us,
                   &db_wait_bounds_us, 1e-6);
    head(out, "broadsheet_db_batch_ids", "histogram", "Ids that one command asked for.");
    for (size_t i = 0; i < DB_NSTATEMENTS; i++) {
        char labels[64];
        snprintf(labels, sizeof(labels), "statement=\"%s\"", db_statements[i].name);
        if (db_statements[i].batched)
            show_histogram(out, self, "broadsheet_db_batch_ids", labels, &s->batch_ids[i],
                           &db_batch_bounds, 1);
    }
    head(out, "broadsheet_db_queries_total", "counter",
         "Queries by statement and how they ended; deadline_missed counts those that were too "
         "late.");
    for (size_t i = 0; i < DB_NSTATEMENTS; i++) {
        for (size_t k = 0; k <= DB_FAILED; k++)
            fprintf(out,
                    "broadsheet_db_queries_total{statement=\"%s\",result=\"%s\"} %" PRIu64 "\n",
                    db_statements[i].name, results[k], sum(self, &s->queries[i][k]));
    }
    show_one(out, self, "broadsheet_db_retries_total", "counter",
             "Queries that were run again alone, after their batch failed.", &s->retries);
}

/* One worker has the feed and the related_worker; the others' numbers are 0. */
static void show_watch(FILE *out, const struct worker *self)
{
    const struct db_change_feed_stats *feed = &self->background.change_feed_stats;
    const struct db_related_worker_stats *related_worker = &self->background.related_worker_stats;

    show_one(out, self, "broadsheet_change_feed_up", "gauge",
             "1 while the change feed reads; without it nothing is answered from memory.",
             &feed->is_up);
    show_one(out, self, "broadsheet_change_feed_reads_total", "counter", "Reads of the change log.",
             &feed->reads);
    show_one(out, self, "broadsheet_change_feed_changes_total", "counter",
             "Changed articles that the change log named.", &feed->changes);
    show_one(out, self, "broadsheet_change_feed_everything_total", "counter",
             "Reads after which anything may have changed.", &feed->everything);
    uint64_t confirmed_at_us = sum(self, &feed->confirmed_at_us);
    head(out, "broadsheet_change_feed_confirmed_age_seconds", "gauge",
         "How long ago the database was last known to have told all of its changes.");
    if (confirmed_at_us != 0)
        fprintf(out, "broadsheet_change_feed_confirmed_age_seconds %.6f\n",
                (double)(clock_us() - confirmed_at_us) * 1e-6);
    show_one(out, self, "broadsheet_related_worker_articles_total", "counter",
             "Articles of the queue of related lists that this process dealt with.",
             &related_worker->articles);
    show_one(out, self, "broadsheet_related_worker_calls_total", "counter",
             "Calls that work off that queue or trim the change log.", &related_worker->calls);
    show_one(out, self, "broadsheet_related_worker_failures_total", "counter",
             "Calls of those that the database answered with an error.", &related_worker->failures);
}
