/* bench/cache_replay.c - the share of the requests of a log that a cache would have answered.
 *
 *     cache_replay [--size-percent P[,P...]] LOG
 *
 * LOG: a request in each line; "-" is standard input. A line is an id, or a line of an access log with the
 * id after "/articles/". A line that begins with "-" and a digit is a request of a crawler: it changes the
 * cache, but it does not count. Other lines are ignored.
 *
 * Prints the hits of some policies, in percent of the requests that count. The caches have room for P
 * percent of the ids in the log (at least 10). All answers have the same size.
 *
 *     read_log --> number_ids --> replay, for each size and policy --> a line a size */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cache_policies.h"

enum { MAX_SIZES = 16, LEAST_ROOM = 10 };

struct log {
    size_t n, room, left_out, ncounted;
    int64_t *id;
    uint32_t *number; /* the same, from 0 without gaps */
    uint32_t nids;
    bool *counts;
};

static bool read_sizes(const char *text, double sizes[MAX_SIZES], size_t *ret_n);
static bool read_log(struct log *log, const char *name);
static void number_ids(struct log *log);
static void print_head(const struct log *log);
static void replay(const struct log *log, double percent);

int main(int argc, char **argv)
{
    double sizes[MAX_SIZES] = {0.1, 1, 5, 10};
    size_t nsizes = 4;
    bool has_sizes = argc == 4 && strcmp(argv[1], "--size-percent") == 0;
    if ((argc != 2 && !has_sizes) || (has_sizes && !read_sizes(argv[2], sizes, &nsizes))) {
        fprintf(stderr,
                "usage: cache_replay [--size-percent P[,P...]] LOG     P: 0.001 to 100, %d of "
                "them at most; LOG: ids or an access log, \"-\" is standard input\n",
                MAX_SIZES);
        return 2;
    }
    struct log log = {0};
    if (!read_log(&log, argv[argc - 1]))
        return 1;
    number_ids(&log);
    print_head(&log);
    for (size_t i = 0; i < nsizes; i++)
        replay(&log, sizes[i]);
    free(log.id);
    free(log.number);
    free(log.counts);
    return 0;
}

static bool read_sizes(const char *text, double sizes[MAX_SIZES], size_t *ret_n)
{
    size_t n = 0;
    for (char *end;; text = end + 1) {
        double percent = strtod(text, &end);
        if (n == MAX_SIZES || end == text || !(percent >= 0.001 && percent <= 100))
            return false;
        sizes[n++] = percent;
        if (*end != ',') {
            *ret_n = n;
            return *end == '\0';
        }
    }
}

/* ---- the log */

static void *grown(void *p, size_t n, size_t bytes)
{
    p = reallocarray(p, n > 0 ? n : 1, bytes);
    if (p == NULL)
        abort();
    return p;
}

/* False: the line has no id of an article. */
static bool read_line(const char *line, int64_t *ret_id, bool *ret_counts)
{
    const char *path = strstr(line, "/articles/");
    bool is_crawler = line[0] == '-' && line[1] >= '0' && line[1] <= '9';
    const char *number = path != NULL ? path + strlen("/articles/") : line + is_crawler;
    char *end;
    *ret_counts = !is_crawler;
    *ret_id = strtoll(number, &end, 10);
    return end > number && *ret_id > 0 && (*end == '\0' || strchr(" \t\r\n/?\"", *end) != NULL);
}

static void read_lines(struct log *log, FILE *file)
{
    char *line = NULL;
    size_t bytes = 0;
    while (getline(&line, &bytes, file) >= 0) {
        if (log->n == log->room) {
            log->room = log->room * 2 + 1024;
            log->id = grown(log->id, log->room, sizeof(log->id[0]));
            log->counts = grown(log->counts, log->room, sizeof(log->counts[0]));
        }
        if (read_line(line, &log->id[log->n], &log->counts[log->n]))
            log->ncounted += log->counts[log->n++];
        else
            log->left_out++;
    }
    free(line);
}

static bool read_log(struct log *log, const char *name)
{
    bool is_file = strcmp(name, "-") != 0;
    FILE *file = is_file ? fopen(name, "r") : stdin;
    if (file != NULL)
        read_lines(log, file);
    if (file == NULL || ferror(file)) {
        fprintf(stderr, "cache_replay: cannot read %s: %m\n", name);
        return false;
    }
    if (is_file)
        fclose(file);
    if (log->left_out > 0)
        fprintf(stderr, "cache_replay: %zu lines have no id of an article\n", log->left_out);
    if (log->ncounted == 0)
        fprintf(stderr, "cache_replay: no request in %s counts\n", name);
    return log->ncounted > 0;
}

static int by_id(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void number_ids(struct log *log)
{
    int64_t *ids = grown(NULL, log->n, sizeof(*ids));
    memcpy(ids, log->id, log->n * sizeof(*ids));
    qsort(ids, log->n, sizeof(*ids), by_id);
    for (size_t i = 0; i < log->n; i++)
        if (i == 0 || ids[i] != ids[log->nids - 1])
            ids[log->nids++] = ids[i];
    log->number = grown(NULL, log->n, sizeof(log->number[0]));
    for (size_t i = 0; i < log->n; i++) {
        const int64_t *found = bsearch(&log->id[i], ids, log->nids, sizeof(*ids), by_id);
        log->number[i] = (uint32_t)(found - ids);
    }
    free(ids);
}

/* ---- the results */

static void print_head(const struct log *log)
{
    printf("%zu requests for %" PRIu32 " ids, %zu of them counted; hits in percent\n", log->n,
           log->nids, log->ncounted);
    printf("%8s %10s", "size", "answers");
    for (size_t i = 0; i < NPOLICIES; i++)
        printf(" %8s", policies[i].name);
    printf(" %8s\n", "Belady");
}

static void print_hits(const struct log *log, size_t hits)
{
    printf(" %8.2f", 100.0 * (double)hits / (double)log->ncounted);
    fflush(stdout);
}

static void replay(const struct log *log, double percent)
{
    uint32_t room = (uint32_t)(percent / 100 * log->nids);
    if (room < LEAST_ROOM)
        room = LEAST_ROOM;
    printf("%7g%% %10" PRIu32, percent, room);
    for (size_t i = 0; i < NPOLICIES; i++) {
        struct policy *policy = policies[i].create(log->nids, room);
        size_t hits = 0;
        for (size_t at = 0; at < log->n; at++)
            hits += policies[i].ask(policy, log->number[at]) && log->counts[at];
        policies[i].destroy(policy);
        print_hits(log, hits);
    }
    bool *hit = grown(NULL, log->n, sizeof(*hit));
    belady(log->number, log->n, log->nids, room, hit);
    size_t hits = 0;
    for (size_t at = 0; at < log->n; at++)
        hits += hit[at] && log->counts[at];
    free(hit);
    print_hits(log, hits);
    putchar('\n');
}
