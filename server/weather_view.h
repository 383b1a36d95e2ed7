/* server/weather_view.h - the weather that a thread shows: the newest report, and answers for some cities that
 * were made from it.
 *
 * A request for some cities costs a search and a copy for each of them, and perhaps compression. So the
 * answers that were asked for last are kept until the next report, within small limits.
 *
 * One thread. */
#ifndef SERVER_WEATHER_VIEW_H
#define SERVER_WEATHER_VIEW_H

#include <h2o.h>

#include "server/answer.h"
#include "server/memory.h"
#include "weather/report.h"

enum { WEATHER_VIEW_KEPT = 64, WEATHER_VIEW_KEPT_BYTES = 1 << 20 };

/* The weather of some cities. Reference counted: h2o_mem_addref_shared() and h2o_mem_release_shared(). */
struct weather_selection {
    uint64_t query_hash;
    h2o_iovec_t query;      /* the names as they were asked for */
    h2o_iovec_t text, gzip; /* gzip.base NULL: not useful */
    char etag[ANSWER_ETAG_SIZE], gzip_etag[ANSWER_ETAG_SIZE];
    uint64_t due_us; /* see report_select() */

    struct memory *_memory; /* has _reserved bytes for it */
    size_t _reserved;
};

/* Zeroed: there is no weather. */
struct weather_view {
    struct report *report; /* read only; NULL: no cities are configured */
    struct weather_selection
        *_kept[WEATHER_VIEW_KEPT]; /* in the place that the hash of the query names */
    size_t _kept_bytes;
};

/* Takes a reference of the report. */
void weather_view_update(struct weather_view *view, struct report *report);
void weather_view_finish(struct weather_view *view);

/* query: the value of `cities` as it was sent. NULL: it is not kept. Lent until the next call. */
struct weather_selection *weather_view_find(const struct weather_view *view, h2o_iovec_t query);

/* Makes it, and keeps it where there is room. names: what the query means. The caller owns one reference.
 * Its bytes count in the budget of memory, which never refuses them: the weather is never 503. */
struct weather_selection *weather_view_make(struct weather_view *view, struct memory *memory,
                                            h2o_iovec_t query, char *const *names, size_t n);

#endif
