#include "server/weather_view.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/gzip.h"
#include "server/segment.h"

static void forget(struct weather_view *view, size_t place);
static void keep(struct weather_view *view, struct weather_selection *selection);
static void on_unused(void *selection);
static size_t bytes_of(const struct weather_selection *selection);

void weather_view_update(struct weather_view *view, struct report *report)
{
    weather_view_finish(view);
    view->report = report;
}

void weather_view_finish(struct weather_view *view)
{
    for (size_t i = 0; i < WEATHER_VIEW_KEPT; i++)
        forget(view, i);
    assert(view->_kept_bytes == 0);
    report_release(view->report);
    view->report = NULL;
}

static void forget(struct weather_view *view, size_t place)
{
    struct weather_selection *selection = view->_kept[place];
    if (selection == NULL)
        return;
    view->_kept_bytes -= bytes_of(selection);
    view->_kept[place] = NULL;
    h2o_mem_release_shared(selection);
}

struct weather_selection *weather_view_find(const struct weather_view *view, h2o_iovec_t query)
{
    uint64_t hash = segment_hash_of(query);
    struct weather_selection *selection = view->_kept[hash % WEATHER_VIEW_KEPT];
    if (selection == NULL || selection->query_hash != hash ||
        !h2o_memis(selection->query.base, selection->query.len, query.base, query.len))
        return NULL;
    return selection;
}

struct weather_selection *weather_view_make(struct weather_view *view, struct memory *memory,
                                            h2o_iovec_t query, char *const *names, size_t n)
{
    struct weather_selection *selection = h2o_mem_alloc_shared(NULL, sizeof(*selection), on_unused);
    *selection = (struct weather_selection){.query_hash = segment_hash_of(query)};
    selection->query = h2o_strdup(NULL, query.base, query.len);
    selection->text.base =
        report_select(view->report, names, n, &selection->text.len, &selection->due_us);
    answer_name(selection->etag, segment_hash_of(selection->text), "");
    if (gzip_is_useful(selection->text.len)) {
        selection->gzip.base = gzip_compress(selection->text.base, selection->text.len,
                                             gzip_most(selection->text.len), &selection->gzip.len);
        answer_name(selection->gzip_etag, segment_hash_of(selection->gzip), "-gz");
    }
    memory_reserve_anyway(memory, bytes_of(selection));
    selection->_memory = memory;
    selection->_reserved = bytes_of(selection);
    keep(view, selection);
    return selection;
}

/* In place of an earlier one. */
static void keep(struct weather_view *view, struct weather_selection *selection)
{
    size_t place = selection->query_hash % WEATHER_VIEW_KEPT, bytes = bytes_of(selection);
    forget(view, place);
    if (view->_kept_bytes + bytes > WEATHER_VIEW_KEPT_BYTES)
        return;
    h2o_mem_addref_shared(selection);
    view->_kept[place] = selection;
    view->_kept_bytes += bytes;
}

static size_t bytes_of(const struct weather_selection *selection)
{
    return sizeof(*selection) + selection->query.len + selection->text.len + selection->gzip.len;
}

static void on_unused(void *p)
{
    struct weather_selection *selection = p;
    memory_release(selection->_memory, selection->_reserved);
    free(selection->query.base);
    free(selection->text.base);
    free(selection->gzip.base);
}
